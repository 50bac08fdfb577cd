import Foundation
import GuestModels
import Postgres

/// Records actions in the same transaction as the action itself.
///
/// The actor is the transaction's principal.
enum Audit {
    static func record(
        _ action: String,
        target: UUID?,
        park: Park.ID? = nil,
        onBehalfOf guest: Guest.ID? = nil,
        reason: String? = nil,
        before: (any Encodable & Sendable)? = nil,
        after: (any Encodable & Sendable)? = nil,
        _ act: Act
    ) throws {
        act.tx.later([
            AuditSQL.insert(
                act.app.ids.uuid(at: act.now),
                at: act.now,
                onBehalfOf: guest,
                park: park,
                action: action,
                target: target,
                reason: reason,
                before: try before.map { try JSONText(encoding: JSONFragment($0)) },
                after: try after.map { try JSONText(encoding: JSONFragment($0)) }
            )
        ])
    }
}
