import Foundation
import GuestModels
import Postgres

enum PaymentSQL {
    // MARK: The ledger

    static func insert(_ journal: Journal, id: UUID, at now: Date) -> Command {
        Command(
            """
            WITH posted AS (
                INSERT INTO journal (id, key, park_id, booking_id, reason, day, at)
                VALUES (\(id), \(journal.key), \(journal.park), \(journal.booking), \(journal.reason), \(journal.day),
                    \(now))
                RETURNING id
            )
            INSERT INTO entry (journal_id, place, account, share_id, amount, currency, rate)
            SELECT posted.id, place, account, nullif(share_id, '')::uuid, amount, \(journal.currency),
                nullif(rate, '')::int
            FROM posted, unnest(\(journal.entries.map(\.account.rawValue))::text[],
                \(journal.entries.map { $0.share?.description ?? "" })::text[],
                \(journal.entries.map(\.amount))::bigint[],
                \(journal.entries.map { $0.rate.map(String.init) ?? "" })::text[])
                WITH ORDINALITY AS line (account, share_id, amount, rate, place)
            """
        )
    }

    struct EntryRow: Sendable {
        let journal: UUID
        let at: Date
        let day: LocalDate
        let reason: String
        let entry: ToldJournal.Entry
    }

    static func entries(of booking: Booking.ID) -> Query<EntryRow> {
        Query(
            """
            SELECT journal.id, at, day, reason, account, share_id, amount, currency
            FROM journal JOIN entry ON journal_id = journal.id
            WHERE booking_id = \(booking) ORDER BY journal.id, place
            """
        ) { row in
            EntryRow(
                journal: try row.decode("id"),
                at: try row.decode("at"),
                day: try row.decode("day"),
                reason: try row.decode("reason"),
                entry: .init(
                    account: try row.decode("account"),
                    shareId: try row.decodeIfPresent("share_id"),
                    amount: Money(try row.decode("amount"), try row.decode("currency"))
                )
            )
        }
    }

    static func park(of booking: Booking.ID) -> Query<Park.ID> {
        Query("SELECT park_id FROM booking WHERE id = \(booking)") { try $0.decode("park_id") }
    }

    // MARK: The till

    /// Payments are taken beside each other; the end of the day waits for them, and they for it.
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

    // MARK: Goodwill

    /// - Parameter day: under whose mandate it counts; nil for one that is above it.
    static func insert(_ goodwill: Goodwill, of booking: Booking.ID, day: LocalDate?) -> Command {
        Command(
            """
            INSERT INTO goodwill (id, share_id, booking_id, amount, reason, state, is_above_limit, day, at)
            VALUES (\(goodwill.id), \(goodwill.shareId), \(booking), \(goodwill.amount.amount), \(goodwill.reason),
                \(goodwill.state.rawValue), \(day == nil), \(day), \(goodwill.at))
            """
        )
    }

    private static func goodwill(_ row: Row) throws -> Goodwill {
        Goodwill(
            id: try row.decode("id"),
            shareId: try row.decode("share_id"),
            amount: Money(try row.decode("amount"), try row.decode("currency")),
            reason: try row.decode("reason"),
            state: try row.word("state"),
            at: try row.decode("at")
        )
    }

    static func goodwill(_ id: Goodwill.ID) -> Query<(goodwill: Goodwill, askedBy: String)> {
        Query(
            """
            SELECT goodwill.id, share_id, goodwill.amount, currency, reason, goodwill.state, at, asked_by
            FROM goodwill JOIN share ON share.id = share_id JOIN booking ON booking.id = share.booking_id
            WHERE goodwill.id = \(id)
            """
        ) { (try goodwill($0), try $0.decode("asked_by")) }
    }

