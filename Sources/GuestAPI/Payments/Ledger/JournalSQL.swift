import Foundation
import GuestModels
import Postgres

enum JournalSQL {
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
        let entry: JournalView.Entry
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

    /// The next lines of an export, in the order of their days.
    ///
    /// - Parameter cursor: the last line of the portion before.
    static func journalLines(
        of books: JournalFile.Books,
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

extension JournalFile.Books {
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
