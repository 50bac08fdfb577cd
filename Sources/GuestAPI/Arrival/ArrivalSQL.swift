import Foundation
import GuestModels
import Postgres

enum ArrivalSQL {
    // MARK: Readiness

    /// The cottages in which guests of another booking live.
    static func occupied(_ cottages: [Cottage.ID], besides booking: Booking.ID) -> Query<Cottage.ID> {
        Query(
            """
            SELECT cottage_id FROM allocation JOIN booking ON booking.id = booking_id
            WHERE cottage_id = ANY(\(cottages)::uuid[]) AND booking_id <> \(booking) AND is_live AND state = 'checkedIn'
            """
        ) { try $0.decode("cottage_id") }
    }

    static func readiness(ofBooking booking: Booking.ID) -> Query<Readiness> {
        Query(
            """
            SELECT readiness FROM allocation JOIN cottage ON cottage.id = cottage_id
            WHERE booking_id = \(booking) ORDER BY cottage_id
            """
        ) { try $0.word("readiness", as: Readiness.self) }
    }

    static func readiness(of cottages: [Cottage.ID]) -> Query<Readiness> {
        Query("SELECT readiness FROM cottage WHERE id = ANY(\(cottages)::uuid[]) ORDER BY id") {
            try $0.word("readiness")
        }
    }

    static func isReady(_ cottage: Cottage.ID) -> Query<Bool> {
        Query("SELECT readiness = 'ready' AS is_ready FROM cottage WHERE id = \(cottage)") {
            try $0.decode("is_ready")
        }
    }

    static func lockAwaiting(_ cottage: Cottage.ID, at now: Date) -> Command {
        Command(
            """
            SELECT FROM booking WHERE state = 'confirmed' AND lower(stay) <= (\(now)::timestamptz AT TIME ZONE 'UTC')::date + 1
                AND id IN (SELECT booking_id FROM allocation WHERE cottage_id = \(cottage))
            ORDER BY id FOR NO KEY UPDATE
            """
        )
    }

    /// The bookings that arrive today, are not checked in, and whose cottages are all ready now.
    static func awaiting(_ cottage: Cottage.ID, at now: Date) -> Query<(group: TravelGroup.ID, booking: Booking.ID)> {
        Query(
            """
            SELECT group_id, booking.id FROM allocation
                JOIN booking ON booking.id = booking_id JOIN park ON park.id = booking.park_id
            WHERE cottage_id = \(cottage) AND state = 'confirmed' AND group_id IS NOT NULL
                AND lower(booking.stay) = (\(now)::timestamptz AT TIME ZONE time_zone)::date
                AND NOT EXISTS (
                    SELECT FROM allocation AS other JOIN cottage ON cottage.id = other.cottage_id
                    WHERE other.booking_id = booking.id AND readiness <> 'ready'
                )
            """
        ) { (try $0.decode("group_id"), try $0.decode("id")) }
    }

    /// A cottage on the list for cleaning and repairs, with the departure and arrival of that day.
    struct ReadinessRow: Encodable, Sendable {
        let cottageId: Cottage.ID
        let number: String
        let readiness: Readiness
        let note: String?
        let departing: Bool
        /// The booking that arrives, with its expected arrival time.
        let arriving: Booking.ID?
        let arrivalTime: LocalTime?
    }

    /// The cottages of a park; those with the earliest arrivals come first.
    static func readiness(in park: Park.ID, on day: LocalDate) -> Query<ReadinessRow> {
        Query(
            """
            SELECT cottage.id, cottage.number, readiness, readiness_note, leaving.id IS NOT NULL AS departing,
                coming.id AS arriving, to_char(coming.arrival_time, 'HH24:MI') AS arrival_time
            FROM cottage
                LEFT JOIN (
                    SELECT booking.id, cottage_id FROM booking JOIN allocation ON booking_id = booking.id
                    WHERE booking.park_id = \(park) AND upper(booking.stay) = \(day)
                        AND state IN ('confirmed', 'checkedIn', 'checkedOut')
                ) AS leaving ON leaving.cottage_id = cottage.id
                LEFT JOIN (
                    SELECT booking.id, cottage_id, arrival_time
                    FROM booking JOIN allocation ON booking_id = booking.id
                    WHERE booking.park_id = \(park) AND lower(booking.stay) = \(day)
                        AND state IN ('confirmed', 'checkedIn', 'checkedOut')
                ) AS coming ON coming.cottage_id = cottage.id
            WHERE cottage.park_id = \(park)
            ORDER BY coming.id IS NULL, coming.arrival_time NULLS LAST, length(cottage.number), cottage.number, cottage.id
            """
        ) { row in
            ReadinessRow(
                cottageId: try row.decode("id"),
                number: try row.decode("number"),
                readiness: try row.word("readiness", as: Readiness.self),
                note: try row.decodeIfPresent("readiness_note"),
                departing: try row.decode("departing"),
                arriving: try row.decodeIfPresent("arriving"),
                arrivalTime: try row.timeIfPresent("arrival_time")
            )
        }
    }

