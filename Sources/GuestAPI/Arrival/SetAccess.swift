import Foundation
import GuestModels
import Postgres

extension CottageAccess {
    /// Sets the directions and codes for getting into a cottage.
    ///
    /// The audit records the change but not the codes.
    func set(for cottage: Cottage.ID, _ act: Act) async throws {
        let place = try await Cottage.locked(cottage, for: [.reception, .maintenance], act)
        let data = Data(try ResponseEncoder.encode(self))
        let sealed = try act.app.secret.seal(data, for: "access", context: cottage.description)
        act.tx.later([ArrivalSQL.setAccess(cottage, sealed: sealed, at: act.now)])
        try Audit.record("access.set", target: cottage.uuid, park: place.parkId, act)
    }
}
