import Foundation
import GuestModels
import Postgres
import Sync

enum BookingSQL {
    /// True where the principal may see the booking: the group's members, and hosts of its park.
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

    static func lines(where condition: SQL) -> Query<(booking: Booking.ID, line: ChargeLine)> {
        Query(
            """
            SELECT booking_id, \(lineColumns)
            FROM booking JOIN charge_line ON booking_id = booking.id
            WHERE \(condition) ORDER BY booking_id, charge_line.id
            """
        ) { (try $0.decode("booking_id"), try line($0)) }
    }

    private static let lineColumns: SQL = """
        kind, cottage_id, traveller_id, household_id, extra_order_id, quantity, unit_amount
        """

    private static func line(_ row: Row) throws -> ChargeLine {
        ChargeLine(
            try row.word("kind", as: ChargeLine.Kind.self),
            cottage: try row.decodeIfPresent("cottage_id"),
            traveller: try row.decodeIfPresent("traveller_id"),
            household: try row.decodeIfPresent("household_id"),
            extraOrder: try row.decodeIfPresent("extra_order_id"),
            quantity: try row.decode("quantity"),
            unitAmount: try row.decode("unit_amount")
        )
    }

    /// The lines that have not been taken back.
    static func liveLines(of booking: Booking.ID) -> Query<(id: ChargeLine.ID, line: ChargeLine)> {
        Query(
            """
            SELECT id, \(lineColumns) FROM charge_line AS line
            WHERE booking_id = \(booking) AND reverses_id IS NULL
                AND NOT EXISTS (SELECT FROM charge_line WHERE reverses_id = line.id)
            ORDER BY id
            """
        ) { (try $0.decode("id"), try line($0)) }
    }

    // MARK: Placing

    /// The cottages of holds whose time is over and that stand in the way: they are given up, so they are locked too.
    private static func cottagesOfDueHolds(in cottages: SQL, _ stay: SQL, now: Date) -> SQL {
        """
        SELECT own.cottage_id FROM allocation AS due JOIN booking ON booking.id = due.booking_id
            JOIN allocation AS own ON own.booking_id = booking.id
        WHERE due.cottage_id = ANY(\(cottages)) AND due.is_live AND due.stay && \(stay)
            AND booking.state = 'held' AND booking.hold_until <= \(now)
        """
    }

    /// Locks cottages in id order, before anything else of a booking is touched, together with those of holds that give
    /// way to them for a stay.
    static func lock(_ cottages: [Cottage.ID], for stay: Stay, now: Date) -> Query<Cottage.ID> {
        let wanted: SQL = "\(cottages)::uuid[]"
        return Query(
            """
            SELECT id FROM cottage
            WHERE id = ANY(\(wanted)) OR id IN (\(cottagesOfDueHolds(in: wanted, "\(stay)", now: now)))
            ORDER BY id FOR NO KEY UPDATE
            """
        ) { try $0.decode("id") }
    }

    /// Locks the cottages of a booking, others beside them, and those of holds that give way to them.
    ///
    /// - Parameter stay: what the others are wanted for; the booking's own stay unless said.
    static func lockCottages(
        of booking: Booking.ID,
        and others: [Cottage.ID] = [],
        for stay: Stay? = nil,
        givingWayAt now: Date? = nil
    ) -> Query<Cottage.ID> {
        let wanted: SQL = """
            \(others)::uuid[]
                || ARRAY(SELECT cottage_id FROM allocation WHERE booking_id = \(booking) OR change_of = \(booking))
            """
        let days: SQL = "coalesce(\(stay)::daterange, (SELECT stay FROM booking WHERE id = \(booking)))"
        let due: SQL = now.map { cottagesOfDueHolds(in: wanted, days, now: $0) } ?? "SELECT NULL::uuid"
        return Query(
            """
            SELECT id FROM cottage WHERE id = ANY(\(wanted)) OR id IN (\(due)) ORDER BY id FOR NO KEY UPDATE
            """
        ) { try $0.decode("id") }
    }

