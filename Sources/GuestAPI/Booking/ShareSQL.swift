import Foundation
import GuestModels
import Postgres

enum ShareSQL {
    private static let columns: SQL = """
        share.id, share.booking_id, share.household_id, share.amount, coalesce(agreed, share.amount) AS agreed, asked,
        paid, surplus, refundable, due, share.version, covered_by,
        coalesce(kept, CASE kept_percent WHEN 0 THEN 0 ELSE greatest(share.amount, 0) END) AS kept, kept_meanwhile
        """

    private static func share(_ row: Row) throws -> Share {
        Share(
            id: try row.decode("id"),
            bookingId: try row.decode("booking_id"),
            householdId: try row.decode("household_id"),
            amount: try row.decode("amount"),
            agreed: try row.decode("agreed"),
            asked: try row.decodeIfPresent("asked"),
            paid: try row.decode("paid"),
            surplus: try row.decode("surplus"),
            refundable: try row.decode("refundable"),
            due: try row.decode("due"),
            version: try row.decode("version"),
            cover: try row.decodeIfPresent("covered_by", as: Household.ID.self).map {
                Share.Cover(by: $0, kept: try row.decode("kept"), keptMeanwhile: try row.decode("kept_meanwhile"))
            }
        )
    }

    static func shares(of booking: Booking.ID) -> Query<Share> {
        Query("SELECT \(columns) FROM share WHERE booking_id = \(booking) ORDER BY household_id", decoding: share)
    }

    static func shares(ofGuest guest: Guest.ID) -> Query<Share> {
        Query("SELECT \(columns) FROM share WHERE id IN (\(own(by: guest))) ORDER BY share.id", decoding: share)
    }

    /// The ids of the shares of a guest's households.
    static func own(by guest: Guest.ID) -> SQL {
        """
        SELECT share.id FROM share JOIN traveller USING (household_id) WHERE guest_id = \(guest) AND left_at IS NULL
        """
    }

    static func share(_ id: Share.ID) -> Query<Share> {
        Query("SELECT \(columns) FROM share WHERE id = \(id)", decoding: share)
    }

    /// The facts that a statement needs beside lines, people and shares.
    struct Terms: Sendable {
        let groupId: TravelGroup.ID
        let parkId: Park.ID
        let number: String
        let stay: Stay
        let state: Booking.State
        let deposit: Int64
        let leastFeePercent: Int
        let currency: String
        let rule: SplitRule
        /// The house rules at the time when the booking was placed.
        let rules: HouseRules
        let timeZone: String
        let placedAt: Date
        /// The backstop; nil if there is none and the group has no organiser.
        let backstop: Household.ID?
        /// True if the backstop is the organiser's present household; only then may guests make it owe more.
        let isBacked: Bool
        let depositDue: LocalDate?
        /// The money that must have come in before a held change is made.
        let heldDeposit: Int64?
        let heldUntil: Date?
        /// True if staff have made the booking firm without its deposit.
        let isWaived: Bool
        let organiser: Household.ID?
        /// The household of the guest who asks.
        let asker: Household.ID?
        /// True if the guest who asks is the organiser.
        let isOrganiser: Bool
    }

