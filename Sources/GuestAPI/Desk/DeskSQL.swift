import Foundation
import GuestModels
import Postgres

enum DeskSQL {
    /// The condition that a booking is at one of the parks, and is live or ended less than 90 days ago.
    ///
    /// - Parameter parks: the parks; nil means every park.
    private static func isOurs(_ parks: [Park.ID]?, now: Date) -> SQL {
        let isThere: SQL = parks.map { "booking.park_id = ANY(\($0)::uuid[])" } ?? "true"
        return """
            (\(isThere) AND (state IN ('held', 'confirmed', 'checkedIn')
                OR state IN ('checkedOut', 'noShow') AND upper(stay) > \(now)::date - 90))
            """
    }

    /// Whether the desk of the parks may act for a guest on a booking of the guest's group; nil means every park.
    static func reaches(
        _ booking: Booking.ID,
        of guest: Guest.ID,
        at parks: [Park.ID]?,
        now: Date
    ) -> Query<Bool> {
        Query(
            """
            SELECT true AS reaches FROM booking JOIN traveller USING (group_id)
            WHERE booking.id = \(booking) AND guest_id = \(guest) AND left_at IS NULL AND \(isOurs(parks, now: now))
            """
        ) { try $0.decode("reaches") }
    }

    /// Whether the desk of the parks may act for a guest on the booking of a share.
    static func reaches(_ share: Share.ID, of guest: Guest.ID, at parks: [Park.ID]?, now: Date) -> Query<Bool> {
        Query(
            """
            SELECT true AS reaches FROM share JOIN booking ON booking.id = booking_id JOIN traveller USING (group_id)
            WHERE share.id = \(share) AND guest_id = \(guest) AND left_at IS NULL AND \(isOurs(parks, now: now))
            """
        ) { try $0.decode("reaches") }
    }

    /// Whether the desk of the parks may act for a guest in a group.
    ///
    /// The group must stay at one of the parks, or it must stay nowhere and the parks must know the guest.
    static func reaches(_ group: TravelGroup.ID, of guest: Guest.ID, at parks: [Park.ID]?, now: Date) -> Query<Bool> {
        Query(
            """
            SELECT true AS reaches FROM traveller JOIN guest ON guest.id = guest_id
            WHERE group_id = \(group) AND guest_id = \(guest) AND left_at IS NULL AND (
                EXISTS (SELECT FROM booking WHERE booking.group_id = \(group) AND \(isOurs(parks, now: now)))
                OR NOT EXISTS (SELECT FROM booking WHERE booking.group_id = \(group) AND \(isOurs(nil, now: now)))
                    AND \(DeskGuestSQL.isOf(parks))
            )
            """
        ) { try $0.decode("reaches") }
    }

    /// A booking as the desk's lists show it.
    struct DeskRow: Encodable, Sendable {
        let id: Booking.ID
        let number: String
        let reservationNumber: String?
        let groupName: String?
        let stay: Stay
        let state: String
        let cottages: [String]
        let adults: Int
        let children: Int
        let babies: Int
        let pets: Int
        /// The organiser's name; nil for a reservation of another system.
        let lead: String?
        /// The hour of arrival that the group has announced, on the park's clock.
        let arrivalTime: LocalTime?
        /// The hour until which the group may stay on the last day, on the park's clock.
        let checkOutBy: LocalTime
        /// True if every cottage is ready.
        let isReady: Bool
        /// The amount that is still open; nil for staff who may not see money, and for reservations of another system.
        var open: Money?
    }

