import Foundation
import GuestModels
import Postgres

/// The ledger's invariants, each stated in SQL over the tables alone, so that the check shares nothing with the verbs that
/// write them.
///
/// Each query checks a few named rows (bookings, journals, movements, parks). So a long history is checked in portions.
enum CheckSQL {
    /// A contradiction, the row it was found at, and its subject.
    struct Finding: Hashable, Sendable {
        let item: String
        let what: String
        let subject: String
    }

    static func finding(_ row: Row) throws -> Finding {
        Finding(item: try row.decode("item"), what: try row.decode("what"), subject: try row.decode("subject"))
    }

    // MARK: Portions

    /// The next bookings in the order of their ids.
    ///
    /// - Parameter since: only bookings with a price or money that has changed since then; nil for all.
    static func bookings(after cursor: Booking.ID?, since: Date?, limit: Int) -> Query<Booking.ID> {
        let changed: SQL =
            since.map { since in
                """
                id IN (
                    SELECT booking_id FROM journal WHERE at >= \(since)
                    UNION SELECT booking_id FROM charge_line WHERE at >= \(since)
                )
                """
            } ?? "true"
        return Query(
            """
            SELECT id FROM booking WHERE (\(cursor)::uuid IS NULL OR id > \(cursor)::uuid) AND \(changed)
            ORDER BY id LIMIT \(limit)
            """
        ) { try $0.decode("id") }
    }

    /// The next journals that belong to no booking.
    static func journals(after cursor: UUID?, since: Date?, limit: Int) -> Query<UUID> {
        Query(
            """
            SELECT id FROM journal
            WHERE booking_id IS NULL AND (\(cursor)::uuid IS NULL OR id > \(cursor)::uuid)
                AND (\(since)::timestamptz IS NULL OR at >= \(since)::timestamptz)
            ORDER BY id LIMIT \(limit)
            """
        ) { try $0.decode("id") }
    }

    /// The next movements of the provider's books.
    static func movements(after cursor: String?, since: Date?, limit: Int) -> Query<String> {
        Query(
            """
            SELECT id FROM provider_transaction
            WHERE (\(cursor)::text IS NULL OR id > \(cursor)::text)
                AND (\(since)::timestamptz IS NULL OR at >= \(since)::timestamptz)
            ORDER BY id LIMIT \(limit)
            """
        ) { try $0.decode("id") }
    }

    /// The parks that a check reads next, in the order of their ids.
    static func parks(after cursor: Park.ID?, limit: Int) -> Query<Park.ID> {
        Query("SELECT id FROM park WHERE (\(cursor)::uuid IS NULL OR id > \(cursor)::uuid) ORDER BY id LIMIT \(limit)")
        {
            try $0.decode("id")
        }
    }

    // MARK: Bookings

    /// The contradictions in the money of some bookings; each SELECT is one invariant.
    static func contradictions(in bookings: [Booking.ID]) -> Query<Finding> {
        Query(
            """
            SELECT booking.id::text AS item, what, subject FROM booking CROSS JOIN LATERAL (
                SELECT 'journal does not balance' AS what, journal.id::text AS subject
                FROM journal JOIN entry ON journal_id = journal.id
                WHERE journal.booking_id = booking.id GROUP BY journal.id, currency HAVING sum(amount) <> 0
                UNION ALL
                SELECT 'journal without entries', journal.id::text FROM journal
                WHERE journal.booking_id = booking.id AND NOT EXISTS (SELECT FROM entry WHERE journal_id = journal.id)
                UNION ALL \(inShares)
                UNION ALL \(inGoodwill)
                UNION ALL \(inRefundable)
                UNION ALL \(inTill)
                UNION ALL \(inAttempts)
                UNION ALL \(inEarnings)
            ) AS found
            WHERE booking.id = ANY(\(bookings)::uuid[])
            ORDER BY 1, 2, 3
            """,
            decoding: finding
        )
    }

