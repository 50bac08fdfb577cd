import Foundation
import GuestModels
import Postgres

enum AttemptSQL {
    /// An attempt with the data that only the service knows.
    struct Row: Sendable {
        var attempt: Attempt
        let payer: Guest.ID?
        let link: PayLink.ID?
        let isEnding: Bool
        let sentAt: Date?
        let reference: String?
        let secret: Data?
        /// The amount that a bank has taken back, in minor units.
        let takenBack: Int64
        let reviews: Int
        let bookingID: Booking.ID
        let parkID: Park.ID
    }

    private static let columns: SQL = """
        attempt.id, share_id, payer_id, link_id, method, attempt.amount, attempt.currency, attempt.state, is_ending,
        sent_at, reference, secret, declined, created_at, taken_back, reviews, attempt.account, booking_id,
        park_id
        """

    private static func rows(_ condition: SQL, locked: Bool = false) -> Query<Row> {
        let lock: SQL = locked ? "FOR UPDATE OF attempt" : ""
        return Query(
            """
            SELECT \(columns)
            FROM attempt JOIN share ON share.id = share_id JOIN booking ON booking.id = booking_id
            WHERE \(condition) ORDER BY attempt.id \(lock)
            """
        ) { row in
            Row(
                attempt: Attempt(
                    id: try row.decode("id"),
                    shareId: try row.decode("share_id"),
                    method: try row.word("method"),
                    amount: Money(try row.decode("amount"), try row.decode("currency")),
                    state: try row.word("state"),
                    declined: try row.decodeIfPresent("declined"),
                    account: try row.decodeIfPresent("account"),
                    createdAt: try row.decode("created_at")
                ),
                payer: try row.decodeIfPresent("payer_id"),
                link: try row.decodeIfPresent("link_id"),
                isEnding: try row.decode("is_ending"),
                sentAt: try row.decodeIfPresent("sent_at"),
                reference: try row.decodeIfPresent("reference"),
                secret: try row.decodeIfPresent("secret"),
                takenBack: try row.decode("taken_back"),
                reviews: try row.decode("reviews"),
                bookingID: try row.decode("booking_id"),
                parkID: try row.decode("park_id")
            )
        }
    }

    static func attempt(_ id: Attempt.ID, locked: Bool = false) -> Query<Row> {
        rows("attempt.id = \(id)", locked: locked)
    }

    static func attempt(ofReference reference: String) -> Query<Row> { rows("reference = \(reference)") }

    static func attempts(of booking: Booking.ID) -> Query<Row> { rows("booking_id = \(booking)") }

    static func attempts(ofGuest guest: Guest.ID) -> Query<Row> { rows("payer_id = \(guest)") }

    /// The attempt of a share that is under way.
    static func open(of share: Share.ID) -> Query<Row> {
        rows("share_id = \(share) AND attempt.state IN ('created', 'requiresAction', 'processing')")
    }

    static func open(of booking: Booking.ID) -> Query<Row> {
        rows("booking_id = \(booking) AND attempt.state IN ('created', 'requiresAction', 'processing')")
    }

    static func insert(_ attempt: Attempt, payer: Guest.ID?, link: PayLink.ID?) -> Command {
        Command(
            """
            INSERT INTO attempt (id, share_id, payer_id, link_id, method, amount, currency, account, created_at)
            VALUES (\(attempt.id), \(attempt.shareId), \(payer), \(link), \(attempt.method.rawValue),
                \(attempt.amount.amount), \(attempt.amount.currency), \(attempt.account), \(attempt.createdAt))
            """
        )
    }

    /// Notes that the provider is about to be asked.
    ///
    /// The command changes no row if the attempt was sent before, is ending, or is no longer in the state `created`.
    static func send(_ id: Attempt.ID, at now: Date) -> Command {
        Command(
            "UPDATE attempt SET sent_at = \(now) WHERE id = \(id) AND sent_at IS NULL AND NOT is_ending AND state = 'created'"
        )
    }

    static func setReference(_ reference: String, secret: Data?, of id: Attempt.ID) -> Command {
        Command(
            """
            UPDATE attempt SET reference = \(reference), secret = \(secret)
            WHERE id = \(id) AND state IN ('created', 'requiresAction', 'processing')
            """
        )
    }

    /// Asks for the end of attempts; a worker ends them at the provider.
    static func end(_ ids: [Attempt.ID]) -> Command {
        Command("UPDATE attempt SET is_ending = true WHERE id = ANY(\(ids)::uuid[])")
    }

    static func update(_ attempt: Attempt, charge: String?, at now: Date) -> Command {
        let ended = attempt.state.isTerminal ? now : nil
        return Command(
            """
            UPDATE attempt SET state = \(attempt.state.rawValue), declined = \(attempt.declined), ended_at = \(ended),
                charge = coalesce(\(charge), charge), secret = CASE WHEN \(ended)::timestamptz IS NULL THEN secret END
            WHERE id = \(attempt.id)
            """
        )
    }

    // MARK: Refunds

    /// Writes the sum that a bank has taken back of an attempt.
    static func setTakenBack(_ amount: Int64, of id: Attempt.ID) -> Command {
        Command("UPDATE attempt SET taken_back = \(amount), reviews = reviews + 1 WHERE id = \(id)")
    }