    /// The goodwill that waits for a second person's approval, the oldest first.
    static func goodwillAsked(in park: Park.ID, after cursor: Goodwill.ID?, limit: Int) -> Query<Goodwill> {
        Query(
            """
            SELECT goodwill.id, share_id, goodwill.amount, currency, reason, goodwill.state, at
            FROM goodwill JOIN share ON share.id = share_id JOIN booking ON booking.id = share.booking_id
            WHERE park_id = \(park) AND goodwill.state = 'asked'
                AND (\(cursor)::uuid IS NULL OR goodwill.id > \(cursor)::uuid)
            ORDER BY goodwill.id LIMIT \(limit)
            """,
            decoding: goodwill
        )
    }

    static func refuse(_ id: Goodwill.ID) -> Command {
        Command("UPDATE goodwill SET state = 'refused' WHERE id = \(id) AND state = 'asked'")
    }

    static func approve(_ id: Goodwill.ID) -> Command {
        Command(
            "UPDATE goodwill SET state = 'given', approved_by = current_setting('app.principal', true) WHERE id = \(id)"
        )
    }

    // MARK: Reminders

    struct Reminder: Sendable {
        let share: Share.ID
        let guest: Guest.ID
        let group: TravelGroup.ID
        let booking: Booking.ID
        /// The household that owes the share; the letter may go to the organiser.
        let debtor: Household.ID
        let email: String
        let language: String
        let number: String
        let park: String
        let household: String
        let open: Money
        let due: LocalDate
    }

    /// Shares of which something is open: of a firm stay, of one that is over, and the fee of a cancelled one.
    ///
    /// A share whose direct debit is under way is left out.
    private static let isOpen: SQL = """
        state IN ('confirmed', 'checkedIn', 'checkedOut', 'noShow', 'cancelled') AND paid < share.amount
            AND NOT EXISTS (SELECT FROM attempt WHERE share_id = share.id AND attempt.state = 'processing')
        """

    /// The letters that are due on a day about open shares: to the household's members, also when they have left, and
    /// to the organiser about a late share.
    ///
    /// The first letter comes in the week before a share is due, the next once it is late, then one a week for a
    /// quarter.
    static func reminders(of park: Park.ID, on day: LocalDate) -> Query<Reminder> {
        Query(
            """
            SELECT share.id, guest.id AS guest_id, email, language, number, park.name AS park, household.name AS household,
                booking.group_id, booking.id AS booking_id, share.household_id, share.amount - paid AS open, booking.currency, due
            FROM booking JOIN share ON booking_id = booking.id JOIN park ON park.id = booking.park_id
                JOIN household ON household.id = household_id
                JOIN traveller ON traveller.group_id = booking.group_id AND (
                    traveller.household_id = share.household_id AND (left_at IS NULL OR NOT EXISTS (
                        SELECT FROM traveller AS other
                        WHERE other.household_id = share.household_id AND guest_id IS NOT NULL AND left_at IS NULL
                    ))
                    OR role = 'organiser' AND left_at IS NULL AND due < \(day)::date
                )
                JOIN guest ON guest.id = guest_id AND email IS NOT NULL
            WHERE booking.park_id = \(park) AND \(isOpen) AND CASE
                WHEN due < \(day)::date THEN due > \(day)::date - 90
                    AND (reminded_on IS NULL OR reminded_on <= due OR reminded_on <= \(day)::date - 7)
                ELSE due <= \(day)::date + 7 AND (reminded_on IS NULL OR reminded_on < due - 7)
            END
            ORDER BY share.id, guest.id
            """
        ) { row in
            Reminder(
                share: try row.decode("id"),
                guest: try row.decode("guest_id"),
                group: try row.decode("group_id"),
                booking: try row.decode("booking_id"),
                debtor: try row.decode("household_id"),
                email: try row.decode("email"),
                language: try row.decode("language"),
                number: try row.decode("number"),
                park: try row.decode("park"),
                household: try row.decode("household"),
                open: Money(try row.decode("open"), try row.decode("currency")),
                due: try row.decode("due")
            )
        }
    }

    static func reminded(_ shares: [Share.ID], on day: LocalDate) -> Command {
        Command("UPDATE share SET reminded_on = \(day) WHERE id = ANY(\(shares)::uuid[])")
    }

