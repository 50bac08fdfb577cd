import Foundation
import GuestModels
import Postgres

enum GroupSQL {
    // MARK: Who may

    /// The guest's own row in the group, as long as they have not left.
    ///
    /// - Parameter staying: whether to lock the row, so that the guest stays until the transaction ends.
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

    /// The row of a child with a phone, as long as the child has not left.
    ///
    /// - Parameter staying: whether to lock the row, so that the child stays until the transaction ends.
    static func ownRow(in group: TravelGroup.ID, of child: Traveller.ID, staying: Bool = false) -> Query<Traveller> {
        let lock: SQL = staying ? "FOR SHARE" : ""
        return Query(
            """
            SELECT \(travellerColumns) FROM traveller
            WHERE id = \(child) AND group_id = \(group) AND guest_id IS NULL AND left_at IS NULL
            \(lock)
            """,
            decoding: traveller
        )
    }

    /// Waits for running work in the guest's name, and lets no more begin.
    ///
    /// The groups are locked first, as when a traveller leaves.
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

    /// Locks a group, so that changes of its travellers happen one after another.
    static func lock(_ id: TravelGroup.ID) -> Query<GroupRow> {
        Query("SELECT id, name, version FROM travel_group WHERE id = \(id) FOR NO KEY UPDATE") { row in
            GroupRow(id: try row.decode("id"), name: try row.decode("name"), version: try row.decode("version"))
        }
    }

    /// Keeps the travellers of a group as they are until the transaction ends.
    ///
    /// Several transactions may hold a group at once.
    static func hold(_ id: TravelGroup.ID) -> Query<TravelGroup.ID> {
        Query("SELECT id FROM travel_group WHERE id = \(id) FOR SHARE") { try $0.decode("id") }
    }

    /// Keeps a traveller as they are until the transaction ends; an erasure of their account waits for it.
    static func hold(traveller id: Traveller.ID) -> Command {
        Command("SELECT FROM traveller WHERE id = \(id) FOR SHARE")
    }

    static func members(of group: TravelGroup.ID) -> Query<Guest.ID> {
        Query(
            "SELECT guest_id FROM traveller WHERE group_id = \(group) AND guest_id IS NOT NULL AND left_at IS NULL"
        ) { try $0.decode("guest_id") }
    }

    /// The guest of a traveller; no row for a traveller without account.
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

    /// The parks where a group has booked.
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

    /// The guest's rows in all groups, including groups that they have left.
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

    /// The travellers of a booking.
    static func travellers(ofBooking booking: Booking.ID) -> Query<Traveller> {
        Query(
            """
            SELECT \(travellerColumns) FROM traveller
            WHERE id IN (SELECT traveller_id FROM booking_traveller WHERE booking_id = \(booking)) ORDER BY id
            """,
            decoding: traveller
        )
    }

    /// A traveller, locked to be changed.
    ///
    /// - Parameter staying: locks the row only so that the traveller stays until the transaction ends.
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

    /// The member who can become organiser next: the one who joined first, apart from a given traveller.
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

}

extension Publication.Kind {
    static let membership = Publication.Kind("membership", view: "shown_membership")
    static let group = Publication.Kind("group", view: "shown_group")
    static let household = Publication.Kind("household", view: "shown_household")
    static let traveller = Publication.Kind("traveller", view: "shown_traveller")
}
