import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Cottage {
    /// Writes the readiness of cottages that the caller has locked.
    static func mark(
        _ cottages: [Cottage.ID],
        _ readiness: Readiness,
        note: String? = nil,
        of park: Park.ID,
        _ act: Act
    ) {
        act.tx.later([ParkSQL.setReadiness(cottages, readiness, note: note, at: act.now)])
        for cottage in cottages {
            act.tx.publish(cottage, .readiness, to: .cottage(cottage))
            act.tx.feed(cottage, .cottage, to: park)
        }
    }
}
