import Foundation
import GuestModels
import Postgres

enum StaffSQL {
    private static let columns: SQL = """
        staff.id, staff.email, staff.name, staff.is_head_office, staff.version,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('parkId', park_id, 'function', function)
            ORDER BY park_id, function), '[]') FROM staff_function WHERE staff_id = staff.id) AS posts
        """

    private static func member(_ row: Row) throws -> StaffMember {
        StaffMember(
            id: try row.decode("id"),
            email: try row.decode("email"),
            name: try row.decode("name"),
            isHeadOffice: try row.decode("is_head_office"),
            posts: try row.decodeJSON("posts"),
            version: try row.decode("version")
        )
    }

    /// A colleague who works here; no row for one who has left.
    static func member(_ id: StaffMember.ID, locked: Bool = false) -> Query<StaffMember> {
        let lock: SQL = locked ? "FOR NO KEY UPDATE OF staff" : ""
        return Query("SELECT \(columns) FROM staff WHERE id = \(id) AND left_at IS NULL \(lock)", decoding: member)
    }

    static func member(email: String) -> Query<StaffMember> {
        Query("SELECT \(columns) FROM staff WHERE email = \(email) AND left_at IS NULL", decoding: member)
    }

    /// The colleagues who work here now, in the order in which their accounts were made.
    static func members(after cursor: StaffMember.ID?, limit: Int) -> Query<StaffMember> {
        let after: SQL = cursor.map { "id > \($0)" } ?? "true"
        return Query(
            "SELECT \(columns) FROM staff WHERE left_at IS NULL AND \(after) ORDER BY id LIMIT \(limit)",
            decoding: member
        )
    }

    /// Makes an account or opens an old one, and answers its id; no row if a present colleague has the address.
    static func insert(_ member: StaffMember, language: Language, at now: Date) -> Query<StaffMember.ID> {
        Query(
            """
            INSERT INTO staff (id, email, name, language, is_head_office, created_at)
            VALUES (\(member.id), \(member.email), \(member.name), \(language.rawValue), \(member.isHeadOffice), \(now))
            ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name, language = EXCLUDED.language,
                is_head_office = EXCLUDED.is_head_office, left_at = NULL, version = staff.version + 1
            WHERE staff.left_at IS NOT NULL
            RETURNING id
            """
        ) { try $0.decode("id") }
    }

    static func update(_ id: StaffMember.ID, name: String, isHeadOffice: Bool) -> Command {
        Command(
            """
            UPDATE staff SET name = \(name), is_head_office = \(isHeadOffice), version = version + 1 WHERE id = \(id)
            """
        )
    }

    static func replacePosts(of id: StaffMember.ID, with posts: [StaffMember.Post]) -> [Command] {
        [
            Command("DELETE FROM staff_function WHERE staff_id = \(id)"),
            Command(
                """
                INSERT INTO staff_function (staff_id, park_id, function)
                SELECT DISTINCT \(id)::uuid, park_id, function
                FROM unnest(\(posts.map(\.parkId))::uuid[], \(posts.map(\.function.rawValue))::text[])
                    AS given (park_id, function)
                """
            ),
        ]
    }

    /// Allows only one change of the staff list at a time.
    static let lockOffice = Query("SELECT pg_advisory_xact_lock(hashtextextended('staff', 0)) IS NULL AS is_alone") {
        try $0.decode("is_alone", as: Bool.self)
    }

    static func isAnotherAtHeadOffice(besides id: StaffMember.ID) -> Query<Bool> {
        Query(
            "SELECT EXISTS (SELECT FROM staff WHERE is_head_office AND left_at IS NULL AND id <> \(id)) AS is_another"
        ) { try $0.decode("is_another") }
    }

    static func end(_ member: StaffMember, at now: Date) -> [Command] {
        [
            Command("UPDATE staff SET left_at = \(now), version = version + 1 WHERE id = \(member.id)"),
            FactorSQL.delete(of: member.id),
            FactorSQL.revokeSessions(of: member.id, at: now),
            Command(
                "DELETE FROM push_token WHERE session_id IN (SELECT id FROM session WHERE staff_id = \(member.id))"
            ),
            Command("DELETE FROM sign_in_attempt WHERE email = \(member.email) AND audience = 'staff'"),
            // If a guest has the same address, keep its known devices.
            Command(
                """
                DELETE FROM known_device
                WHERE email = \(member.email) AND NOT EXISTS (SELECT FROM guest WHERE email = \(member.email))
                """
            ),
        ]
    }
}
