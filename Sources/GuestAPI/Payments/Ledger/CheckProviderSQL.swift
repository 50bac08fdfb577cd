import Foundation
import GuestModels
import Postgres

/// Differences between the provider's books and ours.
extension CheckSQL {
    /// Payments and refunds that are settled here and are missing in the provider's books.
    ///
    /// The check covers only the books that have been read. Payments settled after the last reading of their account
    /// began are left out.
    static func missing(atProvider bookings: [Booking.ID]) -> Query<Finding> {
        Query(
            """
            SELECT booking.id::text AS item, what, subject
            FROM booking JOIN share ON share.booking_id = booking.id JOIN attempt ON share_id = share.id
                JOIN provider_reading ON provider_reading.account = coalesce(attempt.account, '') CROSS JOIN LATERAL (
                    SELECT 'attempt that succeeded without a charge at the provider' AS what, attempt.id::text AS subject
                    WHERE attempt.state = 'succeeded' AND ended_at < read_at AND NOT EXISTS (
                        SELECT FROM provider_transaction AS their
                        WHERE kind IN ('charge', 'payment') AND their.source = charge
                            AND (their.amount = attempt.amount OR their.currency <> attempt.currency)
                    )
                    UNION ALL
                    SELECT 'refund that the provider does not have', refund.id::text FROM refund
                    WHERE attempt_id = attempt.id AND refund.reference IS NOT NULL
                        AND coalesce(refund.ended_at, refund.sent_at) < read_at AND NOT EXISTS (
                            SELECT FROM provider_transaction AS their
                            WHERE kind IN ('refund', 'payment_refund') AND their.source = refund.reference
                                AND (refund.amount = -their.amount OR their.currency <> attempt.currency)
                        )
                ) AS found
            WHERE booking.id = ANY(\(bookings)::uuid[])
            ORDER BY 1, 2, 3
            """,
            decoding: finding
        )
    }

    /// Movements in the provider's books that are missing here or differ from ours.
    ///
    /// - Parameter deadline: movements until then should be settled here; nil for all movements.
    static func contradictions(inMovements movements: [String], settledBy deadline: Date?) -> Query<Finding> {
        Query(
            """
            SELECT their.id AS item, what, subject FROM provider_transaction AS their CROSS JOIN LATERAL (
                SELECT their.at <= coalesce(\(deadline)::timestamptz, 'infinity') AS is_due,
                    EXISTS (
                        SELECT FROM journal WHERE key = 'exchange:' || their.id || ':' || their.currency
                    ) AS is_exchanged,
                    coalesce((
                        SELECT sum(entry.amount) FROM journal JOIN entry ON journal_id = journal.id
                        WHERE entry.account = 'provider' AND entry.currency = their.currency AND key IN (
                            'fee:' || their.id, 'payout:' || their.id, 'dispute:' || their.id, 'other:' || their.id,
                            'exchange:' || their.id || ':' || their.currency
                        )
                    ), 0) AS posted
            ) AS known CROSS JOIN LATERAL (
                SELECT 'charge at the provider that nothing here matches' AS what, their.id AS subject
                WHERE kind IN ('charge', 'payment') AND is_due AND NOT EXISTS (
                    SELECT FROM attempt
                    WHERE charge = their.source AND attempt.state = 'succeeded' AND (
                        attempt.amount = their.amount AND attempt.currency = their.currency
                        OR attempt.currency <> their.currency AND is_exchanged
                    )
                ) AND NOT EXISTS (
                    -- A debit that failed on its way is booked at once and taken back in the end.
                    SELECT FROM provider_transaction AS failed
                    WHERE failed.kind = 'payment_failure_refund' AND failed.source = their.source
                        AND failed.amount = -their.amount
                )
                UNION ALL
                SELECT 'charged twice', their.source
                WHERE kind IN ('charge', 'payment') AND EXISTS (
                    SELECT FROM provider_transaction AS other
                    WHERE other.source = their.source AND other.kind IN ('charge', 'payment') AND other.id < their.id
                )
                UNION ALL
                SELECT 'refund at the provider that nothing here matches', their.id
                WHERE kind IN ('refund', 'payment_refund') AND is_due AND NOT EXISTS (
                    SELECT FROM refund
                    WHERE refund.reference = their.source AND (refund.amount = -their.amount OR is_exchanged)
                )
                UNION ALL
                SELECT 'dispute at the provider that nothing here matches', attempt.id::text
                FROM attempt
                WHERE kind = 'adjustment' AND attempt.reference = their.intent AND (
                    SELECT max(at) <= coalesce(\(deadline)::timestamptz, 'infinity') AND -sum(coalesce(ours, amount)) <> taken_back
                    FROM provider_transaction AS every WHERE every.intent = their.intent AND every.kind = 'adjustment'
                )
                UNION ALL
                SELECT 'refund that failed at the provider alone', their.id
                WHERE kind = 'refund_failure' AND is_due AND NOT EXISTS (
                    SELECT FROM refund WHERE refund.reference = their.source AND refund.state = 'failed'
                )
                UNION ALL
                SELECT 'movement at the provider that the ledger tells otherwise', their.id
                WHERE posted <> CASE
                    WHEN is_exchanged THEN amount
                    WHEN kind IN (
                        'charge', 'payment', 'refund', 'payment_refund', 'refund_failure', 'payment_failure_refund'
                    ) THEN 0
                    ELSE amount END - fee
            ) AS found
            WHERE their.id = ANY(\(movements)::text[])
            ORDER BY 1, 2, 3
            """,
            decoding: finding
        )
    }
}