    private static let inShares: SQL = """
        SELECT 'share is not paid what the ledger says', share.id::text FROM share
        WHERE share.booking_id = booking.id
            AND paid <> -(SELECT coalesce(sum(amount), 0) FROM entry WHERE share_id = share.id AND account = 'prepaid')
        UNION ALL
        SELECT 'shares are not the price', booking.id::text
        WHERE (SELECT sum(amount) FROM share WHERE share.booking_id = booking.id) <> (
            SELECT coalesce(sum(amount), 0) FROM charge_line WHERE charge_line.booking_id = booking.id
        )
        UNION ALL
        SELECT 'share is below nothing', share.id::text FROM share WHERE share.booking_id = booking.id AND amount < 0
        UNION ALL
        SELECT 'share owes more than its household has agreed to', share.id::text
        FROM share
            JOIN LATERAL (
                SELECT coalesce(sum(line.amount), 0) AS amount
                FROM charge_line AS line LEFT JOIN extra_order ON extra_order.id = extra_order_id
                WHERE line.booking_id = booking.id AND line.household_id = share.household_id
                    AND (kind IN ('goodwill', 'cancellation') OR kind = 'extra' AND is_own)
            ) AS own ON true
        WHERE share.booking_id = booking.id AND agreed IS NOT NULL
            AND share.household_id <> backstop_id
            AND share.amount > greatest(agreed + own.amount, 0)
        UNION ALL
        SELECT 'share is asked no more than it owes', share.id::text FROM share
        WHERE share.booking_id = booking.id AND asked <= amount
        UNION ALL
        SELECT 'share has agreed to what no agreement says', share.id::text FROM share
        WHERE share.booking_id = booking.id
            AND agreed <> (SELECT agreed FROM agreement WHERE share_id = share.id ORDER BY number DESC LIMIT 1)
        UNION ALL
        SELECT 'booking of a group without shares', booking.id::text
        WHERE booking.group_id IS NOT NULL AND state IN ('held', 'confirmed', 'checkedIn')
            AND NOT EXISTS (SELECT FROM share WHERE share.booking_id = booking.id)
        UNION ALL
        SELECT CASE WHEN deposit_due IS NULL THEN 'firm stay without deposit, reason or date'
            ELSE 'deposit is due although it is covered' END, booking.id::text
        WHERE state IN ('confirmed', 'checkedIn') AND booking.source <> 'import'
            AND (confirmed_reason IS NULL OR deposit_due IS NOT NULL)
            AND (deposit_due IS NULL) = (
                least(booking.deposit, (
                    SELECT greatest(coalesce(sum(amount), 0), 0) FROM charge_line WHERE charge_line.booking_id = booking.id
                )) > (
                    SELECT coalesce(sum(paid - least(surplus, greatest(paid - amount, 0))), 0) FROM share
                    WHERE share.booking_id = booking.id
                )
            )
        UNION ALL
        SELECT 'nobody answers for a booking of a group', booking.id::text
        WHERE booking.group_id IS NOT NULL AND backstop_id IS NULL AND EXISTS (
            SELECT FROM traveller
            WHERE traveller.group_id = booking.group_id AND role = 'organiser' AND left_at IS NULL
        )
        """

    private static let inGoodwill: SQL = """
        SELECT CASE WHEN sum(amount) > 0 THEN 'more goodwill is taken back than was given'
            ELSE 'more goodwill is charged than was given' END, booking.id || ' ' || coalesce(line.household_id::text, 'all')
        FROM charge_line AS line WHERE line.booking_id = booking.id AND kind = 'goodwill' GROUP BY line.household_id
        HAVING sum(amount) > 0 OR -sum(amount) > (
            SELECT coalesce(sum(goodwill.amount), 0) FROM goodwill LEFT JOIN share ON share.id = share_id
            WHERE goodwill.state = 'given' AND CASE
                WHEN line.household_id IS NULL THEN goodwill.booking_id = booking.id AND goodwill.kind = 'price'
                ELSE share.booking_id = booking.id AND share.household_id = line.household_id END
        )
        UNION ALL
        SELECT 'gift that no mandate counts', goodwill.id::text FROM goodwill
        WHERE goodwill.booking_id = booking.id AND goodwill.state = 'given' AND approved_by IS NULL AND NOT EXISTS (
            SELECT FROM mandate
            WHERE mandate.park_id = booking.park_id AND subject = asked_by AND mandate.day = goodwill.day
        )
        """