    static func terms(of booking: Booking.ID, for guest: Guest.ID?) -> Query<Terms> {
        Query(
            """
            SELECT booking.group_id, booking.park_id, number, stay, state, booking.deposit, least_fee_percent, booking.currency, split, policy,
                time_zone, placed_at, coalesce(backstop_id, organiser.household_id) AS backstop,
                backstop_id IS NULL OR backstop_id IS NOT DISTINCT FROM organiser.household_id AS is_backed,
                deposit_due, held_change.deposit AS held_deposit, held_change.hold_until AS held_until,
                confirmed_reason IS NOT NULL AS is_waived, organiser.household_id AS organiser,
                (SELECT household_id FROM traveller
                 WHERE group_id = booking.group_id AND guest_id = \(guest) AND left_at IS NULL) AS asker,
                coalesce(organiser.guest_id = \(guest), false) AS is_organiser
            FROM booking JOIN park ON park.id = park_id LEFT JOIN held_change ON held_change.booking_id = booking.id
                LEFT JOIN traveller AS organiser
                    ON organiser.group_id = booking.group_id AND role = 'organiser' AND left_at IS NULL
            WHERE booking.id = \(booking) AND booking.group_id IS NOT NULL
            """
        ) { row in
            Terms(
                groupId: try row.decode("group_id"),
                parkId: try row.decode("park_id"),
                number: try row.decode("number"),
                stay: try row.decode("stay"),
                state: try row.word("state"),
                deposit: try row.decode("deposit"),
                leastFeePercent: try row.decode("least_fee_percent"),
                currency: try row.decode("currency"),
                rule: try row.decodeIfPresent("split", as: JSONText.self) == nil
                    ? SplitRule(.equally) : row.decodeJSON("split"),
                rules: try row.decodeJSON("policy"),
                timeZone: try row.decode("time_zone"),
                placedAt: try row.decode("placed_at"),
                backstop: try row.decodeIfPresent("backstop"),
                isBacked: try row.decode("is_backed"),
                depositDue: try row.decodeIfPresent("deposit_due"),
                heldDeposit: try row.decodeIfPresent("held_deposit"),
                heldUntil: try row.decodeIfPresent("held_until"),
                isWaived: try row.decode("is_waived"),
                organiser: try row.decodeIfPresent("organiser"),
                asker: try row.decodeIfPresent("asker"),
                isOrganiser: try row.decode("is_organiser")
            )
        }
    }

    /// The extras that households have ordered for themselves.
    static func ownOrders(of booking: Booking.ID) -> Query<ExtraOrder.ID> {
        Query("SELECT id FROM extra_order WHERE booking_id = \(booking) AND is_own") { try $0.decode("id") }
    }

    /// The bookings of a group that are on hold, confirmed or checked in.
    static func live(of group: TravelGroup.ID) -> Query<Booking.ID> {
        Query(
            """
            SELECT id FROM booking WHERE group_id = \(group) AND state IN ('held', 'confirmed', 'checkedIn') ORDER BY id
            """
        ) { try $0.decode("id") }
    }

    /// The shares of those bookings of a group that have ended.
    static func past(of group: TravelGroup.ID) -> Query<(share: Share.ID, household: Household.ID)> {
        Query(
            """
            SELECT share.id, household_id FROM booking JOIN share ON booking_id = booking.id
            WHERE group_id = \(group) AND state NOT IN ('held', 'confirmed', 'checkedIn') ORDER BY share.id
            """
        ) { (try $0.decode("id"), try $0.decode("household_id")) }
    }

    /// Locks the cottages of a group's live bookings, in id order.
    static func lockCottages(ofGroup group: TravelGroup.ID) -> Query<Cottage.ID> {
        Query(
            """
            SELECT id FROM cottage WHERE id IN (
                SELECT cottage_id FROM allocation JOIN booking ON booking.id = booking_id
                WHERE group_id = \(group) AND state IN ('held', 'confirmed', 'checkedIn')
            ) ORDER BY id FOR NO KEY UPDATE
            """
        ) { try $0.decode("id") }
    }

    /// Locks a group's live bookings, in id order.
    static func lock(ofGroup group: TravelGroup.ID) -> Query<Booking.ID> {
        Query(
            """
            SELECT id FROM booking WHERE group_id = \(group) AND state IN ('held', 'confirmed', 'checkedIn')
            ORDER BY id FOR UPDATE
            """
        ) { try $0.decode("id") }
    }

    /// The agreement before a payment at the desk raised it.
    ///
    /// There is no row if the household has since agreed to something, or enlarged its own part.
    static func agreedBefore(payment: TillPayment.ID) -> Query<Int64> {
        Query(
            """
            SELECT earlier.agreed
            FROM till_payment JOIN agreement AS last USING (share_id)
                JOIN agreement AS earlier ON earlier.share_id = last.share_id AND earlier.number = last.number - 1
            WHERE till_payment.id = \(payment) AND last.how = 'paid' AND last.at = till_payment.at
                AND NOT EXISTS (
                    SELECT FROM agreement AS later WHERE later.share_id = last.share_id AND later.number > last.number
                        AND (later.how <> 'changed' OR later.agreed > last.agreed)
                )
            """
        ) { try $0.decode("agreed") }
    }

