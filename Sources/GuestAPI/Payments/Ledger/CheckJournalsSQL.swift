import Foundation
import GuestModels
import Postgres

/// Contradictions in journals, in parks and in earned revenue.
extension CheckSQL {
    /// Contradictions in journals that belong to no booking.
    static func contradictions(inJournals journals: [UUID]) -> Query<Finding> {
        Query(
            """
            SELECT journal.id::text AS item, what, journal.id::text AS subject FROM journal CROSS JOIN LATERAL (
                SELECT 'journal does not balance' AS what FROM entry WHERE journal_id = journal.id
                GROUP BY currency HAVING sum(amount) <> 0
                UNION ALL
                SELECT 'journal without entries' WHERE NOT EXISTS (SELECT FROM entry WHERE journal_id = journal.id)
                UNION ALL
                SELECT 'journal of a payment without its booking'
                WHERE split_part(key, ':', 1) IN ('till', 'pay', 'refund', 'refund-sent', 'refund-failed', 'taken', 'earned')
            ) AS found
            WHERE journal.id = ANY(\(journals)::uuid[])
            ORDER BY 1, 2
            """,
            decoding: finding
        )
    }

    /// Contradictions in a park's tills, mandates and invoices.
    static func contradictions(inParks parks: [Park.ID]) -> Query<Finding> {
        Query(
            """
            SELECT park.id::text AS item, what, subject FROM park CROSS JOIN LATERAL (
                SELECT 'mandate is not what was given under it' AS what, park.id || ' ' || subject || ' ' || day AS subject
                FROM mandate
                WHERE mandate.park_id = park.id AND spent <> CASE WHEN subject LIKE 'booking:%' THEN (
                    SELECT coalesce(sum(amount), 0) FROM goodwill
                    WHERE goodwill.booking_id = substr(subject, 9)::uuid AND goodwill.day IS NOT NULL
                ) ELSE (
                    SELECT coalesce(sum(goodwill.amount), 0)
                    FROM goodwill JOIN booking ON booking.id = goodwill.booking_id
                    WHERE booking.park_id = park.id AND asked_by = subject AND goodwill.day = mandate.day
                ) END
                UNION ALL
                SELECT 'till was not closed at what was taken', park.id || ' ' || day || ' ' || method FROM till_close
                WHERE till_close.park_id = park.id AND expected <> (
                    SELECT coalesce(sum(amount), 0) FROM till_payment
                    WHERE till_payment.park_id = park.id AND till_payment.day = till_close.day
                        AND till_payment.method = till_close.method
                )
                UNION ALL
                SELECT 'invoices of a year have a gap', park.id || ' ' || year FROM invoice_series
                WHERE invoice_series.park_id = park.id AND last <> (
                    SELECT count(*) FROM invoice WHERE invoice.park_id = park.id AND invoice.year = invoice_series.year
                )
            ) AS found
            WHERE park.id = ANY(\(parks)::uuid[])
            ORDER BY 1, 2, 3
            """,
            decoding: finding
        )
    }
}
