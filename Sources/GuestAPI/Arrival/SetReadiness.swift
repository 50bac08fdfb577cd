import GuestModels
import Postgres

extension Cottage {
    /// Sets the readiness of a cottage, such as ready, to clean or out of order.
    static func setReadiness(_ id: Cottage.ID, _ request: ReadinessRequest, _ act: Act) async throws {
        let cottage = try await locked(id, for: [.reception, .host, .housekeeping, .maintenance], act)
        let wasReady = try await act.tx.first(ArrivalSQL.isReady(id)) == true
        mark([id], request.readiness, note: request.note, of: cottage.parkId, act)
        if request.readiness == .ready, !wasReady {
            // Two cottages of a booking may become ready at once. With the lock, the later one sees both.
            try await act.tx.run(ArrivalSQL.lockAwaiting(id, at: act.now))
            for (group, booking) in try await act.tx.all(ArrivalSQL.awaiting(id, at: act.now)) {
                try Notice.cottageReady.notify(about: .init(group: group, booking: booking, park: cottage.parkId), act)
            }
        }
        try Audit.record(
            "cottage.readiness",
            target: id.uuid,
            park: cottage.parkId,
            reason: request.note,
            after: request.readiness,
            act
        )
    }
}
