import Foundation
import GuestModels
import Postgres

enum GroupSQL {
    // MARK: Who may

    /// Their own row in the group, as long as they have not left.
    /// - Parameter staying: nobody makes them leave, or forget, before the transaction ends.
    static func ownRow(in group: TravelGroup.ID, of guest: Guest.ID, staying: Bool = false) -> Query<Traveller> {
        let lock: SQL = staying ? "FOR SHARE" : ""
        return Query(
            """
            SELECT \(travellerColumns) FROM traveller
            WHERE group_id = \(group) AND guest_id = \(guest) AND left_at IS NULL
            \(lock)
            """,
            decoding: traveller
        )
    }

    /// Waits for whatever is being done in the guest's name, and lets nothing more begin: groups first, as who leaves.
    static func stop(_ guest: Guest.ID) -> [Command] {
        [
            Command(
                """
                SELECT FROM travel_group
                WHERE id IN (SELECT group_id FROM traveller WHERE guest_id = \(guest)) ORDER BY id FOR NO KEY UPDATE
                """
            ),
            Command("SELECT FROM traveller WHERE guest_id = \(guest) ORDER BY id FOR NO KEY UPDATE"),
        ]
    }

    /// True where the principal may see the group: its members, and hosts of a park it books.
    static func isVisible(to principal: Principal) -> SQL {
        switch principal {
        case .guest(let guest):
            """
            EXISTS (
                SELECT FROM traveller
                WHERE group_id = travel_group.id AND guest_id = \(guest) AND left_at IS NULL
            )
            """
        case .staff(let member) where member.isHeadOffice: "true"
        case .staff(let member):
            """
            EXISTS (
                SELECT FROM booking
                WHERE group_id = travel_group.id AND park_id = ANY(\(member.posts.map(\.parkId))::uuid[])
            )
            """
        case .nobody, .job, .child, .system: "false"
        }
    }

    // MARK: Groups

    /// How many groups a guest organises.
    static func organised(by guest: Guest.ID) -> Query<Int> {
        Query(
            """
            SELECT count(*) AS groups FROM traveller WHERE guest_id = \(guest) AND role = 'organiser' AND left_at IS NULL
            """
        ) { try $0.decode("groups") }
    }

    struct GroupRow: Sendable {
        let id: TravelGroup.ID
        let name: String
        let version: Int
    }

    /// A member who looks at a group.
    struct Viewer: Sendable {
        let household: Household.ID
        let isOrganiser: Bool
    }

    /// The group and, unless staff ask, the member who asks for it.
    static func group(
        _ id: TravelGroup.ID,
        for principal: Principal
    ) -> Query<(group: GroupRow, viewer: Viewer?)> {
        Query(
            """
            SELECT travel_group.id, travel_group.name, travel_group.version, viewer.household_id,
                coalesce(viewer.role = 'organiser', false) AS is_organiser
            FROM travel_group LEFT JOIN traveller AS viewer ON viewer.group_id = travel_group.id
                AND viewer.guest_id = \(principal.guestID) AND viewer.left_at IS NULL
            WHERE travel_group.id = \(id) AND \(isVisible(to: principal))
            """
        ) { row in
            let isOrganiser: Bool = try row.decode("is_organiser")
            return (
                GroupRow(id: try row.decode("id"), name: try row.decode("name"), version: try row.decode("version")),
                try row.decodeIfPresent("household_id").map { Viewer(household: $0, isOrganiser: isOrganiser) }
            )
        }
    }

    /// Serialises changes of who is in a group.
    static func lock(_ id: TravelGroup.ID) -> Query<GroupRow> {
        Query("SELECT id, name, version FROM travel_group WHERE id = \(id) FOR NO KEY UPDATE") { row in
            GroupRow(id: try row.decode("id"), name: try row.decode("name"), version: try row.decode("version"))
        }
    }

    /// Keeps who is in a group as it is until this transaction ends, beside others that want the same.
    static func hold(_ id: TravelGroup.ID) -> Query<TravelGroup.ID> {
        Query("SELECT id FROM travel_group WHERE id = \(id) FOR SHARE") { try $0.decode("id") }
    }