    /// Raises a booking's version, so that a client with the earlier version is refused.
    static func touch(_ booking: Booking.ID) -> Command {
        Command("UPDATE booking SET version = version + 1 WHERE id = \(booking)")
    }

    static func setBackstop(_ household: Household.ID, of booking: Booking.ID) -> Command {
        Command("UPDATE booking SET backstop_id = \(household) WHERE id = \(booking)")
    }

    static func setDepositDue(_ day: LocalDate?, of booking: Booking.ID) -> Command {
        Command("UPDATE booking SET deposit_due = \(day) WHERE id = \(booking)")
    }

    /// The next portion of all bookings that have a group, each booking with its shares.
    static func published(
        after cursor: Booking.ID?,
        limit: Int
    ) -> Query<(booking: Booking.ID, group: TravelGroup.ID, share: Share.ID?, household: Household.ID?)> {
        Query(
            """
            SELECT next.id, group_id, share.id AS share_id, household_id FROM (
                SELECT id, group_id FROM booking
                WHERE group_id IS NOT NULL AND (\(cursor)::uuid IS NULL OR id > \(cursor)::uuid) ORDER BY id LIMIT \(limit)
            ) AS next LEFT JOIN share ON booking_id = next.id
            ORDER BY next.id, share.id
            """
        ) { row in
            (
                try row.decode("id"), try row.decode("group_id"), try row.decodeIfPresent("share_id"),
                try row.decodeIfPresent("household_id")
            )
        }
    }

    /// The amounts that the households of a booking had agreed to before an instant.
    ///
    /// A household that has agreed anew since is left out.
    static func agreements(
        of booking: Booking.ID,
        before then: Date
    ) -> Query<(household: Household.ID, agreed: Int64)> {
        Query(
            """
            SELECT DISTINCT ON (share.id) household_id, agreement.agreed
            FROM share JOIN agreement ON share_id = share.id
            WHERE booking_id = \(booking) AND at < \(then) AND NOT EXISTS (
                SELECT FROM agreement AS later WHERE later.share_id = share.id AND later.at > \(then)
            )
            ORDER BY share.id, number DESC
            """
        ) { (try $0.decode("household_id"), try $0.decode("agreed")) }
    }

    static func homes(of booking: Booking.ID) -> Query<(cottage: Cottage.ID, household: Household.ID)> {
        Query(
            "SELECT cottage_id, household_id FROM cottage_household WHERE booking_id = \(booking)"
        ) { (try $0.decode("cottage_id"), try $0.decode("household_id")) }
    }

    static func names(of booking: Booking.ID) -> Query<(household: Household.ID, name: String)> {
        Query(
            """
            SELECT household.id, household.name FROM share JOIN household ON household.id = household_id
            WHERE booking_id = \(booking)
            """
        ) { (try $0.decode("id"), try $0.decode("name")) }
    }

    /// A share with the facts that decide how much of it a guest sees.
    struct Seen: Sendable {
        let share: Share
        let parkId: Park.ID
        let householdName: String
        let currency: String
        let timeZone: String
        let isOwn: Bool
        let isOrganiser: Bool
        /// The payment attempt that is under way; nil when nobody is paying.
        let attemptId: Attempt.ID?
    }

    static func seen(where condition: SQL, by guest: Guest.ID?) -> Query<Seen> {
        Query(
            """
            SELECT \(columns), park_id, household.name AS household_name, booking.currency, time_zone,
                coalesce(viewer.household_id = share.household_id, false) AS is_own,
                coalesce(viewer.role = 'organiser', false) AS is_organiser,
                (SELECT attempt.id FROM attempt
                 WHERE share_id = share.id AND state IN ('created', 'requiresAction', 'processing')) AS attempt_id
            FROM booking JOIN share ON share.booking_id = booking.id JOIN household ON household.id = share.household_id
                JOIN park ON park.id = park_id
                LEFT JOIN traveller AS viewer
                    ON viewer.group_id = booking.group_id AND viewer.guest_id = \(guest) AND viewer.left_at IS NULL
            WHERE \(condition) ORDER BY booking.id, share.household_id
            """
        ) { row in
            Seen(
                share: try share(row),
                parkId: try row.decode("park_id"),
                householdName: try row.decode("household_name"),
                currency: try row.decode("currency"),
                timeZone: try row.decode("time_zone"),
                isOwn: try row.decode("is_own"),
                isOrganiser: try row.decode("is_organiser"),
                attemptId: try row.decodeIfPresent("attempt_id")
            )
        }
    }

