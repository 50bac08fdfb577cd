import Foundation
import GuestModels
import Postgres
import SyncMessages

enum BookingSQL {
    /// True if the principal may see the booking: members of the group, and hosts of the park.
    static func isVisible(to principal: Principal) -> SQL {
        switch principal {
        case .guest(let guest):
            "booking.group_id IN (SELECT group_id FROM traveller WHERE guest_id = \(guest) AND left_at IS NULL)"
        case .staff(let member) where member.isHeadOffice: "true"
        case .staff(let member):
            "booking.park_id = ANY(\(member.posts.filter { [.reception, .host].contains($0.function) }.map(\.parkId))::uuid[])"
        case .system(let credential):
            credential.purpose == .reports ? "booking.park_id = \(credential.parkId)" : "false"
        case .job: "true"
        case .nobody, .child: "false"
        }
    }

    // MARK: Reading a booking, in four questions of one segment

    struct BookingRow: Sendable {
        let id: Booking.ID
        let number: String
        let parkId: Park.ID
        let groupId: TravelGroup.ID?
        let stay: Stay
        let state: Booking.State
        let holdUntil: Date?
        let isExtended: Bool
        let adults: Int
        let children: Int
        let babies: Int
        let pets: Int
        let currency: String
        let deposit: Int64
        let paid: Int64
        let placedAt: Date
        let arrivalTime: LocalTime?
        let households: [HouseholdStay]?
        let checkedInAt: Date?
        let checkedOutAt: Date?
        let leastFeePercent: Int
        let version: Int
    }

    private static let columns: SQL = """
        booking.id, number, booking.park_id, booking.group_id, stay, state, hold_until, is_extended, adults, children,
        babies, pets, currency, deposit,
        (SELECT coalesce(sum(paid - least(surplus, greatest(paid - amount, 0))), 0)::bigint FROM share
         WHERE booking_id = booking.id) AS paid, placed_at,
        to_char(arrival_time, 'HH24:MI') AS arrival_time, (
            SELECT json_agg(json_build_object('householdId', household_id, 'state', its.state,
                'arrivalTime', to_char(its.arrival_time, 'HH24:MI')) ORDER BY household_id)
            FROM household_stay AS its WHERE booking_id = booking.id
        ) AS households, checked_in_at, checked_out_at, least_fee_percent, booking.version
        """

    static func rows(where condition: SQL, limit: Int = 1000, locked: Bool = false) -> Query<BookingRow> {
        let lock: SQL = locked ? "FOR UPDATE OF booking" : ""
        return Query(
            "SELECT \(columns) FROM booking WHERE \(condition) ORDER BY lower(stay), booking.id LIMIT \(limit) \(lock)"
        ) { row in
            BookingRow(
                id: try row.decode("id"),
                number: try row.decode("number"),
                parkId: try row.decode("park_id"),
                groupId: try row.decodeIfPresent("group_id"),
                stay: try row.decode("stay"),
                state: try row.word("state", as: Booking.State.self),
                holdUntil: try row.decodeIfPresent("hold_until"),
                isExtended: try row.decode("is_extended"),
                adults: try row.decode("adults"),
                children: try row.decode("children"),
                babies: try row.decode("babies"),
                pets: try row.decode("pets"),
                currency: try row.decode("currency"),
                deposit: try row.decode("deposit"),
                paid: try row.decode("paid"),
                placedAt: try row.decode("placed_at"),
                arrivalTime: try row.timeIfPresent("arrival_time"),
                households: try row.decodeJSONIfPresent("households"),
                checkedInAt: try row.decodeIfPresent("checked_in_at"),
                checkedOutAt: try row.decodeIfPresent("checked_out_at"),
                leastFeePercent: try row.decode("least_fee_percent"),
                version: try row.decode("version")
            )
        }
    }

    static func cottages(where condition: SQL) -> Query<(booking: Booking.ID, cottage: Booking.BookedCottage)> {
        Query(
            """
            SELECT booking_id, cottage_id, cottage.number, is_chosen, priced_as, priced_from,
                nullif(lower(allocation.stay), lower(booking.stay)) AS since, (
                    SELECT array_agg(household_id ORDER BY household_id) FROM cottage_household AS home
                    WHERE home.booking_id = booking.id AND home.cottage_id = cottage.id
                ) AS homes
            FROM booking JOIN allocation ON booking_id = booking.id JOIN cottage ON cottage.id = cottage_id
            WHERE \(condition) ORDER BY booking_id, cottage_id
            """
        ) { row in
            (
                try row.decode("booking_id"),
                .init(
                    id: try row.decode("cottage_id"),
                    number: try row.decode("number"),
                    isChosen: try row.decode("is_chosen"),
                    pricedAs: try row.decodeIfPresent("priced_as"),
                    since: try row.decodeIfPresent("since"),
                    pricedFrom: try row.decodeIfPresent("priced_from"),
                    householdIds: try row.decodeIfPresent("homes")
                )
            )
        }
    }

