import Foundation
import GuestModels
import Postgres

/// Invitations, their codes, and the wrong guesses of codes.
enum InvitationSQL {
    private static let invitationColumns: SQL = """
        id, group_id, code, link_code, traveller_id, uses, max_uses, expires_at, revoked_at IS NOT NULL AS is_revoked
        """

    private static func invitation(_ row: Row) throws -> Invitation {
        Invitation(
            id: try row.decode("id"),
            code: try row.decode("code"),
            linkCode: try row.decodeIfPresent("link_code"),
            travellerId: try row.decodeIfPresent("traveller_id"),
            uses: try row.decode("uses"),
            maxUses: try row.decode("max_uses"),
            expiresAt: try row.decode("expires_at"),
            isRevoked: try row.decode("is_revoked")
        )
    }

    static func revokeAllInvitations(at now: Date) -> Command {
        Command("UPDATE invitation SET revoked_at = \(now) WHERE revoked_at IS NULL AND expires_at > \(now)")
    }

    /// Matches an invitation by the code that is read out or by the code of its link.
    private static func has(_ code: String) -> SQL { "(code = \(code) OR link_code = \(code))" }

    static func hasCode(_ code: String) -> Query<Bool> {
        Query("SELECT true AS is_found FROM invitation WHERE \(has(code))") { try $0.decode("is_found") }
    }

    /// The code that people read out, of the invitation of a link; no row if the invitation no longer works.
    static func code(ofLink linkCode: String, at now: Date) -> Query<String> {
        Query(
            """
            SELECT code FROM invitation
            WHERE link_code = \(linkCode) AND revoked_at IS NULL AND expires_at > \(now) AND uses < max_uses
            """
        ) { try $0.decode("code") }
    }

    /// Locks a guest's guesses until the transaction ends.
    static func lockGuesses(of guest: Guest.ID) -> Query<Guest.ID> {
        Query("SELECT id FROM guest WHERE id = \(guest) FOR NO KEY UPDATE") { try $0.decode("id") }
    }

    static func guesses(of guest: Guest.ID, on day: LocalDate) -> Query<Int> {
        Query("SELECT wrong FROM invitation_guess WHERE guest_id = \(guest) AND day = \(day)") {
            try $0.decode("wrong")
        }
    }

    static func countGuess(of guest: Guest.ID, on day: LocalDate) -> Command {
        Command(
            """
            INSERT INTO invitation_guess AS guess (guest_id, day, wrong) VALUES (\(guest), \(day), 1)
            ON CONFLICT (guest_id) DO UPDATE SET
                wrong = CASE WHEN guess.day = EXCLUDED.day THEN guess.wrong + 1 ELSE 1 END, day = EXCLUDED.day
            """
        )
    }

    static func invitations(of group: TravelGroup.ID) -> Query<Invitation> {
        Query(
            "SELECT \(invitationColumns) FROM invitation WHERE group_id = \(group) ORDER BY id DESC",
            decoding: invitation
        )
    }

    static func invitation(code: String, locked: Bool) -> Query<(group: TravelGroup.ID, invitation: Invitation)> {
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return Query("SELECT \(invitationColumns) FROM invitation WHERE \(has(code)) \(lock)") { row in
            (try row.decode("group_id"), try invitation(row))
        }
    }

    static func preview(code: String) -> Query<(invitation: Invitation, preview: InvitationPreview)> {
        Query(
            """
            SELECT invitation.id, invitation.group_id, code, link_code, invitation.traveller_id, uses, max_uses, expires_at,
                revoked_at IS NOT NULL AS is_revoked, travel_group.name AS group_name,
                coalesce(organiser.name, '') AS organiser_name, invited.name AS traveller_name
            FROM invitation
            JOIN travel_group ON travel_group.id = invitation.group_id
            LEFT JOIN traveller AS organiser ON organiser.group_id = travel_group.id AND organiser.role = 'organiser'
            LEFT JOIN traveller AS invited ON invited.id = invitation.traveller_id
            WHERE \(has(code))
            """
        ) { row in
            let found = try invitation(row)
            let preview = InvitationPreview(
                groupName: try row.decode("group_name"),
                organiserName: try row.decode("organiser_name"),
                travellerName: try row.decodeIfPresent("traveller_name"),
                expiresAt: found.expiresAt
            )
            return (found, preview)
        }
    }

    static func insert(_ invitation: Invitation, group: TravelGroup.ID, at now: Date) -> Command {
        Command(
            """
            INSERT INTO invitation (id, group_id, code, link_code, traveller_id, max_uses, expires_at, created_at)
            VALUES (\(invitation.id), \(group), \(invitation.code), \(invitation.linkCode), \(invitation.travellerId),
                \(invitation.maxUses), \(invitation.expiresAt), \(now))
            """
        )
    }

    /// The number of a group's invitations that can still be used.
    static func liveInvitations(of group: TravelGroup.ID, at now: Date) -> Query<Int> {
        Query(
            """
            SELECT count(*) AS invitations FROM invitation
            WHERE group_id = \(group) AND revoked_at IS NULL AND expires_at > \(now) AND uses < max_uses
            """
        ) { try $0.decode("invitations") }
    }

    static func countUse(_ id: Invitation.ID) -> Command {
        Command("UPDATE invitation SET uses = uses + 1 WHERE id = \(id)")
    }

    static func revoke(_ id: Invitation.ID, of group: TravelGroup.ID, at now: Date) -> Command {
        Command(
            """
            UPDATE invitation SET revoked_at = coalesce(revoked_at, \(now)) WHERE id = \(id) AND group_id = \(group)
            """
        )
    }
}

extension Publication.Kind {
    static let invitation = Publication.Kind("invitation", view: "shown_invitation")
}
