import Foundation
import GuestModels
import Postgres

enum SystemCredentialSQL {
    private static let columns: SQL = "id, park_id, name, purpose, created_at, last_used_at"

    private static func credential(_ row: Row) throws -> SystemCredential {
        SystemCredential(
            id: try row.decode("id"),
            parkId: try row.decode("park_id"),
            name: try row.decode("name"),
            purpose: try row.word("purpose"),
            madeAt: try row.decode("created_at"),
            lastUsedAt: try row.decodeIfPresent("last_used_at")
        )
    }

    static func live(_ hash: Data) -> Query<SystemCredential> {
        Query(
            "SELECT \(columns) FROM system_credential WHERE token_hash = \(hash) AND ended_at IS NULL",
            decoding: credential
        )
    }

    static func isPark(_ id: Park.ID) -> Query<Bool> {
        Query("SELECT EXISTS (SELECT FROM park WHERE id = \(id)) AS is_park") { try $0.decode("is_park") }
    }

    /// Locks the park, so that no other transaction makes a credential for it.
    static func lock(_ park: Park.ID) -> Query<Park.ID> {
        Query("SELECT id FROM park WHERE id = \(park) FOR NO KEY UPDATE") { try $0.decode("id") }
    }

    /// The credentials that work, in the order in which they were made; there are never more than `maximumOfPark`.
    static func live(at park: Park.ID) -> Query<SystemCredential> {
        Query(
            """
            SELECT \(columns) FROM system_credential WHERE park_id = \(park) AND ended_at IS NULL
            ORDER BY id LIMIT \(SystemCredential.maximumOfPark)
            """,
            decoding: credential
        )
    }

    /// Writes a credential in the first free of the system's two places; no row if neither is free.
    static func insert(_ credential: SystemCredential, _ token: Token) -> Command {
        Command(
            """
            INSERT INTO system_credential (id, park_id, name, purpose, place, token_hash, created_at)
            SELECT \(credential.id), \(credential.parkId), \(credential.name), \(credential.purpose.rawValue), place,
                \(token.hash), \(credential.madeAt)
            FROM (VALUES (1), (2)) AS places (place)
            WHERE NOT EXISTS (
                SELECT FROM system_credential AS other
                WHERE other.park_id = \(credential.parkId) AND other.name = \(credential.name)
                    AND other.purpose = \(credential.purpose.rawValue) AND other.place = places.place
                    AND ended_at IS NULL
            )
            ORDER BY place LIMIT 1
            """
        )
    }

    static func end(_ id: SystemCredential.ID, at park: Park.ID, now: Date) -> Command {
        Command(
            """
            UPDATE system_credential SET ended_at = \(now) WHERE id = \(id) AND park_id = \(park) AND ended_at IS NULL
            """
        )
    }

    static func endAll(at now: Date) -> Command {
        Command("UPDATE system_credential SET ended_at = \(now) WHERE ended_at IS NULL")
    }

    static func touch(_ id: SystemCredential.ID, at now: Date) -> Command {
        Command("UPDATE system_credential SET last_used_at = \(now) WHERE id = \(id)")
    }

    static func deleteEnded(before day: Date) -> Command {
        .forget("system_credential", where: "ended_at < \(day)")
    }
}
