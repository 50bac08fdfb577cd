import Foundation
import GuestModels
import Postgres

/// The job that notifies a cottage's next group of new texts in the cottage's guest book.
///
/// The job runs first when phones of a group that arrives on the day of departure get the grant for the cottage's
/// scope. Until somebody is notified it runs every day, because a stay may be booked late, and when the grant of the
/// next firm stay begins. Nobody is notified of texts that were taken back, in a park that has no guest books any more,
/// or later than `days` after the departure.
struct AnnounceGuestBook: Work {
    static let kind = "announceGuestBook"
    static let queue = Job.Queue.effects

    /// The number of days after the departure for which a text is news.
    static let days = 90

    let cottageId: Cottage.ID
    /// The booking of the household that wrote the text.
    let bookingId: Booking.ID

    static func enqueue(_ cottage: Cottage.ID, of booking: Booking, _ act: Act) throws {
        let work = AnnounceGuestBook(cottageId: cottage, bookingId: booking.id)
        let earliest = CottageGrant.begin(arrival: booking.stay.departure)
        // The texts of all households of a stay in a cottage share one job.
        try Job.enqueue(work, key: "\(cottage) \(booking.id)", at: max(act.now, earliest), act)
    }

    func finish(_ act: Act) async throws {
        guard let next = try await act.tx.first(GuestBookSQL.next(self, at: act.now)), next.grantedAt <= act.now,
            try await act.tx.first(ParkSQL.park(next.park))?.rules.hasGuestBooks == true
        else { return }
        // The update locks the texts, so a text that is being taken back is not announced.
        let authors = Set(try await act.tx.all(GuestBookSQL.setAnnounced(self, at: act.now)))
        guard let author = authors.first else { return }
        // An author may also be a member of the next group. Each of several authors has news by another.
        try Notice.guestBookWritten.notify(
            about: .init(group: next.group, booking: next.booking, park: next.park),
            causedBy: authors.count == 1 ? author : nil,
            act
        )
    }

    func again(_ act: Act) async throws -> Date? {
        guard try await act.tx.first(GuestBookSQL.hasNews(self, at: act.now)) == true else { return nil }
        let tomorrow = act.now.addingTimeInterval(86_400)
        let next = try await act.tx.first(GuestBookSQL.next(self, at: act.now))
        guard let next, next.grantedAt > act.now else { return tomorrow }
        return min(next.grantedAt, tomorrow)
    }
}