    static func members(of group: TravelGroup.ID) -> Query<Guest.ID> {
        Query(
            "SELECT guest_id FROM traveller WHERE group_id = \(group) AND guest_id IS NOT NULL AND left_at IS NULL"
        ) { try $0.decode("guest_id") }
    }

    /// Whose row it is; none for a traveller without account.
    static func guest(of traveller: Traveller.ID) -> Query<Guest.ID> {
        Query("SELECT guest_id FROM traveller WHERE id = \(traveller) AND guest_id IS NOT NULL") {
            try $0.decode("guest_id")
        }
    }

    static func name(of group: TravelGroup.ID) -> Query<String> {
        Query("SELECT name FROM travel_group WHERE id = \(group)") { try $0.decode("name") }
    }

    /// The stays a child is part of.
    static func visits(of child: Traveller.ID) -> Query<ChildGroup.Visit> {
        Query(
            """
            SELECT booking.id, park_id, park.name, stay, state, ARRAY(
                SELECT number FROM allocation JOIN cottage ON cottage.id = cottage_id
                WHERE booking_id = booking.id ORDER BY length(number), number
            ) AS cottages
            FROM booking_traveller JOIN booking ON booking.id = booking_id JOIN park ON park.id = park_id
            WHERE traveller_id = \(child) AND state IN ('held', 'confirmed', 'checkedIn')
            ORDER BY lower(stay), booking.id
            """
        ) { row in
            ChildGroup.Visit(
                bookingId: try row.decode("id"),
                parkId: try row.decode("park_id"),
                parkName: try row.decode("name"),
                stay: try row.decode("stay"),
                state: try row.word("state", as: Booking.State.self),
                cottages: try row.decode("cottages")
            )
        }
    }

    /// Where a group has booked.
    static func parks(of group: TravelGroup.ID) -> Query<Park.ID> {
        Query("SELECT DISTINCT park_id FROM booking WHERE group_id = \(group) ORDER BY park_id") {
            try $0.decode("park_id")
        }
    }

    static func memberships(of guest: Guest.ID) -> Query<Membership> {
        Query(
            """
            SELECT group_id, travel_group.name AS group_name, traveller.id, role
            FROM traveller JOIN travel_group ON travel_group.id = group_id
            WHERE guest_id = \(guest) AND left_at IS NULL
            ORDER BY joined_at DESC, group_id
            """
        ) { row in
            Membership(
                groupId: try row.decode("group_id"),
                groupName: try row.decode("group_name"),
                travellerId: try row.decode("id"),
                role: try row.word("role", as: Traveller.Role.self)
            )
        }
    }

    /// Also where they have left.
    static func rows(
        of guest: Guest.ID
    ) -> Query<(group: TravelGroup.ID, household: Household.ID, traveller: Traveller.ID)> {
        Query("SELECT group_id, household_id, id FROM traveller WHERE guest_id = \(guest) ORDER BY id") {
            (try $0.decode("group_id"), try $0.decode("household_id"), try $0.decode("id"))
        }
    }

    static func insertGroup(_ id: TravelGroup.ID, name: String, at now: Date) -> Command {
        Command("INSERT INTO travel_group (id, name, created_at) VALUES (\(id), \(name), \(now))")
    }

    static func rename(_ id: TravelGroup.ID, to name: String) -> Command {
        Command("UPDATE travel_group SET name = \(name), version = version + 1 WHERE id = \(id)")
    }

    // MARK: Households

    static func households(of group: TravelGroup.ID) -> Query<Household> {
        Query("SELECT id, name FROM household WHERE group_id = \(group) ORDER BY id") { row in
            Household(id: try row.decode("id"), name: try row.decode("name"))
        }
    }

    static func insert(_ household: Household, group: TravelGroup.ID) -> Command {
        Command("INSERT INTO household (id, group_id, name) VALUES (\(household.id), \(group), \(household.name))")
    }

    // MARK: Travellers

    private static let travellerColumns: SQL = "id, household_id, name, role, birth_date, guardian_id, version"