    struct Conflict: Sendable {
        let cottage: Cottage.ID
        let booking: Booking.ID?
        /// A hold whose time is over but whose job has not come by yet, and that nobody is still paying.
        let isDue: Bool
    }

    static func conflicts(
        _ cottages: [Cottage.ID],
        _ stay: Stay,
        except own: Booking.ID? = nil,
        now: Date
    ) -> Query<Conflict> {
        Query(
            """
            SELECT cottage_id, booking_id, coalesce(hold_until <= \(now) AND (
                    hold_until <= \(now.addingTimeInterval(-Booking.graceForPayments)) OR NOT \(isBeingPaid)
                ), false) AS is_due
            FROM allocation LEFT JOIN booking ON booking.id = booking_id
            WHERE cottage_id = ANY(\(cottages)::uuid[]) AND is_live AND allocation.stay && \(stay)
                AND (\(own)::uuid IS NULL OR coalesce(booking_id, change_of, closure_id) <> \(own)::uuid)
            ORDER BY allocation.id
            """
        ) { row in
            Conflict(
                cottage: try row.decode("cottage_id"),
                booking: try row.decodeIfPresent("booking_id"),
                isDue: try row.decode("is_due")
            )
        }
    }

    private static let isBeingPaid: SQL = """
        EXISTS (
            SELECT FROM share JOIN attempt ON share_id = share.id
            WHERE share.booking_id = booking.id AND attempt.state IN ('created', 'requiresAction', 'processing')
        )
        """

    /// Whether somebody is paying through the provider at this moment.
    static func isBeingPaid(_ booking: Booking.ID) -> Query<Bool> {
        Query("SELECT \(isBeingPaid) AS is_paid FROM booking WHERE id = \(booking)") { try $0.decode("is_paid") }
    }

    /// Of a booking that is on hold.
    static func deadline(of booking: Booking.ID) -> Query<Date> {
        Query("SELECT hold_until FROM booking WHERE id = \(booking) AND state = 'held'") { try $0.decode("hold_until") }
    }

    /// Lets one guest place one booking at a time, so that what they hold is counted right.
    static func placeAlone(_ guest: Guest.ID) -> Query<Bool> {
        Query(
            "SELECT pg_advisory_xact_lock(hashtextextended('place ' || \(guest)::text, 0)) IS NULL AS is_alone"
        ) { try $0.decode("is_alone") }
    }

    /// Counts the bookings with which a guest blocks cottages without having paid: holds, and stays ahead that are firm
    /// without a deposit.
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

    static func insertAllocations(_ booking: Booking, ids: [UUID]) -> Command {
        Command(
            """
            INSERT INTO allocation (id, cottage_id, stay, booking_id, is_chosen)
            SELECT id, cottage_id, \(booking.stay), \(booking.id), is_chosen
            FROM unnest(\(ids)::uuid[], \(booking.cottages.map(\.id))::uuid[],
                \(booking.cottages.map(\.isChosen))::boolean[]) AS chosen (id, cottage_id, is_chosen)
            ORDER BY cottage_id
            """
        )
    }

    // MARK: A change

    /// The types of some of a park's cottages, and whether they are let.
    static func types(
        of cottages: [Cottage.ID],
        in park: Park.ID
    ) -> Query<(id: Cottage.ID, type: CottageType.ID, isOpen: Bool, isInOrder: Bool)> {
        Query(
            """
            SELECT id, type_id, is_open, readiness <> 'outOfOrder' AS is_in_order FROM cottage
            WHERE park_id = \(park) AND id = ANY(\(cottages)::uuid[]) ORDER BY id
            """
        ) { row in
            (
                try row.decode("id"), try row.decode("type_id"), try row.decode("is_open"),
                try row.decode("is_in_order")
            )
        }
    }