    /// An open share that is late, as staff see it.
    struct Debt: Encodable, Sendable {
        let shareId: Share.ID
        let bookingId: Booking.ID
        let number: String
        let state: String
        let household: String
        let open: Money
        let due: LocalDate
        let daysLate: Int
    }

    static func debts(of park: Park.ID, on day: LocalDate, after cursor: Share.ID?, limit: Int) -> Query<Debt> {
        Query(
            """
            SELECT share.id, booking.id AS booking_id, number, state, household.name, share.amount - paid AS open,
                booking.currency, due, \(day)::date - due AS days
            FROM booking JOIN share ON booking_id = booking.id JOIN household ON household.id = household_id
            WHERE booking.park_id = \(park) AND \(isOpen) AND due < \(day)::date AND (
                \(cursor)::uuid IS NULL
                OR (due, share.id) > (SELECT due, id FROM share WHERE id = \(cursor)::uuid)
            )
            ORDER BY due, share.id LIMIT \(limit)
            """
        ) { row in
            Debt(
                shareId: try row.decode("id"),
                bookingId: try row.decode("booking_id"),
                number: try row.decode("number"),
                state: try row.decode("state"),
                household: try row.decode("name"),
                open: Money(try row.decode("open"), try row.decode("currency")),
                due: try row.decode("due"),
                daysLate: try row.decode("days")
            )
        }
    }

    struct OwnDebt: Sendable {
        let share: Share.ID
        let number: String
        let park: Park.ID
        let parkName: String
        let open: Money
        /// True if the guest is the only one of the household with an account.
        let isAlone: Bool
    }

    /// The open shares of a guest's households in bookings that stand, due or not.
    static func debts(of guest: Guest.ID) -> Query<OwnDebt> {
        Query(
            """
            SELECT share.id, number, booking.park_id, park.name, share.amount - paid AS open, booking.currency, NOT EXISTS (
                    SELECT FROM traveller AS other
                    WHERE other.household_id = share.household_id AND left_at IS NULL
                        AND other.guest_id IS NOT NULL AND other.guest_id <> \(guest)
                ) AS is_alone
            FROM share JOIN booking ON booking.id = booking_id JOIN park ON park.id = booking.park_id
            WHERE household_id IN (SELECT household_id FROM traveller WHERE guest_id = \(guest) AND left_at IS NULL)
                AND state NOT IN ('held', 'expired') AND paid < share.amount
            ORDER BY share.id
            """
        ) { row in
            OwnDebt(
                share: try row.decode("id"),
                number: try row.decode("number"),
                park: try row.decode("park_id"),
                parkName: try row.decode("name"),
                open: Money(try row.decode("open"), try row.decode("currency")),
                isAlone: try row.decode("is_alone")
            )
        }
    }

    /// Firm stays ahead whose deposit was to be covered again by now, and that nobody is paying for at this moment.
    static func lapsed(in park: Park.ID, on day: LocalDate) -> Query<(booking: Booking.ID, number: String)> {
        Query(
            """
            SELECT id, number FROM booking
            WHERE park_id = \(park) AND deposit_due < \(day)::date AND state = 'confirmed' AND NOT EXISTS (
                SELECT FROM share JOIN attempt ON share_id = share.id
                WHERE booking_id = booking.id AND attempt.state IN ('created', 'requiresAction', 'processing')
            )
            ORDER BY id
            """
        ) { (try $0.decode("id"), try $0.decode("number")) }
    }

    /// Stays ahead a share of which is overdue for as many days as the rule they were booked under waits.
    static func longOverdue(in park: Park.ID, on day: LocalDate) -> Query<Booking.ID> {
        Query(
            """
            SELECT DISTINCT booking.id FROM booking JOIN share ON booking_id = booking.id
            WHERE booking.park_id = \(park) AND lower(stay) > \(day)::date AND state = 'confirmed' AND paid < share.amount
                AND due <= \(day)::date - least(
                    coalesce((policy #>> '{overdue,askAfterDays}')::int, \(HouseRules.Overdue.usual.askAfterDays)::int),
                    (policy #>> '{overdue,cancelAfterDays}')::int
                )
            ORDER BY booking.id
            """
        ) { try $0.decode("id") }
    }