    private static func traveller(_ row: Row) throws -> Traveller {
        Traveller(
            id: try row.decode("id"),
            householdId: try row.decode("household_id"),
            name: try row.decode("name"),
            role: try row.decodeIfPresent("role", as: String.self).flatMap { Traveller.Role(rawValue: $0) },
            birthDate: try row.decodeIfPresent("birth_date"),
            guardianId: try row.decodeIfPresent("guardian_id"),
            version: try row.decode("version")
        )
    }

    static func travellers(of group: TravelGroup.ID?) -> Query<Traveller> {
        Query(
            "SELECT \(travellerColumns) FROM traveller WHERE group_id = \(group) AND left_at IS NULL ORDER BY id",
            decoding: traveller
        )
    }

    /// Those who stay.
    static func travellers(ofBooking booking: Booking.ID) -> Query<Traveller> {
        Query(
            """
            SELECT \(travellerColumns) FROM traveller
            WHERE id IN (SELECT traveller_id FROM booking_traveller WHERE booking_id = \(booking)) ORDER BY id
            """,
            decoding: traveller
        )
    }

    /// Locked: to be changed, or, `staying`, to be there until the transaction ends.
    static func traveller(_ id: Traveller.ID, in group: TravelGroup.ID, staying: Bool = false) -> Query<Traveller> {
        let lock: SQL = staying ? "FOR SHARE" : "FOR UPDATE"
        return Query(
            """
            SELECT \(travellerColumns) FROM traveller
            WHERE id = \(id) AND group_id = \(group) AND left_at IS NULL \(lock)
            """,
            decoding: traveller
        )
    }

    static func insert(_ traveller: Traveller, group: TravelGroup.ID, guest: Guest.ID?, at now: Date) -> Command {
        Command(
            """
            INSERT INTO traveller (id, group_id, household_id, guest_id, role, name, birth_date, guardian_id, joined_at)
            VALUES (\(traveller.id), \(group), \(traveller.householdId), \(guest), \(traveller.role?.rawValue),
                \(traveller.name), \(traveller.birthDate), \(traveller.guardianId), \(now))
            """
        )
    }

    static func update(_ traveller: Traveller) -> Command {
        Command(
            """
            UPDATE traveller SET name = \(traveller.name), birth_date = \(traveller.birthDate),
                household_id = \(traveller.householdId), guardian_id = \(traveller.guardianId),
                role = \(traveller.role?.rawValue), version = \(traveller.version)
            WHERE id = \(traveller.id)
            """
        )
    }

    /// Whether the traveller belongs to a booking that is live and not over.
    static func travels(_ id: Traveller.ID, today: LocalDate) -> Query<Bool> {
        Query(
            """
            SELECT EXISTS (
                SELECT FROM booking_traveller JOIN booking ON booking.id = booking_id
                WHERE traveller_id = \(id) AND state IN ('held', 'confirmed', 'checkedIn') AND upper(stay) > \(today)
            ) AS travels
            """
        ) { try $0.decode("travels") }
    }

    static func leave(_ id: Traveller.ID, at now: Date) -> Command {
        Command(
            """
            UPDATE traveller SET left_at = \(now), role = CASE WHEN guest_id IS NULL THEN NULL ELSE 'member' END,
                version = version + 1
            WHERE id = \(id)
            """
        )
    }

    static func takeOver(_ id: Traveller.ID, by guest: Guest.ID, name: String?) -> Command {
        Command(
            """
            UPDATE traveller SET guest_id = \(guest), role = 'member', name = coalesce(\(name), name),
                version = version + 1
            WHERE id = \(id) AND guest_id IS NULL AND left_at IS NULL
            """
        )
    }

    /// The member who has been there longest, but for one.
    static func successor(in group: TravelGroup.ID, except traveller: Traveller.ID) -> Query<Traveller> {
        Query(
            """
            SELECT \(travellerColumns) FROM traveller
            WHERE group_id = \(group) AND id <> \(traveller) AND role IS NOT NULL AND left_at IS NULL
            ORDER BY joined_at, id LIMIT 1
            """,
            decoding: traveller(_:)
        )
    }