    /// Gives away what the plan leaves, moves what stays and takes what comes.
    static func reallocate(_ booking: Booking.ID, to plan: BookingPlan, ids: [UUID]) -> [Command] {
        let kept = plan.cottages.map(\.id)
        let planned: SQL = """
            (
                SELECT id, cottage_id, is_chosen, nullif(priced_as, '')::uuid AS priced_as,
                    nullif(priced_from, '')::date AS priced_from, daterange(since, \(plan.stay.departure)) AS nights
                FROM unnest(\(ids)::uuid[], \(kept)::uuid[], \(plan.cottages.map(\.isChosen))::boolean[],
                    \(plan.cottages.map { $0.pricedAs?.description ?? "" })::text[],
                    \(plan.cottages.map { $0.pricedFrom?.description ?? "" })::text[],
                    \(plan.cottages.map { $0.since ?? plan.stay.arrival })::date[])
                    AS given (id, cottage_id, is_chosen, priced_as, priced_from, since)
            ) AS planned
            """
        return [
            Command("DELETE FROM allocation WHERE booking_id = \(booking) AND NOT cottage_id = ANY(\(kept)::uuid[])"),
            Command(
                """
                UPDATE allocation
                SET stay = nights, is_chosen = planned.is_chosen, priced_as = planned.priced_as,
                    priced_from = planned.priced_from
                FROM \(planned) WHERE booking_id = \(booking) AND allocation.cottage_id = planned.cottage_id
                """
            ),
            Command(
                """
                INSERT INTO allocation (id, cottage_id, stay, booking_id, is_chosen, priced_as, priced_from)
                SELECT id, cottage_id, nights, \(booking)::uuid, is_chosen, priced_as, priced_from
                FROM \(planned)
                WHERE NOT EXISTS (
                    SELECT FROM allocation WHERE booking_id = \(booking) AND allocation.cottage_id = planned.cottage_id
                )
                ORDER BY cottage_id
                """
            ),
        ]
    }

    /// Moves a replaced cottage's households and extras to the new cottage.
    ///
    /// Extras of a cottage that nothing replaces become extras of the whole booking.
    ///
    /// - Parameters:
    ///   - from: the cottage that was left, where another comes instead.
    ///   - to: the one that comes instead.
    static func rehouse(_ booking: Booking.ID, from: Cottage.ID?, to: Cottage.ID?) -> [Command] {
        let isGone: SQL = """
            NOT EXISTS (SELECT FROM allocation WHERE booking_id = \(booking) AND allocation.cottage_id = mine.cottage_id)
            """
        return [
            Command(
                """
                UPDATE extra_order AS mine SET cottage_id = CASE WHEN cottage_id = \(from)::uuid THEN \(to)::uuid END
                WHERE booking_id = \(booking) AND cottage_id IS NOT NULL AND \(isGone)
                """
            ),
            Command(
                """
                UPDATE cottage_household AS mine SET cottage_id = \(to)::uuid
                WHERE booking_id = \(booking) AND cottage_id = \(from)::uuid AND \(to)::uuid IS NOT NULL AND \(isGone)
                """
            ),
            Command("DELETE FROM cottage_household AS mine WHERE booking_id = \(booking) AND \(isGone)"),
        ]
    }

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

    static func insert(_ quote: Quote) throws -> Command {
        Command(
            """
            INSERT INTO quote (id, booking_id, booking_version, plan, difference, expires_at)
            VALUES (\(quote.id), \(quote.bookingId), \(quote.bookingVersion), \(try JSONText(encoding: quote.plan)),
                \(quote.difference.amount), \(quote.expiresAt))
            """
        )
    }

    struct QuoteRow: Sendable {
        let plan: BookingPlan
        let bookingVersion: Int
        let difference: Int64
    }

    /// A quote that may still be used.
    static func quote(_ id: Quote.ID, of booking: Booking.ID, now: Date) -> Query<QuoteRow> {
        Query(
            """
            SELECT plan, booking_version, difference FROM quote
            WHERE id = \(id) AND booking_id = \(booking) AND used_at IS NULL AND expires_at > \(now)
            """
        ) { row in
            QuoteRow(
                plan: try row.decodeJSON("plan"),
                bookingVersion: try row.decode("booking_version"),
                difference: try row.decode("difference")
            )
        }
    }

