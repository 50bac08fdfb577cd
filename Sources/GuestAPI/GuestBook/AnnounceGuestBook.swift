import GuestModels
import Postgres

/// The job that notifies the group that lives in a cottage next of what is new in its guest book.
///
/// The job waits until the group's phones have the grant for the cottage's scope. Nobody is notified when the texts of
/// the stay were taken back meanwhile, or when the park has no guest books any more.
struct AnnounceGuestBook: Work {
    static let kind = "announceGuestBook"
    static let queue = Job.Queue.effects

    let cottageId: Cottage.ID
    /// The stay whose household wrote.
    let bookingId: Booking.ID

    static func enqueue(_ cottage: Cottage.ID, of booking: Booking, _ act: Act) async throws {
        let work = AnnounceGuestBook(cottageId: cottage, bookingId: booking.id)
        guard let next = try await act.tx.first(GuestBookSQL.next(work)) else { return }
        // Texts of several households of a stay are one job.
        try Job.enqueue(work, key: "\(cottage) \(booking.id)", at: max(act.now, next.grantedAt), act)
    }

    func finish(_ act: Act) async throws {
        guard let next = try await act.tx.first(GuestBookSQL.next(self)), next.grantedAt <= act.now,
            try await act.tx.first(ParkSQL.park(next.park))?.rules.hasGuestBooks == true,
            try await act.tx.first(GuestBookSQL.hasText(of: bookingId, in: cottageId)) == true
        else { return }
        try Notice.guestBookWritten.notify(about: .init(group: next.group, booking: next.booking, park: next.park), act)
    }
}