    static func hasStayAhead(_ group: TravelGroup.ID, today: LocalDate) -> Query<Bool> {
        Query(
            """
            SELECT EXISTS (
                SELECT FROM booking
                WHERE group_id = \(group) AND state IN ('held', 'confirmed', 'checkedIn') AND upper(stay) > \(today)
            ) AS has_stay
            """
        ) { try $0.decode("has_stay") }
    }

    // MARK: Invitations

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

    /// The code that is read out, or the one in the link.
    private static func has(_ code: String) -> SQL { "(code = \(code) OR link_code = \(code))" }

    static func hasCode(_ code: String) -> Query<Bool> {
        Query("SELECT true AS is_found FROM invitation WHERE \(has(code))") { try $0.decode("is_found") }
    }

    /// The code to read out, of an invitation whose link somebody has opened.
    static func code(ofLink linkCode: String, at now: Date) -> Query<String> {
        Query(
            """
            SELECT code FROM invitation
            WHERE link_code = \(linkCode) AND revoked_at IS NULL AND expires_at > \(now) AND uses < max_uses
            """
        ) { try $0.decode("code") }
    }

    /// Until the transaction ends, nobody else looks at this guest's guesses.
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

    /// How many invitations of a group work.
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

    // MARK: Personal data

    struct Own: Encodable, Sendable {
        let groupId: TravelGroup.ID
        let groupName: String
        let travellerId: Traveller.ID
        let name: String
        let birthDate: LocalDate?
        let role: String?
        let leftAt: Date?
        let bookingNumbers: [String]
    }

    static func everything(about guest: Guest.ID) -> Query<Own> {
        Query(
            """
            SELECT group_id, travel_group.name AS group_name, traveller.id, traveller.name, birth_date, role, left_at,
                ARRAY(
                    SELECT number FROM booking JOIN booking_traveller ON booking_id = booking.id
                    WHERE traveller_id = traveller.id ORDER BY number
                ) AS numbers
            FROM traveller JOIN travel_group ON travel_group.id = group_id
            WHERE guest_id = \(guest) ORDER BY traveller.id
            """
        ) { row in
            Own(
                groupId: try row.decode("group_id"),
                groupName: try row.decode("group_name"),
                travellerId: try row.decode("id"),
                name: try row.decode("name"),
                birthDate: try row.decodeIfPresent("birth_date"),
                role: try row.decodeIfPresent("role"),
                leftAt: try row.decodeIfPresent("left_at"),
                bookingNumbers: try row.decode("numbers")
            )
        }
    }

    /// The travellers whose household has no account left once a guest is gone: children, and friends without account.
    private static func dependants(of guest: Guest.ID) -> SQL {
        """
        SELECT dependant.id FROM traveller AS dependant
        WHERE dependant.guest_id IS NULL
            AND dependant.household_id IN (SELECT household_id FROM traveller WHERE guest_id = \(guest))
            AND NOT EXISTS (
                SELECT FROM traveller AS other
                WHERE other.household_id = dependant.household_id AND other.left_at IS NULL
                    AND other.guest_id IS NOT NULL AND other.guest_id <> \(guest)
            )
        """
    }

    /// Everybody whose row an erasure changes beside the guest's own, and their groups.
    static func affected(by guest: Guest.ID) -> Query<(traveller: Traveller.ID, group: TravelGroup.ID)> {
        Query(
            """
            SELECT id, group_id FROM traveller
            WHERE id IN (\(dependants(of: guest)))
                OR guardian_id IN (SELECT id FROM traveller WHERE guest_id = \(guest))
            ORDER BY id
            """
        ) { (try $0.decode("id"), try $0.decode("group_id")) }
    }