    // MARK: A change that is held

    struct HeldChange: Sendable {
        let quoteId: Quote.ID
        let holdUntil: Date
        let deposit: Int64
        let plan: BookingPlan
        let difference: Int64
    }

    static func heldChange(of booking: Booking.ID) -> Query<HeldChange> {
        Query(
            """
            SELECT quote_id, hold_until, deposit, plan, difference
            FROM held_change JOIN quote ON quote.id = quote_id WHERE held_change.booking_id = \(booking)
            """
        ) { row in
            HeldChange(
                quoteId: try row.decode("quote_id"),
                holdUntil: try row.decode("hold_until"),
                deposit: try row.decode("deposit"),
                plan: try row.decodeJSON("plan"),
                difference: try row.decode("difference")
            )
        }
    }

    /// Holds what a plan takes beside what the booking has: whole cottages, and nights before and after its own.
    ///
    /// - Parameter nights: those of the plan that are still ahead.
    static func hold(
        _ quote: Quote.ID,
        _ plan: BookingPlan,
        on nights: Stay,
        of booking: Booking.ID,
        until deadline: Date,
        deposit: Int64
    ) -> [Command] {
        [
            Command(
                """
                INSERT INTO held_change (booking_id, quote_id, hold_until, deposit)
                VALUES (\(booking), \(quote), \(deadline), \(deposit))
                """
            ),
            Command(
                """
                INSERT INTO allocation (id, cottage_id, stay, change_of)
                SELECT gen_random_uuid(), planned.cottage_id, part, \(booking)
                FROM unnest(\(plan.cottages.map(\.id))::uuid[]) AS planned (cottage_id)
                    LEFT JOIN allocation AS own ON own.booking_id = \(booking) AND own.cottage_id = planned.cottage_id,
                    unnest(datemultirange(\(nights)) - coalesce(datemultirange(own.stay), datemultirange())) AS part
                ORDER BY planned.cottage_id
                """
            ),
        ]
    }

    /// Gives up what a change has held.
    static func endHeldChange(of booking: Booking.ID) -> Command {
        Command("DELETE FROM held_change WHERE booking_id = \(booking)")
    }

    /// Keeps what there was before and who has made the change, so that it can be undone.
    static func use(_ quote: Quote.ID, of booking: Booking, at now: Date) throws -> Command {
        Command(
            """
            UPDATE quote SET used_at = \(now), before = \(try JSONText(encoding: booking.plan)),
                least_fee_percent = \(booking.leastFeePercent), made_by = current_setting('app.principal', true)
            WHERE id = \(quote)
            """
        )
    }

    struct MadeChange: Sendable {
        let quoteId: Quote.ID
        let before: BookingPlan
        /// The plan after the change.
        let plan: BookingPlan
        let leastFeePercent: Int
        let madeAt: Date
        let isByStaff: Bool
    }

    /// The last change of a booking that nobody has undone.
    static func lastChange(of booking: Booking.ID) -> Query<MadeChange> {
        Query(
            """
            SELECT id, before, plan, least_fee_percent, used_at, coalesce(made_by LIKE 'staff:%', false) AS is_by_staff
            FROM quote
            WHERE booking_id = \(booking) AND used_at IS NOT NULL AND before IS NOT NULL AND undone_at IS NULL
            ORDER BY used_at DESC, id DESC LIMIT 1
            """
        ) { row in
            MadeChange(
                quoteId: try row.decode("id"),
                before: try row.decodeJSON("before"),
                plan: try row.decodeJSON("plan"),
                leastFeePercent: try row.decode("least_fee_percent"),
                madeAt: try row.decode("used_at"),
                isByStaff: try row.decode("is_by_staff")
            )
        }
    }

    static func undo(_ quote: Quote.ID, at now: Date) -> Command {
        Command("UPDATE quote SET undone_at = \(now) WHERE id = \(quote)")
    }

