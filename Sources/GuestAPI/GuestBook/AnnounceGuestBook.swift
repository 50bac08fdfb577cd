import Foundation
import GuestModels
import Postgres

/// The job that notifies the group that lives in a cottage next of what is new in its guest book.
///
/// The job runs first when phones of a group that arrives on the day of departure get the grant for the cottage's
/// scope. Until somebody is notified it runs every day, because a stay may be booked late, and when the grant of the
/// next firm stay begins. Nobody is notified of texts that were taken back, in a park that has no guest books any more,
/// or later than `days` after the departure.
struct AnnounceGuestBook: Work {
    static let kind = "announceGuestBook"
    static let queue = Job.Queue.effects

    /// Days after the departure in which a text is news.
    static let days = 90

    let cottageId: Cottage.ID
    /// The stay whose household wrote.
    let bookingId: Booking.ID

    static func enqueue(_ cottage: Cottage.ID, of booking: Booking, _ act: Act) throws {
        let work = AnnounceGuestBook(cottageId: cottage, bookingId: booking.id)
        let earliest = CottageGrant.begin(arrival: booking.stay.departure)
        // Texts of several households of a stay are one job.
        try Job.enqueue(work, key: "\(cottage) \(booking.id)", at: max(act.now, earliest), act)
    }

    func finish(_ act: Act) async throws {
        guard let next = try await act.tx.first(GuestBookSQL.next(self, at: act.now)), next.grantedAt <= act.now,
            try await act.tx.first(ParkSQL.park(next.park))?.rules.hasGuestBooks == true,
            // The texts are locked with this, so one that is being taken back is not announced.
            try await act.tx.run(GuestBookSQL.setAnnounced(self, at: act.now)) > 0
        else { return }
        try Notice.guestBookWritten.notify(about: .init(group: next.group, booking: next.booking, park: next.park), act)
    }

    func again(_ act: Act) async throws -> Date? {
        guard try await act.tx.first(GuestBookSQL.hasNews(self, at: act.now)) == true else { return nil }
        let tomorrow = act.now.addingTimeInterval(86_400)
        let next = try await act.tx.first(GuestBookSQL.next(self, at: act.now))
        guard let next, next.grantedAt > act.now else { return tomorrow }
        return min(next.grantedAt, tomorrow)
    }
}