    static func setRule(_ rule: JSONText, of booking: Booking.ID) -> Command {
        Command("UPDATE booking SET split = \(rule) WHERE id = \(booking)")
    }

    /// Writes the shares of a statement: adds new households, updates the others, and deletes none.
    ///
    /// - Parameter how: the event by which a household has agreed to a different amount.
    static func upsert(_ shares: [Share], how: Agreement, at now: Date) -> Command {
        Command(
            """
            WITH written AS (
                INSERT INTO share (id, booking_id, household_id, amount, agreed, asked, paid, surplus, refundable,
                    due, covered_by, kept_percent, kept, kept_meanwhile)
                SELECT id, booking_id, household_id, amount, agreed, nullif(asked, '')::bigint, paid, surplus, refundable, due,
                    nullif(covered_by, '')::uuid, CASE kept WHEN '0' THEN 0 ELSE 100 END, nullif(kept, '')::bigint, kept_meanwhile
                FROM unnest(\(shares.map(\.id))::uuid[], \(shares.map(\.bookingId))::uuid[],
                    \(shares.map(\.householdId))::uuid[], \(shares.map(\.amount))::bigint[],
                    \(shares.map(\.agreed))::bigint[],
                    \(shares.map { $0.asked.map(String.init) ?? "" })::text[], \(shares.map(\.paid))::bigint[],
                    \(shares.map(\.surplus))::bigint[], \(shares.map(\.refundable))::bigint[],
                    \(shares.map(\.due))::date[],
                    \(shares.map { $0.cover?.by.description ?? "" })::text[],
                    \(shares.map { $0.cover.map { String($0.kept) } ?? "" })::text[],
                    \(shares.map { $0.cover?.keptMeanwhile ?? 0 })::bigint[])
                    AS settled (id, booking_id, household_id, amount, agreed, asked, paid, surplus, refundable, due,
                        covered_by, kept, kept_meanwhile)
                ON CONFLICT (booking_id, household_id) DO UPDATE
                SET amount = EXCLUDED.amount, agreed = EXCLUDED.agreed, asked = EXCLUDED.asked, paid = EXCLUDED.paid,
                    surplus = EXCLUDED.surplus, refundable = EXCLUDED.refundable, due = EXCLUDED.due, covered_by = EXCLUDED.covered_by,
                    kept_percent = EXCLUDED.kept_percent, kept = EXCLUDED.kept,
                    kept_meanwhile = EXCLUDED.kept_meanwhile, version = share.version + 1
                WHERE (share.amount, share.paid, share.surplus, share.refundable, share.due, share.kept_meanwhile)
                        <> (EXCLUDED.amount, EXCLUDED.paid, EXCLUDED.surplus, EXCLUDED.refundable, EXCLUDED.due,
                            EXCLUDED.kept_meanwhile)
                    OR (share.agreed, share.asked, share.covered_by, share.kept)
                        IS DISTINCT FROM (EXCLUDED.agreed, EXCLUDED.asked, EXCLUDED.covered_by, EXCLUDED.kept)
                RETURNING share.id, share.agreed
            )
            INSERT INTO agreement (share_id, number, agreed, how, at)
            SELECT written.id, coalesce(last.number, 0) + 1, written.agreed, \(how.rawValue), \(now)
            FROM written LEFT JOIN LATERAL (
                SELECT number, agreed FROM agreement WHERE share_id = written.id ORDER BY number DESC LIMIT 1
            ) AS last ON true
            WHERE written.agreed IS DISTINCT FROM last.agreed
            """
        )
    }
}

extension Publication.Kind {
    static let share = Publication.Kind("share", view: "shown_share")
    static let amount = Publication.Kind("amount", view: "shown_amount")
}
