import Foundation
import GuestModels
import Postgres

/// The findings of the ledger's checks, and the place that each check has reached.
extension CheckSQL {
    struct Pass: Sendable {
        let stage: String?
        let cursor: String?
        /// The start of the pass that is under way, or of the last one.
        let begunAt: Date
        let since: Date?
    }

    static func pass(_ name: String) -> Query<Pass> {
        Query("SELECT stage, cursor, begun_at, since FROM ledger_check WHERE pass = \(name) FOR UPDATE") { row in
            Pass(
                stage: try row.decodeIfPresent("stage"),
                cursor: try row.decodeIfPresent("cursor"),
                begunAt: try row.decode("begun_at"),
                since: try row.decodeIfPresent("since")
            )
        }
    }

    static func set(_ name: String, stage: String?, cursor: String?, begun: Date, since: Date?) -> Command {
        Command(
            """
            INSERT INTO ledger_check (pass, stage, cursor, begun_at, since)
            VALUES (\(name), \(stage), \(cursor), \(begun), \(since))
            ON CONFLICT (pass) DO UPDATE SET stage = EXCLUDED.stage, cursor = EXCLUDED.cursor,
                begun_at = EXCLUDED.begun_at, since = EXCLUDED.since,
                checked_from = CASE WHEN EXCLUDED.stage IS NULL THEN EXCLUDED.begun_at ELSE ledger_check.checked_from END
            """
        )
    }

    /// The start of the last finished pass over everything; later changes may not have been checked.
    static let checkedFrom = Query(
        "SELECT checked_from FROM ledger_check WHERE pass = 'all' AND checked_from IS NOT NULL"
    ) {
        try $0.decode("checked_from", as: Date.self)
    }

    /// Replaces the known findings of some rows.
    static func replace(_ stage: String, _ items: [String], with findings: [Finding]) -> [Command] {
        [
            Command("DELETE FROM ledger_finding WHERE stage = \(stage) AND item = ANY(\(items)::text[])"),
            Command(
                """
                INSERT INTO ledger_finding (stage, item, what, subject)
                SELECT \(stage), item, what, subject
                FROM unnest(\(findings.map(\.item))::text[], \(findings.map(\.what))::text[],
                    \(findings.map(\.subject))::text[]) AS found (item, what, subject)
                ON CONFLICT DO NOTHING
                """
            ),
        ]
    }

    static func findings(limit: Int) -> Query<Reconciliation.Difference> {
        Query("SELECT what, subject FROM ledger_finding ORDER BY what, subject LIMIT \(limit)") {
            Reconciliation.Difference(what: try $0.decode("what"), subject: try $0.decode("subject"))
        }
    }
}