    /// Bookings of which something is to be given back, and nobody has a task to.
    static func overpaid(in park: Park.ID) -> Query<Booking.ID> {
        Query(
            """
            SELECT DISTINCT booking.id FROM share JOIN booking ON booking.id = booking_id
            WHERE booking.park_id = \(park) AND refundable > 0 AND NOT EXISTS (
                SELECT FROM task
                WHERE task.park_id = \(park) AND source = 'refund' AND subject = share.id::text AND task.state = 'open'
            )
            ORDER BY booking.id
            """
        ) { try $0.decode("id") }
    }

    // MARK: The check

    /// Everything that contradicts: what, and about which row.
    ///
    /// Each line of it is an invariant of the ledger; together they tie every minor unit to a share, a booking's price
    /// and a payment.
    static let differences = Query<(what: String, subject: String)>(
        """
        SELECT 'journal does not balance' AS what, journal_id::text AS subject
        FROM entry GROUP BY journal_id, currency HAVING sum(amount) <> 0
        UNION ALL
        SELECT 'journal without entries', id::text FROM journal
        WHERE NOT EXISTS (SELECT FROM entry WHERE journal_id = journal.id)
        UNION ALL
        SELECT 'share is not paid what the ledger says', id::text FROM share
        WHERE paid <> -(SELECT coalesce(sum(amount), 0) FROM entry WHERE share_id = share.id AND account = 'prepaid')
        UNION ALL
        SELECT 'shares are not the price', booking_id::text FROM share GROUP BY booking_id
        HAVING sum(amount) <> (
            SELECT coalesce(sum(amount), 0) FROM charge_line WHERE charge_line.booking_id = share.booking_id
        )
        UNION ALL
        SELECT 'share is below nothing', id::text FROM share WHERE amount < 0
        UNION ALL
        SELECT 'share owes more than its household has agreed to', share.id::text
        FROM share JOIN booking ON booking.id = booking_id
            JOIN traveller AS organiser ON organiser.group_id = booking.group_id AND role = 'organiser' AND left_at IS NULL
            JOIN LATERAL (
                SELECT coalesce(sum(line.amount), 0) AS amount
                FROM charge_line AS line LEFT JOIN extra_order ON extra_order.id = extra_order_id
                WHERE line.booking_id = share.booking_id AND line.household_id = share.household_id
                    AND (kind IN ('goodwill', 'cancellation') OR kind = 'extra' AND is_own)
            ) AS own ON true
        WHERE share.household_id <> coalesce(backstop_id, organiser.household_id) AND agreed IS NOT NULL
            AND share.amount > greatest(agreed + own.amount, 0)
        UNION ALL
        SELECT 'share is asked no more than it owes', id::text FROM share WHERE asked <= amount
        UNION ALL
        SELECT 'share has agreed to what no agreement says', id::text FROM share
        WHERE agreed <> (SELECT agreed FROM agreement WHERE share_id = share.id ORDER BY number DESC LIMIT 1)
        UNION ALL
        SELECT CASE WHEN sum(amount) > 0 THEN 'more goodwill is taken back than was given'
            ELSE 'more goodwill is charged than was given' END, booking_id || ' ' || household_id
        FROM charge_line WHERE kind = 'goodwill' GROUP BY booking_id, household_id
        HAVING sum(amount) > 0 OR -sum(amount) > (
            SELECT coalesce(sum(goodwill.amount), 0) FROM goodwill JOIN share ON share.id = share_id
            WHERE share.booking_id = charge_line.booking_id AND share.household_id = charge_line.household_id
                AND goodwill.state = 'given'
        )
        UNION ALL
        SELECT CASE WHEN returned > free THEN 'the park gives back what it may keep'
            ELSE 'something paid too much is held back without need' END, id::text
        FROM (
            SELECT booking.id, sum(refundable) - sum(twice) AS returned, sum(above) - sum(twice) AS fronted,
                least(greatest(sum(paid) - sum(twice) - min(keeps), 0), sum(above) - sum(twice)) AS free
            FROM booking
                JOIN LATERAL (
                    SELECT paid, refundable, greatest(paid - amount, 0) AS above,
                        least(surplus, greatest(paid - amount, 0)) AS twice
                    FROM share WHERE booking_id = booking.id
                ) AS its ON true
                JOIN LATERAL (
                    SELECT CASE WHEN state IN ('held', 'expired') THEN 0
                        WHEN state = 'cancelled' THEN greatest(coalesce(sum(amount), 0), 0)
                        ELSE greatest(least(
                            deposit + coalesce(sum(amount) FILTER (WHERE kind = 'cancellation'), 0), coalesce(sum(amount), 0)
                        ), (SELECT held_change.deposit FROM held_change WHERE booking_id = booking.id)
                            + coalesce(sum(amount) FILTER (WHERE kind = 'cancellation'), 0), 0) END AS keeps
                    FROM charge_line WHERE booking_id = booking.id
                ) AS held ON true
            WHERE EXISTS (SELECT FROM share WHERE booking_id = booking.id AND (paid > amount OR refundable > 0))
            GROUP BY booking.id
        ) AS back WHERE returned <> free
        UNION ALL
        SELECT 'a refund has taken from a cancelled booking what the park may keep', booking.id::text
        FROM booking
            JOIN LATERAL (
                SELECT coalesce(sum(amount), 0) AS fee, max(at) AS at FROM charge_line WHERE booking_id = booking.id
            ) AS ended ON true
            JOIN LATERAL (
                SELECT coalesce(sum(paid), 0) AS paid FROM share WHERE booking_id = booking.id
            ) AS stands ON true
            JOIN LATERAL (
                SELECT coalesce(sum(refund.amount - refund.surplus), 0) AS amount
                FROM share JOIN attempt ON share_id = share.id JOIN refund ON attempt_id = attempt.id
                WHERE share.booking_id = booking.id AND refund.state <> 'failed' AND NOT is_foreign
                    AND refund.created_at >= ended.at
            ) AS sent ON true
            JOIN LATERAL (
                -- Money that others have moved without us is no refund of ours.
                SELECT coalesce(sum(taken_back), 0) + coalesce(sum((
                    SELECT sum(refund.amount) FROM refund
                    WHERE attempt_id = attempt.id AND is_foreign AND refund.state <> 'failed'
                )), 0) AS amount
                FROM share JOIN attempt ON share_id = share.id WHERE share.booking_id = booking.id
            ) AS moved ON true
            JOIN LATERAL (
                SELECT coalesce(sum(-till_payment.amount - till_payment.surplus) FILTER (WHERE kind = 'refund'), 0) AS handed,
                    coalesce(sum(-till_payment.amount) FILTER (WHERE kind = 'reversal'), 0) AS reversed
                FROM share JOIN till_payment ON share_id = share.id
                WHERE share.booking_id = booking.id AND till_payment.at >= ended.at
            ) AS till ON true
        WHERE booking.state = 'cancelled' AND sent.amount + handed > 0 AND paid + reversed + moved.amount < fee
        UNION ALL
        SELECT 'mandate is not what was given under it', park_id || ' ' || subject || ' ' || day FROM mandate
        WHERE spent <> (
            SELECT coalesce(sum(goodwill.amount), 0)
            FROM goodwill JOIN booking ON booking.id = goodwill.booking_id
            WHERE booking.park_id = mandate.park_id AND goodwill.day IS NOT NULL AND (
                subject = asked_by AND goodwill.day = mandate.day OR subject = 'booking:' || booking.id
            )
        )
        UNION ALL
        SELECT 'gift that no mandate counts', goodwill.id::text FROM goodwill JOIN booking ON booking.id = goodwill.booking_id
        WHERE goodwill.state = 'given' AND approved_by IS NULL AND NOT EXISTS (
            SELECT FROM mandate
            WHERE mandate.park_id = booking.park_id AND subject = asked_by AND mandate.day = goodwill.day
        )
        UNION ALL
        SELECT 'booking of a group without shares', id::text FROM booking
        WHERE group_id IS NOT NULL AND NOT EXISTS (SELECT FROM share WHERE booking_id = booking.id)
            AND state IN ('held', 'confirmed', 'checkedIn')
        UNION ALL
        SELECT 'payment at the till without its journal', id::text FROM till_payment
        WHERE NOT EXISTS (
            SELECT FROM journal JOIN entry ON journal_id = journal.id
            WHERE key = 'till:' || till_payment.id AND account = method AND entry.amount = till_payment.amount
        )
        UNION ALL
        SELECT 'journal without its payment at the till', id::text FROM journal
        WHERE key LIKE 'till:%' AND NOT EXISTS (SELECT FROM till_payment WHERE 'till:' || id = key)
        UNION ALL
        SELECT 'till was not closed at what was taken', park_id || ' ' || day || ' ' || method FROM till_close
        WHERE expected <> (
            SELECT coalesce(sum(amount), 0) FROM till_payment
            WHERE till_payment.park_id = till_close.park_id AND till_payment.day = till_close.day
                AND till_payment.method = till_close.method
        )
        UNION ALL
        SELECT CASE WHEN deposit_due IS NULL THEN 'firm stay without deposit, reason or date'
            ELSE 'deposit is due although it is covered' END, id::text
        FROM booking
        WHERE state IN ('confirmed', 'checkedIn') AND source <> 'import' AND (confirmed_reason IS NULL OR deposit_due IS NOT NULL)
            AND (deposit_due IS NULL) = (
                deposit > (SELECT coalesce(sum(paid), 0) FROM share WHERE booking_id = booking.id)
            )
        UNION ALL
        SELECT 'attempt that succeeded without its journal', id::text FROM attempt
        WHERE state = 'succeeded' AND NOT EXISTS (
            SELECT FROM journal JOIN entry ON journal_id = journal.id
            WHERE key = 'pay:' || attempt.id AND account = 'provider' AND entry.amount = attempt.amount
        )
        UNION ALL
        SELECT 'journal of an attempt that did not succeed', id::text FROM journal
        WHERE key LIKE 'pay:%' AND NOT EXISTS (
            SELECT FROM attempt WHERE 'pay:' || id = key AND state = 'succeeded'
        )
        UNION ALL
        SELECT 'attempt has not given back what its refunds say', id::text FROM attempt
        WHERE given_back <> (
            SELECT coalesce(sum(amount), 0) FROM refund WHERE attempt_id = attempt.id AND state <> 'failed'
        )
        UNION ALL
        SELECT 'attempt has been taken back otherwise than the ledger says', id::text FROM attempt
        WHERE taken_back <> (
            SELECT coalesce(sum(entry.amount), 0) FROM journal JOIN entry ON journal_id = journal.id
            WHERE key IN (SELECT 'taken:' || attempt.id || ':' || number FROM generate_series(1, reviews) AS number)
                AND account = 'prepaid'
        )
        UNION ALL
        SELECT 'money that a bank has taken back is given back', id::text FROM attempt
        WHERE taken_back > 0 AND EXISTS (
            SELECT FROM refund WHERE attempt_id = attempt.id AND NOT is_foreign AND state = 'reserved'
        ) AND given_back + taken_back > amount
        UNION ALL
        SELECT 'refund without its journals', id::text FROM refund
        WHERE NOT EXISTS (SELECT FROM journal WHERE key = 'refund:' || refund.id)
            OR (state IN ('sent', 'succeeded') AND NOT is_foreign) <> EXISTS (
                SELECT FROM journal WHERE key = 'refund-sent:' || refund.id
            ) AND state <> 'failed'
            OR (state = 'failed') <> EXISTS (SELECT FROM journal WHERE key = 'refund-failed:' || refund.id)
        UNION ALL
        SELECT 'refunds on their way are not what the ledger says', share.id::text FROM share
        WHERE (SELECT coalesce(sum(entry.amount), 0) FROM entry WHERE share_id = share.id AND account = 'refunds')
            <> -(
                SELECT coalesce(sum(refund.amount), 0) FROM refund JOIN attempt ON attempt.id = attempt_id
                WHERE share_id = share.id AND refund.state = 'reserved'
            )
        UNION ALL
        SELECT CASE WHEN price = earned THEN 'tourist tax is not what was charged'
            ELSE 'stay is over and its price is not what was earned' END, id::text
        FROM booking JOIN earned_day USING (park_id)
            JOIN LATERAL (
                SELECT coalesce(sum(amount), 0) AS price, coalesce(sum(amount) FILTER (WHERE kind = 'touristTax'), 0) AS tax,
                    max(at) AS changed_at
                FROM charge_line WHERE booking_id = booking.id
            ) AS charged ON true
            JOIN LATERAL (
                SELECT coalesce(sum(amount) FILTER (WHERE account = 'receivable'), 0) AS earned,
                    -coalesce(sum(amount) FILTER (WHERE account = 'touristTax'), 0) AS told
                FROM journal JOIN entry ON journal_id = journal.id WHERE journal.booking_id = booking.id
            ) AS posted ON true
        WHERE group_id IS NOT NULL AND state NOT IN ('held', 'expired') AND upper(stay) <= day
            AND changed_at < earned_day.at - interval '1 day' AND (price, tax) <> (earned, told)
        UNION ALL
        SELECT 'VAT is not its part of what was earned', booking_id::text || ' ' || rate
        FROM journal JOIN entry ON journal_id = journal.id
        WHERE account IN ('revenue', 'vat') GROUP BY booking_id, rate
        HAVING abs(coalesce(sum(amount) FILTER (WHERE account = 'vat'), 0) * (10000 + rate) - sum(amount) * rate) > 10000 + rate
        UNION ALL
        SELECT 'invoices of a year have a gap', park_id || ' ' || year FROM invoice_series
        WHERE last <> (
            SELECT count(*) FROM invoice
            WHERE invoice.park_id = invoice_series.park_id AND invoice.year = invoice_series.year
        )
        ORDER BY 1, 2
        """
    ) { (try $0.decode("what"), try $0.decode("subject")) }