    private static func list(_ condition: SQL, limit: Int) -> Query<DeskRow> {
        Query(
            """
            SELECT booking.id, booking.number, reservation_number, travel_group.name AS group_name, stay, state, adults,
                children, babies, pets, currency, policy ->> 'checkOutBy' AS usual,
                to_char(arrival_time, 'HH24:MI') AS arrival_time,
                (
                    SELECT to_char(max(check_out_by), 'HH24:MI') FROM extra_order
                    WHERE booking_id = booking.id AND cancelled_at IS NULL
                ) AS late,
                (
                    SELECT name FROM traveller
                    WHERE traveller.group_id = booking.group_id AND role = 'organiser' AND left_at IS NULL
                ) AS lead,
                (SELECT sum(greatest(amount - paid, 0))::bigint FROM share WHERE booking_id = booking.id) AS open,
                NOT EXISTS (
                    SELECT FROM allocation JOIN cottage ON cottage.id = cottage_id
                    WHERE booking_id = booking.id AND readiness <> 'ready'
                ) AS is_ready,
                ARRAY(
                    SELECT cottage.number FROM allocation JOIN cottage ON cottage.id = cottage_id
                    WHERE booking_id = booking.id ORDER BY length(cottage.number), cottage.number
                ) AS cottages
            FROM booking LEFT JOIN travel_group ON travel_group.id = group_id
            WHERE \(condition)
            ORDER BY booking.id LIMIT \(limit)
            """
        ) { row in
            let usual = try row.time("usual")
            let late = try row.timeIfPresent("late")
            return DeskRow(
                id: try row.decode("id"),
                number: try row.decode("number"),
                reservationNumber: try row.decodeIfPresent("reservation_number"),
                groupName: try row.decodeIfPresent("group_name"),
                stay: try row.decode("stay"),
                state: try row.decode("state"),
                cottages: try row.decode("cottages"),
                adults: try row.decode("adults"),
                children: try row.decode("children"),
                babies: try row.decode("babies"),
                pets: try row.decode("pets"),
                lead: try row.decodeIfPresent("lead"),
                arrivalTime: try row.timeIfPresent("arrival_time"),
                checkOutBy: max(usual, late ?? usual),
                isReady: try row.decode("is_ready"),
                open: try row.decodeIfPresent("open").map { Money($0, try row.decode("currency")) }
            )
        }
    }

    private static func after(_ cursor: Booking.ID?) -> SQL {
        cursor.map { "booking.id > \($0)" } ?? "true"
    }

    static func arrivals(_ park: Park.ID, on day: LocalDate, after cursor: Booking.ID?, limit: Int) -> Query<DeskRow> {
        list(
            """
            booking.park_id = \(park) AND lower(stay) = \(day) AND state IN ('confirmed', 'checkedIn', 'checkedOut')
                AND \(after(cursor))
            """,
            limit: limit
        )
    }

    static func departures(_ park: Park.ID, on day: LocalDate, after cursor: Booking.ID?, limit: Int) -> Query<DeskRow>
    {
        list(
            """
            booking.park_id = \(park) AND upper(stay) = \(day) AND state IN ('confirmed', 'checkedIn', 'checkedOut')
                AND \(after(cursor))
            """,
            limit: limit
        )
    }

    /// Searches the bookings of a park by booking number, reservation number, cottage, group or traveller.
    ///
    /// Accents, capitals, blanks and hyphens make no difference.
    static func search(_ park: Park.ID, _ text: String, after cursor: Booking.ID?, limit: Int) -> Query<DeskRow> {
        list(
            """
            booking.park_id = \(park) AND \(after(cursor)) AND (
                searchable(booking.number) LIKE search_pattern(\(text))
                OR searchable(reservation_number) LIKE search_pattern(\(text))
                OR searchable(travel_group.name) LIKE search_pattern(\(text))
                OR EXISTS (
                    SELECT FROM booking_traveller JOIN traveller ON traveller.id = traveller_id
                    WHERE booking_id = booking.id AND searchable(traveller.name) LIKE search_pattern(\(text))
                )
                OR EXISTS (
                    SELECT FROM allocation JOIN cottage ON cottage.id = cottage_id
                    WHERE booking_id = booking.id AND searchable(cottage.number) = searchable(\(text))
                )
            )
            """,
            limit: limit
        )
    }

    static func reservationNumber(of booking: Booking.ID) -> Query<String> {
        Query(
            "SELECT reservation_number FROM booking WHERE id = \(booking) AND reservation_number IS NOT NULL"
        ) { try $0.decode("reservation_number") }
    }

    // MARK: Changes for other systems

    static func lastChange(of park: Park.ID) -> Query<Int> {
        Query("SELECT version FROM scope WHERE name = 'changes:' || \(park)::text") { try $0.decode("version") }
    }

