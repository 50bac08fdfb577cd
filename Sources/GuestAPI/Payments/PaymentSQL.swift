import Foundation
import GuestModels
import Postgres

enum PaymentSQL {
    // MARK: The ledger

    static func insert(_ journal: Journal, id: UUID, at now: Date) -> Command {
        Command(
            """
            WITH posted AS (
                INSERT INTO journal (id, key, park_id, seller_account, booking_id, reason, day, at)
                VALUES (\(id), \(journal.key), \(journal.park), \(journal.sellerAccount), \(journal.booking),
                    \(journal.reason), \(journal.day), \(now))
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

    /// A share's till payments by one method, less reversals and refunds; minor units.
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

    /// The day since when a share has been overdue: the day it was due, or a later one on which the price rose or money was
    /// taken back, because whoever owed nothing yesterday is not late today.
    private static let overdueSince: SQL = """
        greatest(
            due,
            (SELECT max(at)::date FROM charge_line WHERE charge_line.booking_id = booking.id AND charge_line.amount > 0),
            (
                SELECT max(day) FROM entry JOIN journal ON journal.id = journal_id
                WHERE entry.share_id = share.id AND account = 'prepaid' AND entry.amount > 0
            )
        )
        """

    /// Stays ahead a share of which is overdue for as many days as the rule they were booked under waits.
    static func longOverdue(in park: Park.ID, on day: LocalDate) -> Query<Booking.ID> {
        Query(
            """
            SELECT DISTINCT booking.id FROM booking JOIN share ON booking_id = booking.id
            WHERE booking.park_id = \(park) AND lower(stay) > \(day)::date AND state = 'confirmed' AND paid < share.amount
                AND due < \(day)::date AND \(overdueSince) <= \(day)::date - least(
                    coalesce((policy #>> '{overdue,askAfterDays}')::int, \(HouseRules.Overdue.usual.askAfterDays)::int),
                    (policy #>> '{overdue,cancelAfterDays}')::int
                )
            ORDER BY booking.id
            """
        ) { try $0.decode("id") }
    }

    /// The first day since when some share of a booking has been overdue.
    static func overdueSince(_ booking: Booking.ID) -> Query<LocalDate> {
        Query(
            """
            SELECT min(\(overdueSince)) AS since FROM booking JOIN share ON booking_id = booking.id
            WHERE booking.id = \(booking) AND paid < share.amount HAVING count(*) > 0
            """
        ) { try $0.decode("since") }
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

    // MARK: Exports

    struct JournalLine: Sendable {
        let day: LocalDate
        let journal: UUID
        let place: Int
        let reason: String
        let number: String?
        let account: String
        let amount: Int64
        let currency: String
        let rate: Int?
    }

    /// The park or the seller whose journals an export lists.
    enum Books: Sendable {
        case park(Park.ID)
        /// The parks of a seller, by its account at the provider, and what belongs to the account as a whole; nil for all
        /// that are paid into the service's own.
        case seller(String?)

        fileprivate var condition: SQL {
            switch self {
            case .park(let park): "journal.park_id = \(park)"
            case .seller(let account):
                """
                (journal.park_id IN (SELECT id FROM park WHERE rules #>> '{seller,account}' IS NOT DISTINCT FROM \(account))
                    OR journal.park_id IS NULL AND seller_account IS NOT DISTINCT FROM \(account))
                """
            }
        }
    }

    /// The next lines of an export, in the order of their days.
    ///
    /// - Parameter cursor: the last line of the portion before.
    static func journalLines(
        of books: Books,
        during days: Stay,
        after cursor: (day: LocalDate, journal: UUID, place: Int)?,
        limit: Int
    ) -> Query<JournalLine> {
        let after: SQL =
            cursor.map { "(day, journal.id, place) > (\($0.day)::date, \($0.journal)::uuid, \($0.place)::int)" }
            ?? "true"
        return Query(
            """
            SELECT day, journal.id, place, journal.reason, number, account, amount, entry.currency, rate
            FROM journal JOIN entry ON journal_id = journal.id LEFT JOIN booking ON booking.id = booking_id
            WHERE \(books.condition) AND day >= \(days.arrival) AND day < \(days.departure)
                AND day >= coalesce(\(cursor?.day)::date, '-infinity') AND \(after)
            ORDER BY day, journal.id, place LIMIT \(limit)
            """
        ) { row in
            JournalLine(
                day: try row.decode("day"),
                journal: try row.decode("id"),
                place: try row.decode("place"),
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
