import Foundation
import GuestModels
import Postgres

enum MandateSQL {
    /// The rest of a mandate; its row is locked until the end of the transaction.
    static func left(_ park: Park.ID, _ subject: String, _ day: LocalDate, allowed: Int64) -> Query<Int64> {
        Query(
            """
            INSERT INTO mandate AS present (park_id, subject, day, allowed)
            VALUES (\(park), \(subject), \(day), \(allowed))
            ON CONFLICT (park_id, subject, day) DO UPDATE SET allowed = greatest(EXCLUDED.allowed, present.spent)
            RETURNING allowed - spent AS remaining
            """
        ) { try $0.decode("remaining") }
    }

    static func spend(_ amount: Int64, _ park: Park.ID, _ subject: String, _ day: LocalDate) -> Command {
        Command(
            """
            UPDATE mandate SET spent = spent + \(amount)
            WHERE park_id = \(park) AND subject = \(subject) AND day = \(day)
            """
        )
    }

    static func insert(
        _ id: UUID,
        _ gift: Mandate.Gift,
        _ amount: Int64,
        on booking: Booking.ID,
        for reason: String,
        day: LocalDate,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO goodwill (id, booking_id, kind, amount, reason, state, is_above_limit, day, at)
            VALUES (\(id), \(booking), \(gift.rawValue), \(amount), \(reason), 'given', false, \(day), \(now))
            """
        )
    }
}
