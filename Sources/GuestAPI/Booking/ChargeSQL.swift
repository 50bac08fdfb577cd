import Foundation
import GuestModels
import Postgres
import SyncMessages

/// The charge lines of bookings.
enum ChargeSQL {
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

    /// The charge lines of a booking that have not been taken back.
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

    static func insert(_ line: ChargeLine, id: ChargeLine.ID, booking: Booking.ID, at now: Date) -> Command {
        Command(
            """
            INSERT INTO charge_line (id, booking_id, \(lineColumns), amount, at)
            VALUES (\(id), \(booking), \(line.kind.rawValue), \(line.cottageId), \(line.travellerId),
                \(line.householdId), \(line.extraOrderId), \(line.quantity), \(line.unitAmount), \(line.amount), \(now))
            """
        )
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

    /// Takes back the fee that a change has cost.
    static func reverseFee(ofChangeAt at: Date, of booking: Booking.ID, at now: Date) -> Command {
        reverse("kind = 'cancellation' AND at = \(at)", of: booking, at: now)
    }

    /// The price lines of a hold before it expired, without its extras.
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

    /// Takes back all charge lines of a booking, except the fees for parts that were given up earlier.
    ///
    /// - Parameter andFees: whether to take the fees back too.
    static func reverseLines(of booking: Booking.ID, andFees: Bool = false, at now: Date) -> Command {
        reverse(andFees ? "true" : "kind <> 'cancellation'", of: booking, at: now)
    }

    static func reverseLines(_ lines: [ChargeLine.ID], of booking: Booking.ID, at now: Date) -> Command {
        reverse("line.id = ANY(\(lines)::uuid[])", of: booking, at: now)
    }

    /// Takes back the tourist tax of a booking, because nobody has slept at the park.
    static func reverseTouristTax(of booking: Booking.ID, at now: Date) -> Command {
        reverse("kind = 'touristTax'", of: booking, at: now)
    }

    /// Takes back the charge lines of some orders of extras.
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
}