    private static let inRefundable: SQL = """
        SELECT CASE WHEN returned > free THEN 'the park gives back what it may keep'
            ELSE 'something paid too much is held back without need' END, booking.id::text
        FROM (
            SELECT sum(refundable) - sum(twice) AS returned,
                least(greatest(sum(paid) - sum(twice) - min(keeps), 0), sum(above) - sum(twice)) AS free,
                bool_or(above > 0 OR refundable > 0) AS is_asked
            FROM (
                SELECT paid, refundable, greatest(paid - amount, 0) AS above,
                    least(surplus, greatest(paid - amount, 0)) AS twice
                FROM share WHERE share.booking_id = booking.id
            ) AS its, LATERAL (
                SELECT CASE WHEN state IN ('held', 'expired') THEN 0
                    WHEN state = 'cancelled' THEN greatest(coalesce(sum(amount), 0), 0)
                    WHEN state <> 'confirmed' THEN greatest(coalesce(sum(amount), 0), (
                        SELECT held_change.deposit FROM held_change WHERE held_change.booking_id = booking.id
                    ) + coalesce(sum(amount) FILTER (WHERE kind = 'cancellation'), 0), 0)
                    ELSE greatest(least(
                        booking.deposit + coalesce(sum(amount) FILTER (WHERE kind = 'cancellation'), 0),
                        coalesce(sum(amount), 0)
                    ), (SELECT held_change.deposit FROM held_change WHERE held_change.booking_id = booking.id)
                        + coalesce(sum(amount) FILTER (WHERE kind = 'cancellation'), 0), 0) END AS keeps
                FROM charge_line WHERE charge_line.booking_id = booking.id
            ) AS held
        ) AS back WHERE is_asked AND returned <> free
        UNION ALL
        SELECT 'a refund has taken from a cancelled booking what the park may keep', booking.id::text
        FROM (
            SELECT coalesce(sum(amount), 0) AS fee, max(at) AS at FROM charge_line
            WHERE charge_line.booking_id = booking.id
        ) AS ended, LATERAL (
            SELECT coalesce(sum(paid), 0) AS paid FROM share WHERE share.booking_id = booking.id
        ) AS stands, LATERAL (
            SELECT coalesce(sum(refund.amount - refund.surplus), 0) AS amount
            FROM share JOIN attempt ON share_id = share.id JOIN refund ON attempt_id = attempt.id
            WHERE share.booking_id = booking.id AND refund.state <> 'failed' AND NOT is_foreign
                AND refund.created_at >= ended.at
        ) AS sent, LATERAL (
            -- Money that others have moved without us is no refund of ours.
            SELECT coalesce(sum(taken_back), 0) + coalesce(sum((
                SELECT sum(refund.amount) FROM refund
                WHERE attempt_id = attempt.id AND is_foreign AND refund.state <> 'failed'
            )), 0) AS amount
            FROM share JOIN attempt ON share_id = share.id WHERE share.booking_id = booking.id
        ) AS moved, LATERAL (
            SELECT coalesce(sum(-till_payment.amount - till_payment.surplus) FILTER (WHERE kind = 'refund'), 0) AS handed,
                coalesce(sum(-till_payment.amount) FILTER (WHERE kind = 'reversal'), 0) AS reversed
            FROM share JOIN till_payment ON share_id = share.id
            WHERE share.booking_id = booking.id AND till_payment.at >= ended.at
        ) AS till
        WHERE state = 'cancelled' AND sent.amount + handed > 0 AND paid + reversed + moved.amount < fee
        """

    /// The id that follows the kind in a journal's key; NULL for a key without an id.
    private static let keyed: SQL =
        "CASE WHEN split_part(key, ':', 2) ~ '^[0-9a-f-]{36}$' THEN split_part(key, ':', 2)::uuid END"

    private static let inTill: SQL = """
        SELECT 'payment at the till without its journal', till_payment.id::text
        FROM share JOIN till_payment ON share_id = share.id
        WHERE share.booking_id = booking.id AND NOT EXISTS (
            SELECT FROM journal JOIN entry ON journal_id = journal.id
            WHERE key = 'till:' || till_payment.id AND account = method AND entry.amount = till_payment.amount
        )
        UNION ALL
        SELECT 'journal without its payment at the till', journal.id::text FROM journal
        WHERE journal.booking_id = booking.id AND key LIKE 'till:%'
            AND NOT EXISTS (SELECT FROM till_payment WHERE till_payment.id = \(keyed))
        """