    /// Everything that contradicts the provider's own books, as far as they have been read.
    ///
    /// What was settled here after the last reading began is not looked for in them yet.
    ///
    /// - Parameter deadline: what is in their books until then should be settled here; nil for all of it.
    static func differencesFromProvider(settledBy deadline: Date?) -> Query<(what: String, subject: String)> {
        Query(
            """
            WITH books AS (
                SELECT coalesce(max(read_at), '-infinity') AS until,
                    coalesce(\(deadline)::timestamptz, 'infinity') AS deadline
                FROM provider_books
            )
            SELECT 'charge at the provider that nothing here matches' AS what, id AS subject
            FROM provider_transaction AS their, books
            WHERE kind IN ('charge', 'payment') AND at <= deadline AND NOT EXISTS (
                SELECT FROM attempt
                WHERE charge = source AND state = 'succeeded' AND attempt.amount = their.amount
                    AND attempt.currency = their.currency
            ) AND NOT EXISTS (
                -- A debit that failed on its way is booked at once and taken back in the end.
                SELECT FROM provider_transaction AS failed
                WHERE failed.kind = 'payment_failure_refund' AND failed.source = their.source
                    AND failed.amount = -their.amount
            )
            UNION ALL
            SELECT 'charged twice', source FROM provider_transaction
            WHERE kind IN ('charge', 'payment') GROUP BY source HAVING count(*) > 1
            UNION ALL
            SELECT 'attempt that succeeded without a charge at the provider', id::text FROM attempt, books
            WHERE state = 'succeeded' AND ended_at < until AND NOT EXISTS (
                SELECT FROM provider_transaction AS their
                WHERE kind IN ('charge', 'payment') AND source = charge AND their.amount = attempt.amount
            )
            UNION ALL
            SELECT 'refund at the provider that nothing here matches', id FROM provider_transaction AS their, books
            WHERE kind IN ('refund', 'payment_refund') AND at <= deadline AND NOT EXISTS (
                SELECT FROM refund WHERE reference = source AND refund.amount = -their.amount
            )
            UNION ALL
            SELECT 'dispute at the provider that nothing here matches', attempt.id::text
            FROM provider_transaction AS their JOIN attempt ON attempt.reference = their.intent, books
            WHERE kind = 'adjustment' GROUP BY attempt.id
            HAVING -sum(their.amount) <> taken_back AND max(at) <= max(deadline)
            UNION ALL
            SELECT 'refund that the provider does not have', id::text FROM refund, books
            WHERE reference IS NOT NULL AND coalesce(ended_at, sent_at) < until AND NOT EXISTS (
                SELECT FROM provider_transaction AS their
                WHERE kind IN ('refund', 'payment_refund') AND source = reference AND refund.amount = -their.amount
            )
            UNION ALL
            SELECT 'refund that failed at the provider alone', id FROM provider_transaction AS their, books
            WHERE kind = 'refund_failure' AND at <= deadline AND NOT EXISTS (
                SELECT FROM refund WHERE reference = source AND state = 'failed'
            )
            UNION ALL
            SELECT 'movement at the provider that the ledger tells otherwise', id FROM provider_transaction
            WHERE coalesce(
                (
                    SELECT sum(entry.amount) FROM journal JOIN entry ON journal_id = journal.id
                    WHERE account = 'provider' AND key IN (
                        'fee:' || provider_transaction.id, 'payout:' || provider_transaction.id,
                        'dispute:' || provider_transaction.id, 'other:' || provider_transaction.id
                    )
                ), 0
            ) <> CASE WHEN kind IN (
                'charge', 'payment', 'refund', 'payment_refund', 'refund_failure', 'payment_failure_refund'
            ) THEN 0 ELSE amount END - fee
            ORDER BY 1, 2
            """
        ) { (try $0.decode("what"), try $0.decode("subject")) }
    }

