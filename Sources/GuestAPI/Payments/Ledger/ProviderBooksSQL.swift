import Foundation
import GuestModels
import Postgres

/// The progress of reading the provider's books.
enum ProviderBooksSQL {
    /// The provider's ids that belong to refunds of ours.
    static func known(_ references: [String]) -> Query<String> {
        Query(
            """
            SELECT reference FROM refund WHERE reference = ANY(\(references)::text[])
            UNION SELECT charge FROM attempt WHERE charge = ANY(\(references)::text[])
            """
        ) { try $0.decode("reference") }
    }

    /// The accounts that guests pay or have paid into; an empty text stands for the service's own account.
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

    /// Saves the progress of a reading; no row changes if another process has gone on meanwhile.
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

    /// The time until which the provider's movements of every account are in our tables.
    ///
    /// There is no row until each account has been read once.
    static let whenBooksWereRead = Query(
        """
        SELECT min(read_at) AS read_at FROM provider_reading HAVING count(*) > 0 AND count(*) = count(read_at)
        """
    ) { try $0.decode("read_at", as: Date.self) }
}