    private static let inAttempts: SQL = """
        SELECT 'attempt that succeeded without its journal', attempt.id::text
        FROM share JOIN attempt ON share_id = share.id
        WHERE share.booking_id = booking.id AND attempt.state = 'succeeded' AND NOT EXISTS (
            SELECT FROM journal JOIN entry ON journal_id = journal.id
            WHERE key = 'pay:' || attempt.id AND account = 'provider' AND entry.amount = attempt.amount
        )
        UNION ALL
        SELECT 'journal of an attempt that did not succeed', journal.id::text FROM journal
        WHERE journal.booking_id = booking.id AND key LIKE 'pay:%'
            AND NOT EXISTS (SELECT FROM attempt WHERE attempt.id = \(keyed) AND attempt.state = 'succeeded')
        UNION ALL
        SELECT what, attempt.id::text FROM share JOIN attempt ON share_id = share.id CROSS JOIN LATERAL (
            SELECT 'attempt has not given back what its refunds say' AS what
            WHERE given_back <> (
                SELECT coalesce(sum(amount), 0) FROM refund WHERE attempt_id = attempt.id AND refund.state <> 'failed'
            )
            UNION ALL
            SELECT 'attempt has been taken back otherwise than the ledger says'
            WHERE taken_back <> (
                SELECT coalesce(sum(entry.amount), 0) FROM journal JOIN entry ON journal_id = journal.id
                WHERE key IN (SELECT 'taken:' || attempt.id || ':' || number FROM generate_series(1, reviews) AS number)
                    AND account = 'prepaid'
            )
            UNION ALL
            SELECT 'money that a bank has taken back is given back'
            WHERE taken_back > 0 AND given_back + taken_back > attempt.amount AND EXISTS (
                SELECT FROM refund WHERE attempt_id = attempt.id AND NOT is_foreign AND refund.state = 'reserved'
            )
        ) AS found WHERE share.booking_id = booking.id
        UNION ALL
        SELECT 'refund without its journals', refund.id::text
        FROM share JOIN attempt ON share_id = share.id JOIN refund ON attempt_id = attempt.id
        WHERE share.booking_id = booking.id AND (
            NOT EXISTS (SELECT FROM journal WHERE key = 'refund:' || refund.id)
            OR (refund.state IN ('sent', 'succeeded') AND NOT is_foreign) <> EXISTS (
                SELECT FROM journal WHERE key = 'refund-sent:' || refund.id
            ) AND refund.state <> 'failed'
            OR (refund.state = 'failed') <> EXISTS (SELECT FROM journal WHERE key = 'refund-failed:' || refund.id)
        )
        UNION ALL
        SELECT 'refunds on their way are not what the ledger says', share.id::text FROM share
        WHERE share.booking_id = booking.id
            AND (SELECT coalesce(sum(entry.amount), 0) FROM entry WHERE share_id = share.id AND account = 'refunds') <> -(
                SELECT coalesce(sum(refund.amount), 0) FROM refund JOIN attempt ON attempt.id = attempt_id
                WHERE share_id = share.id AND refund.state = 'reserved'
            )
        """

    private static let inEarnings: SQL = """
        SELECT CASE WHEN price = earned THEN 'tourist tax is not what was charged'
            ELSE 'stay is over and its price is not what was earned' END, booking.id::text
        FROM earned_day, LATERAL (
            SELECT coalesce(sum(amount), 0) AS price, coalesce(sum(amount) FILTER (WHERE kind = 'touristTax'), 0) AS tax,
                max(at) AS changed_at
            FROM charge_line WHERE charge_line.booking_id = booking.id
        ) AS charged, LATERAL (
            SELECT -coalesce(sum(amount) FILTER (WHERE account IN ('revenue', 'vat', 'touristTax')), 0) AS earned,
                -coalesce(sum(amount) FILTER (WHERE account = 'touristTax'), 0) AS told
            FROM journal JOIN entry ON journal_id = journal.id WHERE journal.booking_id = booking.id
        ) AS posted
        WHERE earned_day.park_id = booking.park_id AND booking.group_id IS NOT NULL
            AND state NOT IN ('held', 'expired') AND upper(stay) <= earned_day.day
            AND changed_at < earned_day.at - interval '1 day' AND (price, tax) <> (earned, told)
        UNION ALL
        SELECT 'VAT is not its part of what was earned', booking.id::text || ' ' || rate
        FROM journal JOIN entry ON journal_id = journal.id
        WHERE journal.booking_id = booking.id AND account IN ('revenue', 'vat') GROUP BY rate
        HAVING abs(coalesce(sum(amount) FILTER (WHERE account = 'vat'), 0) * (10000 + rate) - sum(amount) * rate)
            > 10000 + rate
        UNION ALL
        SELECT 'more of what was paid ahead is released than was earned', booking.id::text
        FROM (
            SELECT coalesce(sum(amount) FILTER (WHERE account = 'prepaid' AND share_id IS NULL), 0) AS released,
                -coalesce(sum(amount) FILTER (WHERE account IN ('revenue', 'vat', 'touristTax')), 0) AS earned
            FROM journal JOIN entry ON journal_id = journal.id WHERE journal.booking_id = booking.id
        ) AS settled
        WHERE released < 0 OR released > greatest(earned, 0)
        """

    // MARK: The provider's books

    /// Whether the ledger and the provider's books have the same sums, by account and currency.
    ///
    /// The sums are equal when no payment is under way and all books have been read.
    static let differenceOfSums = Query<Finding>(
        """
        SELECT account || ' ' || currency AS item,
            'the provider keeps another sum than the ledger says: ' || theirs || ' instead of ' || ours AS what,
            trim(account || ' ' || currency) AS subject
        FROM (
            SELECT coalesce(account, '') AS account, currency, sum(amount - fee) AS theirs
            FROM provider_transaction GROUP BY 1, 2
        ) AS provider FULL JOIN (
            SELECT coalesce(seller_account, '') AS account, currency, sum(amount) AS ours
            FROM entry JOIN journal ON journal.id = journal_id WHERE entry.account = 'provider' GROUP BY 1, 2
        ) AS ledger USING (account, currency)
        WHERE coalesce(theirs, 0) <> coalesce(ours, 0)
        ORDER BY 1
        """,
        decoding: finding
    )
}
