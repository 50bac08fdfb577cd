import Foundation
import GuestModels
import Postgres

/// Once a day, writes to households that have to pay, and gives back money that has been paid too much.
///
/// Guests get a letter a week before their share is due, another on the day after, and then one a week. The organiser
/// also gets letters about late shares.
struct RemindPayers: Work {
    static let kind = "remindPayers"
    static let queue = Job.Queue.effects

    let parkId: Park.ID
    /// The date in the park's time zone.
    let day: LocalDate

    func finish(_ act: Act) async throws {
        var reminded: Set<Share.ID> = []
        for reminder in try await act.tx.all(DebtSQL.reminders(of: parkId, on: day)) {
            let isLate = reminder.due < day
            var link: PayLink.ID?
            if act.app.payments != nil {
                let made = PayLink(
                    id: act.id(),
                    shareId: reminder.share,
                    expiresAt: act.now.addingTimeInterval(PayLink.days * 86400)
                )
                act.tx.later([PayLinkSQL.insert(made, at: act.now)])
                link = made.id
            }
            let letter: Mail.Letter =
                isLate
                ? .shareOverdue(
                    number: reminder.number,
                    park: reminder.park,
                    household: reminder.household,
                    open: reminder.open,
                    due: reminder.due,
                    link: link
                )
                : .shareDue(
                    number: reminder.number,
                    park: reminder.park,
                    open: reminder.open,
                    due: reminder.due,
                    link: link
                )
            let mail = Mail(
                to: reminder.email,
                language: Language(rawValue: reminder.language) ?? .english,
                letter: letter
            )
            // Each person gets a letter, but a share gets only one notice.
            if reminded.insert(reminder.share).inserted {
                try (isLate ? Notice.shareOverdue : .shareDue)
                    .notify(
                        about: .init(
                            group: reminder.group,
                            booking: reminder.booking,
                            household: reminder.debtor,
                            park: parkId
                        ),
                        act.as(.job(Self.kind))
                    )
            }
            try Job.enqueue(mail, key: "remind \(reminder.share) \(reminder.guest) \(day)", at: act.now, act)
        }
        act.tx.later([DebtSQL.reminded(Array(reminded), on: day)])
        for lapsed in try await act.tx.all(DebtSQL.lapsed(in: parkId, on: day)) {
            let work = LapseDeposit(bookingId: lapsed.booking, day: day)
            try Job.enqueue(work, key: lapsed.booking.description, at: act.now, act)
        }
        for booking in try await act.tx.all(DebtSQL.longOverdue(in: parkId, on: day)) {
            let work = LapseShares(bookingId: booking, day: day)
            try Job.enqueue(work, key: booking.description, at: act.now, act)
        }
        // If a task was closed and the money was not given back, the task is opened again.
        for booking in try await act.tx.all(DebtSQL.overpaid(in: parkId)) {
            try Job.enqueue(Overpaid(bookingId: booking), key: booking.description, at: act.now, act)
        }
    }
}
