import Foundation
import GuestModels
import Postgres

/// Refunds to payers through the provider.
enum RefundSQL {
    struct RefundRow: Sendable {
        var refund: Refund
        let sentAt: Date?
        let reference: String?
        /// The attempt's intent at the provider, and the seller's account at which the attempt was made.
        let intent: String
        let account: String?
        let bookingID: Booking.ID
        let parkID: Park.ID
        let number: String
    }

    private static func refunds(_ condition: SQL, locked: Bool = false) -> Query<RefundRow> {
        let lock: SQL = locked ? "FOR UPDATE OF refund" : ""
        return Query(
            """
            SELECT refund.id, attempt_id, share_id, refund.amount, attempt.currency, refund.state, refund.created_at,
                refund.sent_at, refund.reference, attempt.reference AS intent, attempt.account, booking_id, park_id,
                number
            FROM refund JOIN attempt ON attempt.id = attempt_id JOIN share ON share.id = share_id
                JOIN booking ON booking.id = booking_id
            WHERE \(condition) ORDER BY refund.id \(lock)
            """
        ) { row in
            RefundRow(
                refund: Refund(
                    id: try row.decode("id"),
                    attemptId: try row.decode("attempt_id"),
                    shareId: try row.decode("share_id"),
                    amount: Money(try row.decode("amount"), try row.decode("currency")),
                    state: try row.word("state"),
                    createdAt: try row.decode("created_at")
                ),
                sentAt: try row.decodeIfPresent("sent_at"),
                reference: try row.decodeIfPresent("reference"),
                intent: try row.decode("intent"),
                account: try row.decodeIfPresent("account"),
                bookingID: try row.decode("booking_id"),
                parkID: try row.decode("park_id"),
                number: try row.decode("number")
            )
        }
    }

    static func refund(_ id: Refund.ID, locked: Bool = false) -> Query<RefundRow> {
        refunds("refund.id = \(id)", locked: locked)
    }

    static func refunds(of booking: Booking.ID) -> Query<RefundRow> { refunds("booking_id = \(booking)") }

    static func refunds(of attempt: Attempt.ID) -> Query<RefundRow> { refunds("attempt_id = \(attempt)") }

    /// The money of a booking's attempts that could still be given back.
    static func refundable(
        of booking: Booking.ID
    ) -> Query<(share: Share.ID, left: Refund.Source)> {
        Query(
            """
            SELECT share_id, attempt.id, attempt.amount - given_back - taken_back AS remaining,
                NOT EXISTS (
                    SELECT FROM traveller
                    WHERE guest_id = payer_id AND traveller.household_id = share.household_id AND left_at IS NULL
                ) AND payer_id IS NOT NULL AS is_from_outside
            FROM attempt JOIN share ON share.id = share_id
            WHERE booking_id = \(booking) AND state = 'succeeded' AND is_refundable
                AND given_back + taken_back < attempt.amount
            ORDER BY attempt.id
            """
        ) { row in
            (
                try row.decode("share_id"),
                .init(
                    attempt: try row.decode("id"),
                    amount: try row.decode("remaining"),
                    isFromOutside: try row.decode("is_from_outside")
                )
            )
        }
    }

    /// A refund that the provider made without us.
    static func insertForeign(_ refund: Refund, reference: String, at now: Date) -> [Command] {
        [
            Command(
                "UPDATE attempt SET given_back = given_back + \(refund.amount.amount) WHERE id = \(refund.attemptId)"
            ),
            Command(
                """
                INSERT INTO refund (id, attempt_id, amount, state, reference, is_foreign, sent_at, created_at, ended_at)
                VALUES (\(refund.id), \(refund.attemptId), \(refund.amount.amount), \(refund.state.rawValue), \(reference),
                    true, \(now), \(refund.createdAt), \(refund.state == .sent ? nil : now))
                """
            ),
        ]
    }

    /// The ids that the provider has given to an attempt's refunds.
    static func refundReferences(of attempt: Attempt.ID) -> Query<String> {
        Query("SELECT reference FROM refund WHERE attempt_id = \(attempt) AND reference IS NOT NULL") {
            try $0.decode("reference")
        }
    }

    /// Sets money aside for going back; the schema refuses more than has come in.
    static func reserve(_ refund: Refund, surplus: Int64) -> [Command] {
        [
            Command(
                "UPDATE attempt SET given_back = given_back + \(refund.amount.amount) WHERE id = \(refund.attemptId)"
            ),
            Command(
                """
                INSERT INTO refund (id, attempt_id, amount, surplus, created_at)
                VALUES (\(refund.id), \(refund.attemptId), \(refund.amount.amount), \(surplus), \(refund.createdAt))
                """
            ),
        ]
    }

    static func send(_ id: Refund.ID, at now: Date) -> Command {
        Command("UPDATE refund SET sent_at = \(now) WHERE id = \(id) AND sent_at IS NULL")
    }

    static func update(_ refund: Refund, reference: String?, at now: Date) -> Command {
        let isOver = refund.state == .succeeded || refund.state == .failed
        return Command(
            """
            UPDATE refund SET state = \(refund.state.rawValue), reference = coalesce(\(reference), reference),
                ended_at = \(isOver ? now : nil)
            WHERE id = \(refund.id)
            """
        )
    }

    /// Returns the money of a failed refund to its attempt; it is sent again only if `isRefundable` allows it.
    static func comeBack(_ refund: Refund, isRefundable: Bool) -> Command {
        Command(
            """
            UPDATE attempt SET given_back = given_back - \(refund.amount.amount), is_refundable = is_refundable AND \(isRefundable)
            WHERE id = \(refund.attemptId)
            """
        )
    }
}
