import Foundation
import GuestModels
import Postgres

enum AttemptSQL {
    /// An attempt with what only we know of it.
    struct Row: Sendable {
        var attempt: Attempt
        let payer: Guest.ID?
        let link: PayLink.ID?
        let isEnding: Bool
        let sentAt: Date?
        let reference: String?
        let secret: Data?
        /// Minor units that a bank has taken back.
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

    /// The one that is under way.
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

    /// Notes that the provider is about to be asked; no row when it has been, or is no longer wanted.
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

    /// Asks for its end; the worker sees to it.
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

    struct RefundRow: Sendable {
        var refund: Refund
        let sentAt: Date?
        let reference: String?
        /// The attempt's, at the provider, and the seller's account it was made at.
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

    /// What attempts of a booking's shares have that could still be given back.
    static func refundable(
        of booking: Booking.ID
    ) -> Query<(share: Share.ID, left: Refund.Source)> {
        Query(
            """
            SELECT share_id, attempt.id, attempt.amount - given_back - taken_back AS remaining,
                NOT EXISTS (
                    SELECT FROM traveller
                    WHERE guest_id = payer_id AND traveller.household_id = share.household_id AND left_at IS NULL
                ) AND payer_id IS NOT NULL AS is_elsewhere
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
                    isElsewhere: try row.decode("is_elsewhere")
                )
            )
        }
    }

    /// Writes the sum that a bank has taken back of an attempt.
    static func setTakenBack(_ amount: Int64, of id: Attempt.ID) -> Command {
        Command("UPDATE attempt SET taken_back = \(amount), reviews = reviews + 1 WHERE id = \(id)")
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

    /// The attempts whose money has been moved at the provider otherwise than we know: a refund that is none of ours, a
    /// dispute that has another sum.
    ///
    /// - Parameter since: movements before have been seen to.
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

    /// The provider's ids that belong to refunds of ours.
    static func known(_ references: [String]) -> Query<String> {
        Query(
            """
            SELECT reference FROM refund WHERE reference = ANY(\(references)::text[])
            UNION SELECT charge FROM attempt WHERE charge = ANY(\(references)::text[])
            """
        ) { try $0.decode("reference") }
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

    /// A refund that came back: the money is the attempt's again, and is not sent a second time unless that is said.
    static func comeBack(_ refund: Refund, isRefundable: Bool) -> Command {
        Command(
            """
            UPDATE attempt SET given_back = given_back - \(refund.amount.amount), is_refundable = is_refundable AND \(isRefundable)
            WHERE id = \(refund.attemptId)
            """
        )
    }

    // MARK: Links

    static func insert(_ link: PayLink, at now: Date) -> Command {
        Command(
            """
            INSERT INTO pay_link (id, share_id, created_at, expires_at)
            VALUES (\(link.id), \(link.shareId), \(now), \(link.expiresAt))
            """
        )
    }

    private static func links(_ condition: SQL) -> Query<PayLink> {
        Query("SELECT id, share_id, expires_at FROM pay_link WHERE revoked_at IS NULL AND \(condition) ORDER BY id") {
            row in
            PayLink(
                id: try row.decode("id"),
                shareId: try row.decode("share_id"),
                expiresAt: try row.decode("expires_at")
            )
        }
    }

    static func link(_ id: PayLink.ID) -> Query<PayLink> { links("id = \(id)") }

    static func links(of share: Share.ID, now: Date) -> Query<PayLink> {
        links("share_id = \(share) AND expires_at > \(now)")
    }

    static func revoke(_ link: PayLink.ID, of share: Share.ID, at now: Date) -> Command {
        Command(
            "UPDATE pay_link SET revoked_at = \(now) WHERE id = \(link) AND share_id = \(share) AND revoked_at IS NULL"
        )
    }

    /// What somebody with a link is shown.
    static func told(_ share: Share.ID) -> Query<PayLinkView.Told> {
        Query(
            """
            SELECT park.name AS park, time_zone, number, stay, household.name AS household, booking.currency
            FROM share JOIN booking ON booking.id = booking_id JOIN park ON park.id = park_id
                JOIN household ON household.id = household_id
            WHERE share.id = \(share)
            """
        ) { row in
            .init(
                park: try row.decode("park"),
                timeZone: try row.decode("time_zone"),
                number: try row.decode("number"),
                stay: try row.decode("stay"),
                household: try row.decode("household"),
                currency: try row.decode("currency")
            )
        }
    }

    // MARK: What the provider tells

    /// No row the second time.
    static func insert(_ event: ProviderEvent, at now: Date) -> Command {
        Command(
            """
            INSERT INTO provider_event (id, kind, subject, account, received_at)
            VALUES (\(event.id), \(event.kind), \(event.subject), \(event.account), \(now)) ON CONFLICT DO NOTHING
            """
        )
    }

    static func event(_ id: String) -> Query<(event: ProviderEvent, receivedAt: Date)> {
        Query("SELECT kind, subject, account, received_at FROM provider_event WHERE id = \(id) AND state = 'new'") {
            row in
            (
                ProviderEvent(
                    id: id,
                    kind: try row.decode("kind"),
                    subject: try row.decodeIfPresent("subject"),
                    account: try row.decodeIfPresent("account")
                ),
                try row.decode("received_at")
            )
        }
    }

    static func settleEvent(_ id: String, isParked: Bool, note: String?) -> Command {
        Command(
            "UPDATE provider_event SET state = \(isParked ? "parked" : "done"), note = \(note) WHERE id = \(id)"
        )
    }

    static func deleteOldEvents(now: Date) -> Command {
        .forget("provider_event", where: "state = 'done' AND received_at < \(now.addingTimeInterval(-60 * 86400))")
    }

    /// The oldest first.
    static func parkedEvents(limit: Int) -> Query<ParkedEvent> {
        Query(
            """
            SELECT id, kind, subject, received_at, note FROM provider_event WHERE state = 'parked'
            ORDER BY received_at, id LIMIT \(limit)
            """
        ) { row in
            ParkedEvent(
                id: try row.decode("id"),
                kind: try row.decode("kind"),
                subject: try row.decodeIfPresent("subject"),
                receivedAt: try row.decode("received_at"),
                note: try row.decodeIfPresent("note")
            )
        }
    }

    // MARK: The provider's books

    /// The accounts that guests pay or have paid into; the service's own is the empty text.
    static let accounts = Query(
        """
        SELECT '' AS account
        UNION SELECT rules #>> '{seller,account}' FROM park WHERE rules #>> '{seller,account}' IS NOT NULL
        UNION SELECT account FROM provider_reading
        UNION SELECT account FROM attempt WHERE account IS NOT NULL
        ORDER BY 1
        """
    ) { try $0.decode("account", as: String.self) }

    /// How far the books of an account have been read, from the newest movement back to the newest of the reading before.
    struct Reading: Hashable, Sendable {
        /// The newest movement of the last reading that came to its end; nil before the first.
        var newest: String?
        /// The newest movement of the reading under way; `reached` is the oldest one read so far.
        var begunWith: String?
        var reached: String?
        var begunAt: Date?
    }

    static func reading(of account: String) -> Query<Reading> {
        Query("SELECT newest, begun_with, reached, begun_at FROM provider_reading WHERE account = \(account)") { row in
            Reading(
                newest: try row.decodeIfPresent("newest"),
                begunWith: try row.decodeIfPresent("begun_with"),
                reached: try row.decodeIfPresent("reached"),
                begunAt: try row.decodeIfPresent("begun_at")
            )
        }
    }

    /// Goes on with a reading; no row where another process has gone on meanwhile.
    static func goOn(_ account: String, from before: Reading, to after: Reading, readAt: Date?) -> Command {
        Command(
            """
            INSERT INTO provider_reading (account, newest, begun_with, reached, begun_at, read_at)
            VALUES (\(account), \(after.newest), \(after.begunWith), \(after.reached), \(after.begunAt), \(readAt))
            ON CONFLICT (account) DO UPDATE
            SET newest = EXCLUDED.newest, begun_with = EXCLUDED.begun_with, reached = EXCLUDED.reached,
                begun_at = EXCLUDED.begun_at, read_at = greatest(provider_reading.read_at, EXCLUDED.read_at)
            WHERE provider_reading.newest IS NOT DISTINCT FROM \(before.newest)
                AND provider_reading.reached IS NOT DISTINCT FROM \(before.reached)
            """
        )
    }

    /// Whether the books of some account are being read.
    static let isReading = Query(
        "SELECT EXISTS (SELECT FROM provider_reading WHERE begun_at IS NOT NULL) AS is_reading"
    ) {
        try $0.decode("is_reading", as: Bool.self)
    }

    /// The provider's movements until this instant are in our tables, for every account.
    ///
    /// No row before each account was read once.
    static let whenBooksWereRead = Query(
        """
        SELECT min(read_at) AS read_at FROM provider_reading HAVING count(*) > 0 AND count(*) = count(read_at)
        """
    ) { try $0.decode("read_at", as: Date.self) }

    /// The park of an account that only one park's guests pay into.
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

    /// Whose payment a movement is about, by the charge, refund or intent it names.
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

    /// No row when it has been read before.
    ///
    /// - Parameter ours: what it is in the currency of the payment, minor units, where that is another.
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

    /// What is under way with the provider, park by park.
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
