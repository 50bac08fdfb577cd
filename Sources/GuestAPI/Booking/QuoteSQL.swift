import Foundation
import GuestModels
import Postgres
import SyncMessages

/// Quotes: changes that are priced, held or made.
enum QuoteSQL {
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

    /// Holds the cottages and nights that a plan takes beyond the booking's own.
    ///
    /// - Parameter nights: the nights of the plan that are still ahead.
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

    /// Gives up the held change of a booking, with its cottages and nights.
    static func endHeldChange(of booking: Booking.ID) -> Command {
        Command("DELETE FROM held_change WHERE booking_id = \(booking)")
    }

    /// Marks a quote as used; keeps the earlier plan and the principal, so that the change can be undone.
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

    /// Deletes old quotes; the charge lines keep the booking's history.
    static func deleteOldQuotes(now: Date) -> Command {
        let then = now.addingTimeInterval(-30 * 86400)
        return .forget("quote", where: "expires_at <= \(then) AND id NOT IN (SELECT quote_id FROM held_change)")
    }
}