    static func travellers(where condition: SQL) -> Query<(booking: Booking.ID, traveller: Traveller.ID)> {
        Query(
            """
            SELECT booking_id, traveller_id FROM booking JOIN booking_traveller ON booking_id = booking.id
            WHERE \(condition) ORDER BY booking_id, traveller_id
            """
        ) { (try $0.decode("booking_id"), try $0.decode("traveller_id")) }
    }

    /// The condition of one booking, for the statements of its parts.
    static func isBooking(_ id: Booking.ID) -> SQL { "booking.id = \(id)" }

    /// The condition of all bookings of a group, for the statements of their parts.
    static func isOfGroup(_ group: TravelGroup.ID) -> SQL { "booking.group_id = \(group)" }

    // MARK: Placing

    /// The deadline of a booking that is on hold.
    static func deadline(of booking: Booking.ID) -> Query<Date> {
        Query("SELECT hold_until FROM booking WHERE id = \(booking) AND state = 'held'") { try $0.decode("hold_until") }
    }

    /// Lets one guest place one booking at a time, so that their holds are counted correctly.
    static func placeAlone(_ guest: Guest.ID) -> Query<Bool> {
        Query(
            "SELECT pg_advisory_xact_lock(hashtextextended('place ' || \(guest)::text, 0)) IS NULL AS is_alone"
        ) { try $0.decode("is_alone") }
    }

    /// Counts the bookings with which a guest blocks cottages without having paid.
    ///
    /// These are holds, and future stays that are firm without a deposit.
    static func holds(of guest: Guest.ID, now: Date) -> Query<Int> {
        Query(
            """
            SELECT count(*) AS count FROM booking
            WHERE placed_by = \(guest) AND (
                state = 'held' AND hold_until > \(now)
                OR state = 'confirmed' AND lower(stay) > \(now)::date AND confirmed_reason IS NULL
                    AND NOT EXISTS (SELECT FROM share WHERE booking_id = booking.id AND paid > 0)
            )
            """
        ) { try $0.decode("count") }
    }

    static func insert(
        _ booking: Booking,
        policy: JSONText,
        fees: JSONText,
        source: String,
        by guest: Guest.ID?
    ) -> Command {
        Command(
            """
            INSERT INTO booking (id, number, park_id, group_id, stay, state, hold_until, adults, children, babies, pets,
                currency, policy, fees, deposit, source, placed_at, placed_by, backstop_id)
            VALUES (\(booking.id), \(booking.number), \(booking.parkId), \(booking.groupId), \(booking.stay),
                \(booking.state.rawValue), \(booking.holdUntil), \(booking.adults), \(booking.children),
                \(booking.babies), \(booking.pets), \(booking.total.currency), \(policy), \(fees), \(booking.deposit.amount),
                \(source), \(booking.placedAt), \(guest), (
                    SELECT household_id FROM traveller
                    WHERE group_id = \(booking.groupId) AND role = 'organiser' AND left_at IS NULL
                ))
            """
        )
    }

    // MARK: A change

    static func replaceTravellers(of booking: Booking.ID, with travellers: [Traveller.ID]) -> [Command] {
        [
            Command(
                """
                DELETE FROM booking_traveller
                WHERE booking_id = \(booking) AND NOT traveller_id = ANY(\(travellers)::uuid[])
                """
            ),
            Command(
                """
                INSERT INTO booking_traveller (booking_id, traveller_id)
                SELECT \(booking)::uuid, traveller_id FROM unnest(\(travellers)::uuid[]) AS traveller_id
                ON CONFLICT DO NOTHING
                """
            ),
        ]
    }

    // MARK: A change that is held

    static func insertTravellers(_ booking: Booking) -> Command {
        Command(
            """
            INSERT INTO booking_traveller (booking_id, traveller_id)
            SELECT \(booking.id)::uuid, traveller_id FROM unnest(\(booking.travellerIds)::uuid[]) AS traveller_id
            """
        )
    }

    // MARK: Changing

    /// The house rules and fees at the time of booking, and the park's time zone.
    static func policy(
        of booking: Booking.ID
    ) -> Query<(rules: HouseRules, fees: [String: Int64], timeZone: String)> {
        Query(
            "SELECT policy, fees, time_zone FROM booking JOIN park ON park.id = park_id WHERE booking.id = \(booking)"
        ) { (try $0.decodeJSON("policy"), try $0.decodeJSON("fees"), try $0.decode("time_zone")) }
    }