    // MARK: Getting in

    static func setAccess(_ cottage: Cottage.ID, sealed: Data, at now: Date) -> Command {
        Command(
            """
            INSERT INTO cottage_access (cottage_id, sealed, changed_at) VALUES (\(cottage), \(sealed), \(now))
            ON CONFLICT (cottage_id) DO UPDATE SET sealed = EXCLUDED.sealed, changed_at = EXCLUDED.changed_at
            """
        )
    }

    struct AccessRow: Sendable {
        let cottage: Cottage.ID
        let number: String
        let sealed: Data?
        /// The households that the group has assigned to the cottage; empty if it has assigned none.
        let households: [Household.ID]
    }

    static func access(of booking: Booking.ID) -> Query<AccessRow> {
        Query(
            """
            SELECT cottage.id, cottage.number, sealed, ARRAY(
                SELECT household_id FROM cottage_household
                WHERE cottage_household.booking_id = allocation.booking_id AND cottage_household.cottage_id = cottage.id
            ) AS households
            FROM allocation JOIN cottage ON cottage.id = allocation.cottage_id
                LEFT JOIN cottage_access ON cottage_access.cottage_id = cottage.id
            WHERE allocation.booking_id = \(booking) ORDER BY length(cottage.number), cottage.number, cottage.id
            """
        ) { row in
            AccessRow(
                cottage: try row.decode("id"),
                number: try row.decode("number"),
                sealed: try row.decodeIfPresent("sealed"),
                households: try row.decode("households")
            )
        }
    }

    static func assign(_ households: [Household.ID], in cottage: Cottage.ID, of booking: Booking.ID) -> [Command] {
        [
            Command("DELETE FROM cottage_household WHERE booking_id = \(booking) AND cottage_id = \(cottage)"),
            Command(
                """
                INSERT INTO cottage_household (booking_id, cottage_id, household_id)
                SELECT \(booking)::uuid, \(cottage)::uuid, household_id FROM unnest(\(households)::uuid[]) AS household_id
                """
            ),
        ]
    }

    // MARK: Households that come and go by themselves

    struct StayRow: Sendable {
        var stay: HouseholdStay
        let checkedOutAt: Date?
        let noShowAt: Date?
    }

    /// The stays of a booking's households that have an arrival time or a state of their own.
    static func stays(of booking: Booking.ID) -> Query<StayRow> {
        Query(
            """
            SELECT household_id, state, to_char(arrival_time, 'HH24:MI') AS arrival_time, checked_out_at, no_show_at
            FROM household_stay WHERE booking_id = \(booking) ORDER BY household_id
            """
        ) { row in
            StayRow(
                stay: HouseholdStay(
                    householdId: try row.decode("household_id"),
                    state: try row.word("state"),
                    arrivalTime: try row.timeIfPresent("arrival_time")
                ),
                checkedOutAt: try row.decodeIfPresent("checked_out_at"),
                noShowAt: try row.decodeIfPresent("no_show_at")
            )
        }
    }

    /// Writes a household's state, and keeps the time of its check-out or no-show for undoing.
    static func upsert(_ stay: HouseholdStay, of booking: Booking.ID, at now: Date) -> Command {
        let (out, missed) = (stay.state == .checkedOut ? now : nil, stay.state == .noShow ? now : nil)
        return Command(
            """
            INSERT INTO household_stay AS its (booking_id, household_id, state, arrival_time, checked_out_at, no_show_at)
            VALUES (\(booking), \(stay.householdId), \(stay.state.rawValue), \(stay.arrivalTime?.description)::time, \(out),
                \(missed))
            ON CONFLICT (booking_id, household_id) DO UPDATE
            SET state = EXCLUDED.state, arrival_time = EXCLUDED.arrival_time,
                checked_out_at = CASE WHEN EXCLUDED.checked_out_at IS NOT NULL THEN coalesce(its.checked_out_at, EXCLUDED.checked_out_at) END,
                no_show_at = CASE WHEN EXCLUDED.no_show_at IS NOT NULL THEN coalesce(its.no_show_at, EXCLUDED.no_show_at) END
            """
        )
    }

    /// Checks in again the households that left when the whole booking did.
    static func undoCheckOut(of booking: Booking.ID, at then: Date) -> Command {
        Command(
            """
            UPDATE household_stay SET state = 'checkedIn', checked_out_at = NULL
            WHERE booking_id = \(booking) AND checked_out_at = \(then)
            """
        )
    }