    /// Quotes are told apart from the booking's history, which its lines are, so old ones can go.
    static func deleteOldQuotes(now: Date) -> Command {
        let then = now.addingTimeInterval(-30 * 86400)
        return .forget("quote", where: "expires_at <= \(then) AND id NOT IN (SELECT quote_id FROM held_change)")
    }

    static func insertTravellers(_ booking: Booking) -> Command {
        Command(
            """
            INSERT INTO booking_traveller (booking_id, traveller_id)
            SELECT \(booking.id)::uuid, traveller_id FROM unnest(\(booking.travellerIds)::uuid[]) AS traveller_id
            """
        )
    }

    static func insert(_ line: ChargeLine, id: ChargeLine.ID, booking: Booking.ID, at now: Date) -> Command {
        Command(
            """
            INSERT INTO charge_line (id, booking_id, \(lineColumns), amount, at)
            VALUES (\(id), \(booking), \(line.kind.rawValue), \(line.cottageId), \(line.travellerId),
                \(line.householdId), \(line.extraOrderId), \(line.quantity), \(line.unitAmount), \(line.amount), \(now))
            """
        )
    }

    // MARK: Changing

    /// What was agreed when it was placed, and the park's zone.
    static func policy(
        of booking: Booking.ID
    ) -> Query<(rules: HouseRules, fees: [String: Int64], timeZone: String)> {
        Query(
            "SELECT policy, fees, time_zone FROM booking JOIN park ON park.id = park_id WHERE booking.id = \(booking)"
        ) { (try $0.decodeJSON("policy"), try $0.decodeJSON("fees"), try $0.decode("time_zone")) }
    }

    /// The time zone of the booking's park.
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

    /// Frees the cottages.
    static func release(_ booking: Booking.ID) -> Command {
        Command("UPDATE allocation SET is_live = false WHERE booking_id = \(booking) AND is_live")
    }