    /// Whether the ledger and the provider's books come to the same; they do when nobody is paying and all has been read.
    static let differenceOfSums = Query<(what: String, subject: String)>(
        """
        SELECT 'the provider keeps another sum than the ledger says: ' || theirs || ' instead of ' || ours AS what,
            '' AS subject
        FROM (SELECT coalesce(sum(amount - fee), 0) AS theirs FROM provider_transaction) AS provider,
            (SELECT coalesce(sum(amount), 0) AS ours FROM entry WHERE account = 'provider') AS ledger
        WHERE theirs <> ours
        """
    ) { (try $0.decode("what"), try $0.decode("subject")) }

    struct JournalLine: Sendable {
        let day: LocalDate
        let journal: UUID
        let reason: String
        let number: String?
        let account: String
        let amount: Int64
        let currency: String
        let rate: Int?
    }

    static func journalLines(of park: Park.ID, during days: Stay) -> Query<JournalLine> {
        Query(
            """
            SELECT day, journal.id, journal.reason, number, account, amount, entry.currency, rate
            FROM journal JOIN entry ON journal_id = journal.id LEFT JOIN booking ON booking.id = booking_id
            WHERE journal.park_id = \(park) AND day >= \(days.arrival) AND day < \(days.departure)
            ORDER BY day, journal.id, place
            """
        ) { row in
            JournalLine(
                day: try row.decode("day"),
                journal: try row.decode("id"),
                reason: try row.decode("reason"),
                number: try row.decodeIfPresent("number"),
                account: try row.decode("account"),
                amount: try row.decode("amount"),
                currency: try row.decode("currency"),
                rate: try row.decodeIfPresent("rate")
            )
        }
    }
}