    /// The households of the travellers of a booking.
    static func households(of booking: Booking.ID) -> Query<Household.ID> {
        Query(
            """
            SELECT DISTINCT household_id FROM booking_traveller JOIN traveller ON traveller.id = traveller_id
            WHERE booking_id = \(booking) ORDER BY household_id
            """
        ) { try $0.decode("household_id") }
    }

    // MARK: The guest register

    static func enter(_ traveller: Traveller.ID, of booking: Booking.ID, sealed: Data, keepUntil: LocalDate) -> Command
    {
        Command(
            """
            INSERT INTO register_entry (booking_id, traveller_id, sealed, keep_until)
            VALUES (\(booking), \(traveller), \(sealed), \(keepUntil))
            ON CONFLICT (booking_id, traveller_id) DO UPDATE
            SET sealed = EXCLUDED.sealed, keep_until = EXCLUDED.keep_until
            """
        )
    }

    static func register(of booking: Booking.ID) -> Query<(traveller: Traveller.ID, sealed: Data)> {
        Query(
            """
            SELECT traveller_id, sealed FROM register_entry WHERE booking_id = \(booking) ORDER BY traveller_id
            """
        ) { (try $0.decode("traveller_id"), try $0.decode("sealed")) }
    }

    static func entries(of guest: Guest.ID) -> Query<(booking: Booking.ID, traveller: Traveller.ID, sealed: Data)> {
        Query(
            """
            SELECT booking_id, traveller_id, sealed FROM register_entry JOIN traveller ON traveller.id = traveller_id
            WHERE guest_id = \(guest) ORDER BY booking_id, traveller_id
            """
        ) { (try $0.decode("booking_id"), try $0.decode("traveller_id"), try $0.decode("sealed")) }
    }

    /// Deletes register entries that the law no longer wants kept.
    ///
    /// The deletion is a day late rather than early, in any time zone.
    static func forgetRegister(now: Date) -> Command {
        let today = LocalDate(daysSince1970: Int(now.timeIntervalSince1970 / 86400) - 1)
        return Command("DELETE FROM register_entry WHERE keep_until < \(today)")
    }

    // MARK: The calendar

    struct CalendarRow: Sendable {
        let id: Booking.ID
        let number: String
        let park: String
        let timeZone: String
        let rules: HouseRules
        /// The check-out time; later than the park's own with a late check-out of the household or the group.
        let checkOutBy: LocalTime
        let stay: Stay
        let state: Booking.State
        let cottages: [String]
        let version: Int
        /// The time of the booking's last change.
        let changedAt: Date
    }

    /// The stays of a group for one of its members.
    static func calendar(of group: TravelGroup.ID, for guest: Guest.ID) -> Query<CalendarRow> {
        Query(
            """
            SELECT booking.id, booking.number, park.name, time_zone, policy, stay, state, booking.version,
                coalesce(booking.changed_at, placed_at) AS changed_at, ARRAY(
                    SELECT cottage.number FROM allocation JOIN cottage ON cottage.id = cottage_id
                    WHERE booking_id = booking.id ORDER BY length(cottage.number), cottage.number
                ) AS cottages, (
                    SELECT to_char(max(check_out_by), 'HH24:MI') FROM extra_order
                    WHERE booking_id = booking.id AND cancelled_at IS NULL AND (
                        household_id IS NULL OR household_id IN (
                            SELECT household_id FROM traveller
                            WHERE traveller.group_id = \(group) AND guest_id = \(guest) AND left_at IS NULL
                        )
                    )
                ) AS check_out_by
            FROM booking JOIN park ON park.id = park_id
            WHERE group_id = \(group) AND state IN ('confirmed', 'checkedIn', 'checkedOut') AND EXISTS (
                SELECT FROM traveller WHERE traveller.group_id = \(group) AND guest_id = \(guest) AND left_at IS NULL
            )
            ORDER BY lower(stay), booking.id
            """
        ) { row in
            let rules: HouseRules = try row.decodeJSON("policy")
            let late = try row.timeIfPresent("check_out_by")
            return CalendarRow(
                id: try row.decode("id"),
                number: try row.decode("number"),
                park: try row.decode("name"),
                timeZone: try row.decode("time_zone"),
                rules: rules,
                checkOutBy: late.map { max($0, rules.checkOutBy) } ?? rules.checkOutBy,
                stay: try row.decode("stay"),
                state: try row.word("state", as: Booking.State.self),
                cottages: try row.decode("cottages"),
                version: try row.decode("version"),
                changedAt: try row.decode("changed_at")
            )
        }
    }
}
