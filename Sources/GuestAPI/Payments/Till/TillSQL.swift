import Foundation
import GuestModels
import Postgres

/// Cash and cards at the desk.
enum TillSQL {
    /// Takes the shared lock of a park's till: payments run side by side, but never while a day is being closed.
    static func holdTill(of park: Park.ID) -> Query<Bool> {
        Query(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended('till ' || \(park)::text, 0)) IS NULL AS is_held"
        ) { try $0.decode("is_held") }
    }

    static func lockTill(of park: Park.ID) -> Query<Bool> {
        Query(
            "SELECT pg_advisory_xact_lock(hashtextextended('till ' || \(park)::text, 0)) IS NULL AS is_held"
        ) { try $0.decode("is_held") }
    }

    /// The sum of a share's till payments by one method, less reversals and refunds, in minor units.
    static func inTill(of share: Share.ID, _ method: TillPayment.Method) -> Query<Int64> {
        Query(
            """
            SELECT coalesce(sum(amount), 0)::bigint AS amount FROM till_payment
            WHERE share_id = \(share) AND method = \(method.rawValue)
            """
        ) { try $0.decode("amount") }
    }

    static func isClosed(_ park: Park.ID, _ day: LocalDate, _ method: TillPayment.Method) -> Query<Bool> {
        Query(
            """
            SELECT true AS is_closed FROM till_close
            WHERE park_id = \(park) AND day = \(day) AND method = \(method.rawValue)
            """
        ) { try $0.decode("is_closed") }
    }

    private static func tillPayment(_ row: Row) throws -> TillPayment {
        TillPayment(
            id: try row.decode("id"),
            shareId: try row.decode("share_id"),
            kind: try row.word("kind"),
            method: try row.word("method"),
            amount: Money(try row.decode("amount"), try row.decode("currency")),
            reference: try row.decodeIfPresent("reference"),
            day: try row.decode("day"),
            at: try row.decode("at"),
            reversesId: try row.decodeIfPresent("reverses_id")
        )
    }

    private static func tillPayments(_ condition: SQL) -> Query<TillPayment> {
        Query(
            """
            SELECT till_payment.id, share_id, kind, method, till_payment.amount, currency, reference, day, at, reverses_id
            FROM till_payment JOIN share ON share.id = share_id JOIN booking ON booking.id = booking_id
            WHERE \(condition) ORDER BY till_payment.id
            """,
            decoding: tillPayment
        )
    }

    static func tillPayment(_ id: TillPayment.ID) -> Query<TillPayment> {
        tillPayments("till_payment.id = \(id)")
    }

    static func tillPayments(of park: Park.ID, on day: LocalDate) -> Query<TillPayment> {
        tillPayments("till_payment.park_id = \(park) AND day = \(day)")
    }

    static func tillPayments(ofGuest guest: Guest.ID) -> Query<TillPayment> {
        tillPayments("share_id IN (\(ShareSQL.own(by: guest)))")
    }

    static func insert(_ payment: TillPayment, surplus: Int64, park: Park.ID) -> Command {
        Command(
            """
            INSERT INTO till_payment (id, park_id, share_id, kind, method, amount, reference, day, at, reverses_id,
                surplus)
            VALUES (\(payment.id), \(park), \(payment.shareId), \(payment.kind.rawValue), \(payment.method.rawValue),
                \(payment.amount.amount), \(payment.reference), \(payment.day), \(payment.at), \(payment.reversesId),
                \(surplus))
            """
        )
    }

    struct Close: Sendable {
        let method: TillPayment.Method
        let expected: Int64
        let counted: Int64
        let reason: String?
    }

    static func closes(of park: Park.ID, on day: LocalDate) -> Query<Close> {
        Query(
            "SELECT method, expected, counted, reason FROM till_close WHERE park_id = \(park) AND day = \(day)"
        ) { row in
            Close(
                method: try row.word("method"),
                expected: try row.decode("expected"),
                counted: try row.decode("counted"),
                reason: try row.decodeIfPresent("reason")
            )
        }
    }

    static func insert(_ close: Close, park: Park.ID, day: LocalDate, at now: Date) -> Command {
        Command(
            """
            INSERT INTO till_close (park_id, day, method, expected, counted, reason, at)
            VALUES (\(park), \(day), \(close.method.rawValue), \(close.expected), \(close.counted), \(close.reason),
                \(now))
            """
        )
    }
}
