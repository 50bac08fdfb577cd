import Foundation
import GuestModels
import Postgres

enum IdempotencySQL {
    struct Kept {
        let fingerprint: Data
        let status: Int
        let headers: [String: String]
        let body: Data
    }

    /// Claims a key; there is a row if the key is new or its old use has expired.
    ///
    /// The statement waits for another transaction that has just claimed the key.
    static func claim(
        _ principal: String,
        _ key: String,
        _ fingerprint: Data,
        expires: Date,
        now: Date
    ) -> Query<Bool> {
        Query(
            """
            INSERT INTO idempotency_key AS old (principal, key, fingerprint, expires_at)
            SELECT \(principal), \(key), \(fingerprint), \(expires)
            FROM set_config('lock_timeout', '5s', true)
            ON CONFLICT (principal, key) DO UPDATE
            SET fingerprint = EXCLUDED.fingerprint, status = NULL, headers = NULL, body = NULL,
                expires_at = EXCLUDED.expires_at
            WHERE old.expires_at <= \(now)
            RETURNING set_config('lock_timeout', '500ms', true) IS NOT NULL AS is_ours
            """
        ) { try $0.decode("is_ours") }
    }

    static func stored(_ principal: String, _ key: String) -> Query<Kept> {
        Query(
            """
            SELECT fingerprint, status, headers, body
            FROM idempotency_key
            WHERE principal = \(principal) AND key = \(key) AND status IS NOT NULL
            """
        ) { row in
            Kept(
                fingerprint: try row.decode("fingerprint"),
                status: try row.decode("status"),
                headers: try row.decodeJSON("headers"),
                body: try row.decode("body")
            )
        }
    }

    static func store(_ principal: String, _ key: String, status: Int, headers: JSONText, body: Data) -> Command {
        Command(
            """
            UPDATE idempotency_key SET status = \(status), headers = \(headers), body = \(body)
            WHERE principal = \(principal) AND key = \(key)
            """
        )
    }

    static func deleteExpired(now: Date) -> Command {
        .forget("idempotency_key", where: "expires_at <= \(now)")
    }
}