    /// The changes of a park, each with its present data.
    ///
    /// A guest is included if their group has booked firmly or the desk knows them, and never once erased.
    static func changes(of park: Park.ID, after number: Int, limit: Int) -> Query<(number: Int, json: String)> {
        Query(
            """
            SELECT number, json_build_object('number', number, 'at', utc(at), 'kind', kind, 'id', id, 'body', CASE kind
                WHEN 'guest' THEN (
                    SELECT json_build_object('id', guest.id, 'name', name, 'email', email, 'language', language)
                    FROM guest WHERE guest.id = park_change.id AND erased_at IS NULL AND (
                        desk_park_id = \(park) OR EXISTS (
                            SELECT FROM traveller JOIN booking USING (group_id)
                            WHERE guest_id = guest.id AND left_at IS NULL AND booking.park_id = \(park)
                                AND state NOT IN ('held', 'expired')
                        )
                    )
                )
                ELSE body END) AS json
            FROM park_change WHERE park_id = \(park) AND number > \(number)::bigint ORDER BY park_change.number LIMIT \(limit)
            """
        ) { (try $0.decode("number"), try $0.decode("json", as: JSONText.self).text) }
    }

    /// Deletes old changes that a newer change of the same thing has replaced; the newest change of each thing stays.
    ///
    /// The command looks at changes that became old within a week, and at older changes of things that changed within a
    /// week. So it never reads the whole feed.
    static func forgetChanges(before then: Date, at now: Date) -> Command {
        let week = 7.0 * 86400
        return .forget(
            "park_change",
            where: """
                ctid IN (
                    SELECT older.ctid FROM park_change AS older
                    WHERE at < \(then) AND at >= \(then.addingTimeInterval(-week)) AND EXISTS (
                        SELECT FROM park_change AS newer
                        WHERE newer.park_id = older.park_id AND newer.kind = older.kind AND newer.id = older.id
                            AND newer.number > older.number
                    )
                    UNION
                    SELECT older.ctid FROM park_change AS newer JOIN park_change AS older USING (park_id, kind, id)
                    WHERE newer.at >= \(now.addingTimeInterval(-week)) AND older.number < newer.number
                        AND older.at < \(then)
                )
                """
        )
    }

    // MARK: A day in numbers

    static func arrivalsPerHour(_ park: Park.ID, on day: LocalDate) -> Query<ParkDay.Hour> {
        Query(
            """
            SELECT extract(hour FROM arrival_time)::int AS hour, count(*) AS bookings,
                sum(adults + children + babies)::bigint AS people
            FROM booking
            WHERE park_id = \(park) AND lower(stay) = \(day) AND state IN ('confirmed', 'checkedIn', 'checkedOut')
            GROUP BY 1 ORDER BY 1 NULLS LAST
            """
        ) { row in
            ParkDay.Hour(
                hour: try row.decodeIfPresent("hour"),
                bookings: try row.decode("bookings"),
                people: try row.decode("people")
            )
        }
    }

    static func departureCounts(_ park: Park.ID, on day: LocalDate) -> Query<ParkDay.Departures> {
        Query(
            """
            SELECT count(*) AS bookings, coalesce(sum(adults + children + babies), 0)::bigint AS people,
                count(*) FILTER (WHERE state = 'checkedOut') AS checked_out
            FROM booking
            WHERE park_id = \(park) AND upper(stay) = \(day) AND state IN ('confirmed', 'checkedIn', 'checkedOut')
            """
        ) { row in
            ParkDay.Departures(
                bookings: try row.decode("bookings"),
                people: try row.decode("people"),
                checkedOut: try row.decode("checked_out")
            )
        }
    }

    static func readinessCounts(_ park: Park.ID) -> Query<(readiness: String, count: Int)> {
        Query(
            """
            SELECT readiness, count(*) AS count FROM cottage WHERE park_id = \(park) GROUP BY readiness ORDER BY readiness
            """
        ) { (try $0.decode("readiness"), try $0.decode("count")) }
    }

    static func extraCounts(_ park: Park.ID, on day: LocalDate) -> Query<ParkDay.ToBring> {
        Query(
            """
            SELECT code, slot, sum(quantity)::bigint AS quantity
            FROM extra JOIN extra_order ON extra_id = extra.id JOIN booking ON booking.id = booking_id
            WHERE extra.park_id = \(park) AND cancelled_at IS NULL AND lower(dates) = \(day)
                AND state IN ('confirmed', 'checkedIn')
            GROUP BY code, slot ORDER BY slot, code
            """
        ) { row in
            ParkDay.ToBring(
                code: try row.decode("code"),
                slot: LocalTime(try row.decode("slot", as: String.self)),
                quantity: try row.decode("quantity")
            )
        }
    }

    static func tasksDue(_ park: Park.ID, by day: LocalDate) -> Query<Int> {
        Query(
            "SELECT count(*) AS count FROM task WHERE park_id = \(park) AND state = 'open' AND due <= \(day)"
        ) { try $0.decode("count") }
    }
}