    /// Takes the person out of every group: their rows stay for the bookings, without a name.
    ///
    /// Children and others without account who have nobody else in their household go along. A household and a group
    /// that have nobody else with an account lose their names too, and answers kept for others that mention a name that
    /// goes are emptied. A child that stays has no guardian until the group says who is.
    static func erase(_ guest: Guest.ID, at now: Date) -> [Command] {
        let going: SQL = "traveller.guest_id = \(guest) OR traveller.id IN (\(dependants(of: guest)))"
        return [
            Command(
                """
                UPDATE idempotency_key SET body = '{}'
                WHERE body IS NOT NULL AND principal IN (
                    SELECT 'guest:' || theirs.guest_id FROM traveller AS mine
                    JOIN traveller AS theirs ON theirs.group_id = mine.group_id WHERE mine.guest_id = \(guest)
                ) AND EXISTS (
                    SELECT FROM traveller WHERE (\(going)) AND position(convert_to(name, 'UTF8') IN body) > 0
                )
                """
            ),
            Command(
                """
                UPDATE household SET name = '—' WHERE id IN (SELECT household_id FROM traveller WHERE guest_id = \(guest))
                    AND NOT EXISTS (
                        SELECT FROM traveller WHERE household_id = household.id AND left_at IS NULL
                            AND guest_id IS NOT NULL AND guest_id <> \(guest)
                    )
                """
            ),
            Command(
                """
                UPDATE travel_group SET name = '—', version = version + 1
                WHERE id IN (SELECT group_id FROM traveller WHERE guest_id = \(guest))
                    AND NOT EXISTS (
                        SELECT FROM traveller WHERE group_id = travel_group.id AND left_at IS NULL
                            AND role IS NOT NULL AND guest_id <> \(guest)
                    )
                """
            ),
            Command(
                """
                UPDATE travel_group SET name = replace(travel_group.name, traveller.name, '—'),
                    version = travel_group.version + 1
                FROM traveller
                WHERE guest_id = \(guest) AND group_id = travel_group.id AND length(traveller.name) > 2
                    AND position(traveller.name IN travel_group.name) > 0
                """
            ),
            Command(
                """
                UPDATE traveller SET guardian_id = NULL, version = version + 1
                WHERE guardian_id IN (SELECT id FROM traveller WHERE guest_id = \(guest))
                """
            ),
            Command(
                """
                UPDATE traveller SET name = '—', birth_date = NULL, left_at = coalesce(left_at, \(now)),
                    version = version + 1
                WHERE id IN (\(dependants(of: guest)))
                """
            ),
            Command(
                """
                UPDATE traveller SET guest_id = NULL, role = NULL, name = '—', birth_date = NULL,
                    left_at = coalesce(left_at, \(now)), version = version + 1
                WHERE guest_id = \(guest)
                """
            ),
        ]
    }

    static let travellersForgotten = 500

    /// Names and birth dates of travellers without account serve for a stay; some are forgotten when their group has had
    /// none since.
    ///
    /// - Returns: whose; at most `travellersForgotten`.
    static func forgetTravellers(
        before then: Date
    ) -> Query<(traveller: Traveller.ID, group: TravelGroup.ID)> {
        Query(
            """
            UPDATE traveller SET name = '—', birth_date = NULL, version = version + 1
            WHERE id IN (
                SELECT id FROM traveller AS old
                WHERE guest_id IS NULL AND joined_at < \(then) AND (name <> '—' OR birth_date IS NOT NULL)
                    AND NOT EXISTS (
                        SELECT FROM booking WHERE booking.group_id = old.group_id AND upper(stay) > \(then)::date
                    )
                ORDER BY id LIMIT \(travellersForgotten)
            )
            RETURNING id, group_id
            """
        ) { (try $0.decode("id"), try $0.decode("group_id")) }
    }

    /// The stays of a guest that are not over.
    static func staysAhead(
        of guest: Guest.ID,
        today: LocalDate
    ) -> Query<(number: String, park: String, stay: Stay)> {
        Query(
            """
            SELECT DISTINCT number, park.name, stay
            FROM traveller JOIN booking_traveller ON traveller_id = traveller.id JOIN booking ON booking.id = booking_id
                JOIN park ON park.id = park_id
            WHERE guest_id = \(guest) AND left_at IS NULL AND state IN ('held', 'confirmed', 'checkedIn')
                AND upper(stay) > \(today)
            ORDER BY number
            """
        ) { (try $0.decode("number"), try $0.decode("name"), try $0.decode("stay")) }
    }
}
