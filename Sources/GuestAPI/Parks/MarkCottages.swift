import Foundation
import GuestModels
import Postgres
import Sync

extension Cottage {
    /// Writes what cottages are like; they are locked.
    static func mark(
        _ cottages: [Cottage.ID],
        _ readiness: Readiness,
        note: String? = nil,
        of park: Park.ID,
        at now: Date,
        in tx: Transaction
    ) {
        tx.later([ParkSQL.setReadiness(cottages, readiness, note: note, at: now)])
        for cottage in cottages {
            tx.publish(cottage, .readiness, to: .cottage(cottage))
            tx.tell(park, of: .cottage, cottage)
        }
    }
}
