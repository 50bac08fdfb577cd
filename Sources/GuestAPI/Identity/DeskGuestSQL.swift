import Foundation
import GuestModels
import Postgres

/// Guests as the desk knows them.
enum DeskGuestSQL {
    static func insertDeskGuest(_ guest: DeskGuest, at park: Park.ID, at now: Date) -> Command {
        Command(
            """
            INSERT INTO guest (id, name, language, created_at, desk_park_id)
            VALUES (\(guest.id), \(guest.name), \(guest.language.rawValue), \(now), \(park))
            """
        )
    }

    /// A guest whom the desk of that park has made, locked, and whether they have ever signed in.
    static func lockedDeskGuest(
        _ guest: Guest.ID,
        of park: Park.ID
    ) -> Query<(guest: DeskGuest, hasSignedIn: Bool)> {
        Query(
            """
            SELECT id, name, language, email IS NOT NULL AS has_mail, claimed_at IS NOT NULL AS has_signed_in FROM guest
            WHERE id = \(guest) AND desk_park_id = \(park) AND erased_at IS NULL FOR NO KEY UPDATE
            """
        ) { row in
            (try deskGuest(row), try row.decode("has_signed_in"))
        }
    }

    static func updateDeskGuest(_ guest: DeskGuest) -> Command {
        Command(
            """
            UPDATE guest SET name = \(guest.name), language = \(guest.language.rawValue), version = version + 1
            WHERE id = \(guest.id)
            """
        )
    }

    /// Marks the account as the guest's own from now on.
    static func claim(_ guest: Guest.ID, at now: Date) -> Command {
        Command("UPDATE guest SET claimed_at = \(now) WHERE id = \(guest) AND claimed_at IS NULL")
    }

    private static func deskGuest(_ row: Row) throws -> DeskGuest {
        DeskGuest(
            id: try row.decode("id"),
            name: try row.decode("name"),
            language: Language(rawValue: try row.decode("language")) ?? .english,
            hasMail: try row.decode("has_mail")
        )
    }

    /// Whether a guest is known to one of the parks; with nil every guest is.
    ///
    /// A park knows a guest if its desk made the account, or if a group of the guest stays or has stayed there. A hold
    /// that ran out or a cancelled stay does not count.
    static func isOf(_ parks: [Park.ID]?) -> SQL {
        guard let parks else { return "true" }
        return """
            (desk_park_id = ANY(\(parks)::uuid[]) OR EXISTS (
                SELECT FROM traveller AS own JOIN booking USING (group_id)
                WHERE own.guest_id = guest.id AND own.left_at IS NULL AND booking.park_id = ANY(\(parks)::uuid[])
                    AND state NOT IN ('expired', 'cancelled')
            ))
            """
    }

    static func isKnown(_ guest: Guest.ID, at parks: [Park.ID]?) -> Query<Bool> {
        Query(
            "SELECT true AS is_known FROM guest WHERE id = \(guest) AND erased_at IS NULL AND \(isOf(parks))"
        ) { try $0.decode("is_known") }
    }

    /// Searches a park's guests by name or mail address.
    ///
    /// Accents, capitals, blanks and hyphens make no difference.
    static func searchGuests(
        _ text: String,
        at park: Park.ID,
        after cursor: Guest.ID?,
        limit: Int
    ) -> Query<DeskGuest> {
        let after: SQL = cursor.map { "id > \($0)" } ?? "true"
        return Query(
            """
            SELECT id, name, language, email IS NOT NULL AS has_mail FROM guest
            WHERE erased_at IS NULL AND \(isOf([park])) AND \(after) AND (
                searchable(name) LIKE search_pattern(\(text)) OR searchable(email) LIKE search_pattern(\(text))
            )
            ORDER BY id LIMIT \(limit)
            """,
            decoding: deskGuest
        )
    }

    /// Actions of staff in a guest's name, and looks of staff at personal data of the guest's groups, newest first.
    static func deskActions(for guest: Guest.ID, limit: Int) -> Query<DeskAction> {
        Query(
            """
            WITH own AS MATERIALIZED (
                SELECT group_id AS target FROM traveller WHERE guest_id = \(guest)
                UNION
                SELECT booking.id FROM booking JOIN traveller USING (group_id) WHERE guest_id = \(guest)
                UNION
                SELECT topic.id FROM topic JOIN traveller USING (group_id) WHERE guest_id = \(guest)
            )
            SELECT at, action, target, reason FROM (
                (SELECT id, at, action, target, reason FROM audit WHERE on_behalf_of = \(guest)
                ORDER BY id DESC LIMIT \(limit))
                UNION ALL
                SELECT id, at, action, looks.target, reason
                FROM own CROSS JOIN LATERAL (
                    SELECT id, at, action, target, reason FROM audit
                    WHERE audit.target = own.target AND on_behalf_of IS NULL AND principal LIKE 'staff:%'
                        AND (action LIKE 'look.%' OR action = 'register.show')
                ) AS looks
            ) AS acts
            ORDER BY id DESC LIMIT \(limit)
            """
        ) { row in
            DeskAction(
                at: try row.decode("at"),
                action: try row.decode("action"),
                target: try row.decodeIfPresent("target"),
                reason: try row.decodeIfPresent("reason")
            )
        }
    }
}
