import Foundation
import GuestModels
import Postgres

enum AuditSQL {
    static func insert(
        _ id: UUID,
        at now: Date,
        onBehalfOf: Guest.ID?,
        park: Park.ID?,
        action: String,
        target: UUID?,
        reason: String?,
        before: JSONText?,
        after: JSONText?
    ) -> Command {
        Command(
            """
            INSERT INTO audit (id, at, on_behalf_of, park_id, action, target, reason, before, after)
            VALUES (\(id), \(now), \(onBehalfOf), \(park), \(action), \(target), \(reason), \(before), \(after))
            """
        )
    }

    /// Deletes old audit rows.
    ///
    /// Looks of staff stay for 400 days. Actions stay for ten years, as long as the books that they may explain.
    static func forgetAudit(now: Date) -> [Command] {
        let (looks, deeds) = (now.addingTimeInterval(-86400 * 400), now.addingTimeInterval(-86400 * 3653))
        return [
            .forget("audit", where: "at < \(looks) AND (action LIKE 'look.%' OR action LIKE '%.show')"),
            .forget("audit", where: "at < \(deeds)"),
        ]
    }
}
