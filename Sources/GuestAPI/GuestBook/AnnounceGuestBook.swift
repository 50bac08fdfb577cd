import Foundation
import GuestModels
import Postgres

/// The job that notifies the group that lives in a cottage next of what is new in its guest book.
///
/// The job runs when phones of a group that arrives on the day of departure get the grant for the cottage's scope. If
/// the next firm stay is later, the job waits for that stay's grant. Nobody is notified when no stay is firm by then,
/// when the texts of the stay were taken back, or when the park has no guest books any more.
struct AnnounceGuestBook: Work {
    static let kind = "announceGuestBook"
    static let queue = Job.Queue.effects

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
            try await act.tx.first(GuestBookSQL.isNew(self)) == true
        else { return }
        try Notice.guestBookWritten.notify(about: .init(group: next.group, booking: next.booking, park: next.park), act)
        try await act.tx.run(GuestBookSQL.setAnnounced(self, at: act.now))
    }

    /// The next run: when phones of the next stay get the grant, if they have none yet.
    func again(_ act: Act) async throws -> Date? {
        guard try await act.tx.first(GuestBookSQL.isNew(self)) == true,
            let next = try await act.tx.first(GuestBookSQL.next(self, at: act.now)), next.grantedAt > act.now
        else { return nil }
        return next.grantedAt
    }
}
