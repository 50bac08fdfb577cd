import Foundation
import GuestModels
import Postgres

enum FactorSQL {
    struct Factor: Sendable {
        let sealed: Data
        let isConfirmed: Bool
        /// The time step of the last code that was accepted.
        let lastStep: Int64
    }

    static func factor(of member: StaffMember.ID, locked: Bool = false) -> Query<Factor> {
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return Query(
            """
            SELECT sealed, confirmed_at IS NOT NULL AS is_confirmed, last_step FROM staff_factor
            WHERE staff_id = \(member) \(lock)
            """
        ) { row in
            Factor(
                sealed: try row.decode("sealed"),
                isConfirmed: try row.decode("is_confirmed"),
                lastStep: try row.decode("last_step")
            )
        }
    }

    /// Begins to enrol an app; no row changes if an app is enrolled already.
    static func begin(_ sealed: Data, of member: StaffMember.ID) -> Command {
        Command(
            """
            INSERT INTO staff_factor AS factor (staff_id, sealed) VALUES (\(member), \(sealed))
            ON CONFLICT (staff_id) DO UPDATE SET sealed = EXCLUDED.sealed, last_step = 0
                WHERE factor.confirmed_at IS NULL
            """
        )
    }

    static func countTry(by member: StaffMember.ID, atMost maximum: Int, since window: Date, at now: Date) -> Command {
        Command(
            """
            UPDATE staff_factor SET
                tries = CASE WHEN tries_since > \(window) THEN tries + 1 ELSE 1 END,
                tries_since = CASE WHEN tries_since > \(window) THEN tries_since ELSE \(now) END
            WHERE staff_id = \(member) AND (tries < \(maximum) OR tries_since <= \(window))
            """
        )
    }

    static func forgetTry(by member: StaffMember.ID) -> Command {
        Command("UPDATE staff_factor SET tries = greatest(tries - 1, 0) WHERE staff_id = \(member)")
    }

    static func confirm(of member: StaffMember.ID, step: Int64, at now: Date) -> Command {
        Command(
            """
            UPDATE staff_factor SET confirmed_at = \(now), last_step = \(step), tries = 0 WHERE staff_id = \(member)
            """
        )
    }

    static func use(_ step: Int64, of member: StaffMember.ID) -> Command {
        Command("UPDATE staff_factor SET last_step = \(step), tries = 0 WHERE staff_id = \(member)")
    }

    static func use(_ recoveryCode: Data, of member: StaffMember.ID, at now: Date) -> Command {
        Command(
            """
            UPDATE recovery_code SET used_at = \(now)
            WHERE staff_id = \(member) AND hash = \(recoveryCode) AND used_at IS NULL
            """
        )
    }

    static func replaceCodes(of member: StaffMember.ID, with hashes: [Data]) -> [Command] {
        [
            Command("DELETE FROM recovery_code WHERE staff_id = \(member)"),
            Command(
                "INSERT INTO recovery_code (staff_id, hash) SELECT \(member)::uuid, hash FROM unnest(\(hashes)::bytea[]) AS hash"
            ),
        ]
    }

    static let deleteAllCodes = Command("DELETE FROM recovery_code")

    static func prove(in session: Session.ID, at now: Date) -> Command {
        Command("UPDATE session SET factor_at = \(now) WHERE id = \(session)")
    }

    static func delete(of member: StaffMember.ID) -> Command {
        Command("DELETE FROM staff_factor WHERE staff_id = \(member)")
    }

    static func revokeSessions(of member: StaffMember.ID, at now: Date) -> Command {
        Command("UPDATE session SET revoked_at = \(now) WHERE staff_id = \(member) AND revoked_at IS NULL")
    }
}