    /// Takes them again.
    static func occupy(_ booking: Booking.ID) -> Command {
        Command("UPDATE allocation SET is_live = true WHERE booking_id = \(booking) AND NOT is_live")
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

    /// The reductions of cottages' prices that were taken back at an instant.
    static func reductions(of booking: Booking.ID, takenBackAt at: Date) -> Query<ChargeLine> {
        Query(
            """
            SELECT \(lineColumns) FROM charge_line AS line
            WHERE booking_id = \(booking) AND kind = 'goodwill' AND cottage_id IS NOT NULL AND reverses_id IS NULL AND id IN (
                SELECT reverses_id FROM charge_line WHERE booking_id = \(booking) AND at = \(at)
            )
            ORDER BY id
            """,
            decoding: line
        )
    }

    /// Takes back the reductions of cottages' prices that were made at an instant.
    static func reverseReductions(madeAt at: Date, of booking: Booking.ID, at now: Date) -> Command {
        reverse("kind = 'goodwill' AND cottage_id IS NOT NULL AND at = \(at)", of: booking, at: now)
    }

    /// The travellers of households that have left before the others, or did not come: their tourist tax stays as it is.
    static func departed(of booking: Booking.ID) -> Query<Traveller.ID> {
        Query(
            """
            SELECT traveller_id FROM household_stay JOIN traveller USING (household_id)
                JOIN booking_traveller ON traveller_id = traveller.id AND booking_traveller.booking_id = household_stay.booking_id
            WHERE household_stay.booking_id = \(booking) AND state IN ('checkedOut', 'noShow')
            """
        ) { try $0.decode("traveller_id") }
    }

    /// Takes back the fee that a change has cost.
    static func reverseFee(ofChangeAt at: Date, of booking: Booking.ID, at now: Date) -> Command {
        reverse("kind = 'cancellation' AND at = \(at)", of: booking, at: now)
    }

    /// What a hold cost before it ran out, without its extras.
    static func expiredLines(of booking: Booking.ID) -> Query<ChargeLine> {
        Query(
            """
            SELECT \(lineColumns) FROM charge_line AS line
            WHERE booking_id = \(booking) AND kind <> 'extra' AND reverses_id IS NULL AND id IN (
                SELECT reverses_id FROM charge_line WHERE booking_id = \(booking) AND at = (
                    SELECT max(at) FROM charge_line WHERE booking_id = \(booking) AND reverses_id IS NOT NULL
                )
            )
            ORDER BY id
            """,
            decoding: line
        )
    }

    /// Forgets its cottages, before it gets others.
    static func vacate(_ booking: Booking.ID) -> Command {
        Command("DELETE FROM allocation WHERE booking_id = \(booking)")
    }

    /// Takes back every line that has not been taken back, but for what was owed for a part given up before.
    ///
    /// - Parameter andFees: that too.
    static func reverseLines(of booking: Booking.ID, andFees: Bool = false, at now: Date) -> Command {
        reverse(andFees ? "true" : "kind <> 'cancellation'", of: booking, at: now)
    }

    static func reverseLines(_ lines: [ChargeLine.ID], of booking: Booking.ID, at now: Date) -> Command {
        reverse("line.id = ANY(\(lines)::uuid[])", of: booking, at: now)
    }

    /// What is owed to the municipality for nights that nobody slept here.
    static func reverseTouristTax(of booking: Booking.ID, at now: Date) -> Command {
        reverse("kind = 'touristTax'", of: booking, at: now)
    }

    /// What an extra cost.
    static func reverseLines(ofOrders orders: [ExtraOrder.ID], of booking: Booking.ID, at now: Date) -> Command {
        reverse("extra_order_id = ANY(\(orders)::uuid[])", of: booking, at: now)
    }

    private static func reverse(_ condition: SQL, of booking: Booking.ID, at now: Date) -> Command {
        Command(
            """
            INSERT INTO charge_line (id, booking_id, kind, cottage_id, traveller_id, household_id, extra_order_id,
                quantity, unit_amount, amount, reverses_id, at)
            SELECT gen_random_uuid(), booking_id, kind, cottage_id, traveller_id, household_id, extra_order_id, quantity,
                -unit_amount, -amount, id, \(now)
            FROM charge_line AS line
            WHERE booking_id = \(booking) AND reverses_id IS NULL AND \(condition)
                AND NOT EXISTS (SELECT FROM charge_line WHERE reverses_id = line.id)
            """
        )
    }

    /// The members of a household that are written to about a booking's money; all members where none is said.
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

    /// Who is written to about a booking; none for a group without organiser, or one without mail.
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
        /// Everybody of the household.
        let people: [Traveller.ID]
    }

    /// No row for staff, or for guests outside the group.
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

    /// The guest's role in the booking's group; none for everybody else.
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

extension Booking {
    /// Puts the four answers together, in the order of `rows`.
    static func assemble(
        _ rows: [BookingSQL.BookingRow],
        _ cottages: [(booking: Booking.ID, cottage: BookedCottage)],
        _ travellers: [(booking: Booking.ID, traveller: Traveller.ID)],
        _ lines: [(booking: Booking.ID, line: ChargeLine)],
        _ extras: [ExtraOrder]
    ) -> [Booking] {
        let cottages = Dictionary(grouping: cottages, by: \.booking)
        let travellers = Dictionary(grouping: travellers, by: \.booking)
        let lines = Dictionary(grouping: lines, by: \.booking)
        let extras = Dictionary(grouping: extras, by: \.bookingId)
        return rows.map { row in
            Booking(
                id: row.id,
                number: row.number,
                parkId: row.parkId,
                groupId: row.groupId,
                stay: row.stay,
                state: row.state,
                holdUntil: row.holdUntil,
                isExtended: row.isExtended,
                adults: row.adults,
                children: row.children,
                babies: row.babies,
                pets: row.pets,
                cottages: cottages[row.id]?.map(\.cottage) ?? [],
                travellerIds: travellers[row.id]?.map(\.traveller) ?? [],
                charges: lines[row.id]?.map(\.line) ?? [],
                extras: extras[row.id] ?? [],
                currency: row.currency,
                deposit: row.deposit,
                paid: row.paid,
                placedAt: row.placedAt,
                arrivalTime: row.arrivalTime,
                households: row.households,
                checkedInAt: row.checkedInAt,
                checkedOutAt: row.checkedOutAt,
                leastFeePercent: row.leastFeePercent,
                version: row.version
            )
        }
    }

