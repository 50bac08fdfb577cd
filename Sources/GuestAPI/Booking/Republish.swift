import Foundation
import GuestModels
import Postgres
import SyncMessages

/// Publishes all groups' bookings and shares again, in portions, after a schema version that shows them differently.
///
/// The scheduler queues the job once for each such version, so no process of an older version runs it.
struct Republish: Work {
    static let kind = "republish"
    static let queue = Job.Queue.effects

    /// The schema's version that showed bookings and shares differently for the last time.
    static let version = "24"

    /// The number of bookings that are published in one transaction.
    static let portion = 200

    /// The last booking of the previous portion; nil in the first job.
    var after: Booking.ID?

    func finish(_ act: Act) async throws {
        let rows = try await act.tx.all(ShareSQL.published(after: after, limit: Self.portion))
        var bookings: [Booking.ID: TravelGroup.ID] = [:]
        for row in rows {
            bookings[row.booking] = row.group
            if let share = row.share, let household = row.household {
                Share.publish(share, of: household, in: row.group, in: act.tx)
            }
        }
        for (booking, group) in bookings { act.tx.publish(booking, .booking, to: .group(group)) }
        guard bookings.count == Self.portion, let last = bookings.keys.max() else { return }
        try Job.enqueue(Republish(after: last), key: last.description, at: act.now, act)
    }
}