    /// The attempts whose money at the provider differs from our tables.
    ///
    /// Either the provider has a refund that we did not make, or a dispute has another sum.
    ///
    /// - Parameter since: earlier movements have been reviewed already.
    static func reviewsDue(since: Date) -> Query<Attempt.ID> {
        Query(
            """
            SELECT attempt.id FROM provider_transaction AS their JOIN attempt ON attempt.reference = intent
            WHERE kind IN ('refund', 'payment_refund') AND at >= \(since) AND state = 'succeeded'
                AND NOT EXISTS (SELECT FROM refund WHERE refund.reference = their.source)
            UNION
            SELECT attempt.id FROM attempt JOIN LATERAL (
                SELECT -coalesce(sum(coalesce(ours, amount)), 0) AS taken FROM provider_transaction
                WHERE intent = attempt.reference AND kind = 'adjustment'
            ) AS their ON true
            WHERE state = 'succeeded' AND taken <> taken_back AND attempt.reference IN (
                SELECT intent FROM provider_transaction WHERE kind = 'adjustment' AND at >= \(since)
            )
            ORDER BY 1
            """
        ) { try $0.decode("id") }
    }

    /// True if an attempt's payer lives in the household whose share it pays.
    static func isOwn(_ attempt: Attempt.ID) -> Query<Bool> {
        Query(
            """
            SELECT EXISTS (
                SELECT FROM attempt JOIN share ON share.id = share_id JOIN traveller USING (household_id)
                WHERE attempt.id = \(attempt) AND guest_id = payer_id AND left_at IS NULL
            ) AS is_own
            """
        ) { try $0.decode("is_own") }
    }

    // MARK: The provider's books

    /// The park that is paid into an account, if no other park is paid into the same account.
    static func park(ofAccount account: String) -> Query<Park.ID> {
        Query(
            """
            SELECT id FROM park WHERE rules #>> '{seller,account}' = \(account)
                AND (SELECT count(*) FROM park WHERE rules #>> '{seller,account}' = \(account)) = 1
            """
        ) { try $0.decode("id") }
    }

    /// The seller's account of a park, where it has one.
    static func account(of park: Park.ID) -> Query<String> {
        Query(
            "SELECT rules #>> '{seller,account}' AS account FROM park WHERE id = \(park) AND rules #>> '{seller,account}' IS NOT NULL"
        ) { try $0.decode("account") }
    }

    /// The sum of the attempt or refund that a movement names, as it stands in our tables.
    static func amount(ofSource source: String?) -> Query<Money> {
        Query(
            """
            SELECT attempt.amount, attempt.currency FROM attempt WHERE charge = \(source)
            UNION ALL
            SELECT refund.amount, attempt.currency FROM refund JOIN attempt ON attempt.id = attempt_id
            WHERE refund.reference = \(source)
            LIMIT 1
            """
        ) { Money(try $0.decode("amount"), try $0.decode("currency")) }
    }

    /// The park of the payment that a movement is about, found by the charge, refund or intent that the movement names.
    static func park(ofSource source: String?) -> Query<Park.ID> {
        Query(
            """
            SELECT park_id FROM attempt JOIN share ON share.id = share_id JOIN booking ON booking.id = booking_id
            WHERE charge = \(source) OR attempt.reference = \(source)
                OR attempt.id IN (SELECT attempt_id FROM refund WHERE refund.reference = \(source))
            LIMIT 1
            """
        ) { try $0.decode("park_id") }
    }

    /// Keeps a movement of the provider's books; no row changes if the movement was read before.
    ///
    /// - Parameter ours: the amount in minor units of the payment's currency, if the account has another currency.
    static func insert(
        _ movement: PaymentProvider.Movement,
        at account: String?,
        park: Park.ID?,
        intent: String?,
        ours: Int64?
    ) -> Command {
        let kind = movement.type
        return Command(
            """
            INSERT INTO provider_transaction (id, kind, amount, fee, currency, source, at, park_id, intent, account, ours)
            VALUES (\(movement.id), \(kind), \(movement.money.amount), \(movement.feeMoney.amount),
                \(movement.currency.uppercased()), \(movement.source?.id),
                \(Date(timeIntervalSince1970: Double(movement.created.value))), \(park), \(intent), \(account), \(ours))
            ON CONFLICT DO NOTHING
            """
        )
    }

    // MARK: Backlog

    /// Attempts and refunds that are under way with the provider, park by park.
    static let backlog = Query(
        """
        SELECT park.id, park.name, count(attempt.id) FILTER (WHERE attempt.state = 'created') AS unanswered,
            count(attempt.id) FILTER (WHERE attempt.state IN ('requiresAction', 'processing')) AS open,
            count(refund.id) FILTER (WHERE refund.state IN ('reserved', 'sent')) AS refunds,
            count(refund.id) FILTER (WHERE refund.state = 'failed') AS failed
        FROM park LEFT JOIN (
            booking JOIN share ON booking_id = booking.id JOIN attempt ON share_id = share.id
            LEFT JOIN refund ON attempt_id = attempt.id
        ) ON park_id = park.id AND (attempt.state IN ('created', 'requiresAction', 'processing') OR refund.id IS NOT NULL)
        GROUP BY park.id ORDER BY park.name, park.id
        """
    ) { row in
        Reconciliation.Backlog(
            parkId: try row.decode("id"),
            name: try row.decode("name"),
            unanswered: try row.decode("unanswered"),
            open: try row.decode("open"),
            refunds: try row.decode("refunds"),
            failedRefunds: try row.decode("failed")
        )
    }

    static let openCounts = Query(
        """
        SELECT (SELECT count(*) FROM attempt WHERE state IN ('created', 'requiresAction', 'processing')) AS attempts,
            (SELECT count(*) FROM refund WHERE state IN ('reserved', 'sent')) AS refunds,
            (SELECT count(*) FROM provider_event WHERE state = 'parked') AS parked
        """
    ) { row in
        (
            attempts: try row.decode("attempts", as: Int.self), refunds: try row.decode("refunds", as: Int.self),
            parked: try row.decode("parked", as: Int.self)
        )
    }
}
