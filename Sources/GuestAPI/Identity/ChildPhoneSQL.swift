import Foundation
import GuestModels
import Postgres

/// Phones of children that a guardian admits.
enum ChildPhoneSQL {
    static func revoke(_ id: Session.ID, of child: Traveller.ID, at now: Date) -> Command {
        Command(
            """
            UPDATE session SET revoked_at = coalesce(revoked_at, \(now)) WHERE id = \(id) AND traveller_id = \(child)
            """
        )
    }

    static func insert(_ id: PhoneAdmission.ID, of child: Traveller.ID, by guest: Guest.ID, until end: Date) -> Command
    {
        Command(
            """
            INSERT INTO child_admission (id, traveller_id, admitted_by, expires_at)
            VALUES (\(id), \(child), \(guest), \(end))
            """
        )
    }

    struct Admission: Sendable {
        let child: Traveller.ID
        let expiresAt: Date
        /// The phone that has used the admission, and the time when it did.
        let deviceHash: Data?
        let usedAt: Date?
    }

    /// An admission, locked; no row for a child who has left, has an account, or lost its guardian.
    static func lockedAdmission(_ id: PhoneAdmission.ID) -> Query<Admission> {
        Query(
            """
            SELECT child.id, child_admission.expires_at, device_hash, session.created_at
            FROM child_admission JOIN traveller AS child ON child.id = child_admission.traveller_id
                LEFT JOIN session ON session.id = session_id
            WHERE child_admission.id = \(id) AND \(IdentitySQL.isInCare) FOR UPDATE OF child_admission
            """
        ) { row in
            Admission(
                child: try row.decode("id"),
                expiresAt: try row.decode("expires_at"),
                deviceHash: try row.decodeIfPresent("device_hash"),
                usedAt: try row.decodeIfPresent("created_at")
            )
        }
    }

    static func use(_ id: PhoneAdmission.ID, for session: Session.ID) -> Command {
        Command("UPDATE child_admission SET session_id = \(session) WHERE id = \(id)")
    }
}