    static func zone(of booking: Booking.ID) -> Query<String> {
        Query("SELECT time_zone FROM booking JOIN park ON park.id = park_id WHERE booking.id = \(booking)") {
            try $0.decode("time_zone")
        }
    }

    static func update(_ booking: Booking, confirmedReason: String? = nil, cancelledReason: String? = nil) -> Command {
        Command(
            """
            UPDATE booking SET state = \(booking.state.rawValue), hold_until = \(booking.holdUntil),
                is_extended = \(booking.isExtended), stay = \(booking.stay), adults = \(booking.adults),
                children = \(booking.children), babies = \(booking.babies), pets = \(booking.pets),
                deposit = \(booking.deposit.amount), arrival_time = \(booking.arrivalTime?.description)::time,
                checked_in_at = \(booking.checkedInAt), checked_out_at = \(booking.checkedOutAt),
                least_fee_percent = \(booking.leastFeePercent), version = \(booking.version),
                confirmed_reason = coalesce(\(confirmedReason), confirmed_reason),
                cancelled_reason = coalesce(\(cancelledReason), cancelled_reason)
            WHERE id = \(booking.id)
            """
        )
    }

    static func markNoShow(_ booking: Booking.ID, at now: Date?) -> Command {
        Command("UPDATE booking SET no_show_at = \(now) WHERE id = \(booking)")
    }

    /// The instant at which the no-show was recorded; no row if there was none.
    static func noShowAt(_ booking: Booking.ID) -> Query<Date> {
        Query("SELECT no_show_at FROM booking WHERE id = \(booking) AND no_show_at IS NOT NULL") {
            try $0.decode("no_show_at")
        }
    }

    /// The members of a household who get mail about a booking's money; all members if none is named.
    static func addressees(
        of booking: Booking.ID,
        in household: Household.ID?
    ) -> Query<(guest: Guest.ID, email: String, language: String, park: String)> {
        Query(
            """
            SELECT guest.id, email, language, park.name
            FROM booking JOIN park ON park.id = park_id JOIN traveller USING (group_id) JOIN guest ON guest.id = guest_id
            WHERE booking.id = \(booking) AND left_at IS NULL AND email IS NOT NULL
                AND (\(household)::uuid IS NULL OR household_id = \(household)::uuid)
            ORDER BY guest.id
            """
        ) { (try $0.decode("id"), try $0.decode("email"), try $0.decode("language"), try $0.decode("name")) }
    }

    /// The organiser's address for mail about a booking.
    ///
    /// There is no row for a group without organiser, or an organiser without an address.
    static func addressee(of booking: Booking.ID) -> Query<(email: String, language: String, park: String)> {
        Query(
            """
            SELECT email, language, park.name
            FROM booking JOIN park ON park.id = park_id JOIN traveller USING (group_id) JOIN guest ON guest.id = guest_id
            WHERE booking.id = \(booking) AND role = 'organiser' AND left_at IS NULL AND email IS NOT NULL
            """
        ) { (try $0.decode("email"), try $0.decode("language"), try $0.decode("name")) }
    }

    /// The member who reads a booking.
    struct Viewer: Sendable {
        let household: Household.ID
        let isOrganiser: Bool
        /// All travellers of the household.
        let people: [Traveller.ID]
    }

    /// The member who reads a booking; no row for staff or for guests outside the group.
    static func viewer(of booking: Booking.ID, _ guest: Guest.ID?) -> Query<Viewer> {
        Query(
            """
            SELECT own.household_id, own.role = 'organiser' AS is_organiser,
                ARRAY(SELECT id FROM traveller WHERE household_id = own.household_id) AS people
            FROM booking JOIN traveller AS own USING (group_id)
            WHERE booking.id = \(booking) AND guest_id = \(guest) AND left_at IS NULL
            """
        ) { row in
            Viewer(
                household: try row.decode("household_id"),
                isOrganiser: try row.decode("is_organiser"),
                people: try row.decode("people")
            )
        }
    }

    /// The guest's role in the booking's group; no row for everybody else.
    ///
    /// - Parameter isPlacerOrganiser: whether the member who placed a hold counts as its organiser.
    static func role(
        of guest: Guest.ID?,
        in booking: Booking.ID,
        isPlacerOrganiser: Bool = false
    ) -> Query<Traveller.Role> {
        Query(
            """
            SELECT CASE WHEN \(isPlacerOrganiser) AND state = 'held' AND placed_by = guest_id THEN 'organiser'
                ELSE role END AS role
            FROM booking JOIN traveller USING (group_id)
            WHERE booking.id = \(booking) AND guest_id = \(guest) AND left_at IS NULL
            """
        ) { try $0.word("role", as: Traveller.Role.self) }
    }
}

extension Publication.Kind {
    static let booking = Publication.Kind("booking", view: "shown_booking")
}
