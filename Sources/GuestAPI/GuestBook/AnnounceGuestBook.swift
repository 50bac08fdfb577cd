import Foundation
import GuestModels
import Postgres

/// The job that notifies a cottage's next group of new texts in the cottage's guest book.
///
/// Phones of the next group get the notice once they have the grant for the cottage's scope. Until then the job runs
/// every day, because the author's stay may become shorter and the next one may be booked late. It also runs when the
/// grant of the next firm stay begins. In the park's quiet hours it waits, so that no notice goes out for a text that was
/// taken back in the night. Nobody is notified in a park that has no guest books any more, or later than `days` after the
/// departure.
struct AnnounceGuestBook: Work {
    static let kind = "announceGuestBook"
    static let queue = Job.Queue.effects

    /// The number of days after the departure for which a text is news.
    static let days = 90
    private static let day: TimeInterval = 86_400

    let cottageId: Cottage.ID
    /// The booking of the household that wrote the text.
    let bookingId: Booking.ID

    static func enqueue(_ cottage: Cottage.ID, of booking: Booking, _ act: Act) throws {
        let work = AnnounceGuestBook(cottageId: cottage, bookingId: booking.id)
        let earliest = CottageGrant.begin(arrival: booking.stay.departure)
        // The texts of all households of a stay in a cottage share one job.
        let first = min(max(act.now, earliest), act.now.addingTimeInterval(day))
        try Job.enqueue(work, key: "\(cottage) \(booking.id)", at: first, act)
    }

    func finish(_ act: Act) async throws {
        guard let next = try await act.tx.first(GuestBookSQL.next(self, at: act.now)), next.grantedAt <= act.now,
            let park = try await act.tx.first(ParkSQL.park(next.park)), park.rules.hasGuestBooks == true,
            try park.morning(after: act.now) == act.now
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
        let tomorrow = act.now.addingTimeInterval(Self.day)
        let next = try await act.tx.first(GuestBookSQL.next(self, at: act.now))
        guard let next, let park = try await act.tx.first(ParkSQL.park(next.park)) else { return tomorrow }
        let earliest = try park.morning(after: max(next.grantedAt, act.now))
        return earliest > act.now ? min(earliest, tomorrow) : tomorrow
    }
}

extension Park {
    /// The end of the park's quiet hours that run at an instant; the instant itself outside of them.
    fileprivate func morning(after instant: Date) throws -> Date {
        (rules.quietHours ?? .usual).end(after: instant, try ParkClock(stored: timeZone))
    }
}