    /// One booking the principal may see, or nil.
    static func find(_ id: Booking.ID, _ look: Look) async throws -> Booking? {
        let its: SQL = "booking.id = \(id)"
        let (rows, cottages, travellers, lines, extras, viewers) = try await look.reader.all(
            BookingSQL.rows(where: "\(its) AND \(BookingSQL.isVisible(to: look.principal))"),
            BookingSQL.cottages(where: its),
            BookingSQL.travellers(where: its),
            BookingSQL.lines(where: its),
            ExtraSQL.orders(where: its),
            BookingSQL.viewer(of: id, look.principal.guestID)
        )
        return assemble(rows, cottages, travellers, lines, extras).first?.seen(by: viewers.first)
    }

    /// The booking as the principal may see it: members see common lines and their household's, the organiser and staff all.
    func shown(_ act: Act) async throws -> Booking {
        guard hasOwnLines, act.principal.guestID != nil else { return self }
        return seen(by: try await act.tx.first(BookingSQL.viewer(of: id, act.principal.guestID)))
    }

    private func seen(by viewer: BookingSQL.Viewer?) -> Booking {
        guard let viewer, !viewer.isOrganiser else { return self }
        return seen(by: viewer.household, Set(viewer.people))
    }

    /// One booking the principal may change, locked: first its cottages and `others` in id order, then itself.
    ///
    /// - Parameters:
    ///   - stay: what the others are wanted for.
    ///   - now: the time by which a hold must be over to give way, so that its cottages are locked in the same order; nil
    ///     where no hold gives way.
    ///   - orWhoPlacedIt: whether the member who placed a hold may do so too.
    ///
    /// Throws `notFound` for a booking that is none of the principal's, `forbidden` for a member where the
    /// organiser is asked for.
    static func locked(
        _ id: Booking.ID,
        and others: [Cottage.ID] = [],
        for stay: Stay? = nil,
        giveWayAt now: Date? = nil,
        by role: Traveller.Role = .organiser,
        orWhoPlacedIt: Bool = false,
        _ act: Act
    ) async throws -> Booking {
        _ = try await act.tx.all(BookingSQL.lockCottages(of: id, and: others, for: stay, givingWayAt: now))
        return try await found(id, by: role, orWhoPlacedIt: orWhoPlacedIt, isLocked: true, act)
    }

    /// One booking the principal may change, unlocked, to see what a change would mean.
    static func found(
        _ id: Booking.ID,
        by role: Traveller.Role = .organiser,
        orWhoPlacedIt: Bool = false,
        isLocked: Bool = false,
        _ act: Act
    ) async throws -> Booking {
        let its: SQL = "booking.id = \(id)"
        let (rows, cottages, travellers, lines, extras, roles) = try await act.tx.all(
            BookingSQL.rows(where: "\(its) AND \(BookingSQL.isVisible(to: act.principal))", locked: isLocked),
            BookingSQL.cottages(where: its),
            BookingSQL.travellers(where: its),
            BookingSQL.lines(where: its),
            ExtraSQL.orders(where: its),
            BookingSQL.role(of: act.principal.guestID, in: id, isPlacerOrganiser: orWhoPlacedIt)
        )
        guard let booking = assemble(rows, cottages, travellers, lines, extras).first else { throw Refusal.notFound }
        guard act.principal.guestID == nil || role == .member || roles == [.organiser] else { throw Refusal.forbidden }
        return booking
    }

    func publish(in tx: Transaction) {
        if let groupId { tx.publish(id, .booking, to: .group(groupId)) }
        tx.tell(parkId, of: .booking, id)
    }
}
