import Foundation
import GRDB
import GuestModels
import SyncMessages
import Synchronization

extension LocalStore {
    /// Returns the scopes in which the phone's rows differ from the server's rows.
    ///
    /// A scope is skipped when its state equals the state at the last check.
    func check(_ scopes: [ScopeState], _ database: Database) throws -> [ScopeState] {
        let known = checked.withLock { checked in
            checked.answers += 1
            if checked.answers >= Self.answersBetweenChecks { checked = Checked() }
            return checked.scopes
        }
        let damaged = try Self.damaged(scopes.filter { known[$0.scope] != $0 }, database)
        checked.withLock { checked in
            checked.scopes = Dictionary(scopes.map { ($0.scope, $0) }) { first, _ in first }
            for scope in damaged { checked.scopes[scope.scope] = nil }
        }
        return damaged
    }

    /// Replaces a scope's rows with ids that end in `suffix` by the server's rows.
    func repair(_ scope: String, suffix: String, with rows: [SyncRow]) throws {
        checkEverything()
        try database.write { database in
            try database.execute(
                sql: "DELETE FROM row WHERE scope = ?1 AND (?2 = '' OR substr(id, -length(?2)) = ?2)",
                arguments: [scope, suffix]
            )
            for row in rows {
                guard let content = row.content else { continue }
                try Self.insert(scope, row.kind, row.id, content, database)
            }
            try rebase(database)
        }
    }

    /// Counts and digests of a scope's rows, grouped by the last digits of the id.
    ///
    /// The grouping key has two digits more than `suffix`.
    func buckets(of scope: String, suffix: String) throws -> [String: (count: Int, digest: UInt64)] {
        try database.read { database in
            var buckets: [String: (count: Int, digest: UInt64)] = [:]
            try Self.forEach(in: scope, suffix: suffix, database) { id, hash in
                let key = String(id.suffix(suffix.utf8.count + 2))
                buckets[key, default: (0, 0)].count += 1
                buckets[key, default: (0, 0)].digest ^= hash
            }
            return buckets
        }
    }

    /// Starts to read everything from the beginning.
    ///
    /// The rows on the phone stay visible until the reading is complete. Local mutations stay too.
    func beginAnew() throws {
        checkEverything()
        try database.write { database in
            try database.execute(
                sql: """
                    DELETE FROM staged;
                    INSERT INTO staged (scope) SELECT DISTINCT scope FROM row;
                    DELETE FROM state WHERE name IN ('page', 'cursor');
                    """
            )
        }
    }

    /// Reads all rows of the scopes, and returns the scopes in which the phone's rows differ from the server's rows.
    func damaged(_ scopes: [ScopeState]) throws -> [ScopeState] { try database.read { try Self.damaged(scopes, $0) } }

    static func damaged(_ scopes: [ScopeState], _ database: Database) throws -> [ScopeState] {
        try scopes.filter { scope in
            var count = 0
            var digest: UInt64 = 0
            try forEach(in: scope.scope, suffix: "", database) { _, hash in
                count += 1
                digest ^= hash
            }
            return count != scope.count || digest != UInt64(scope.digest, radix: 16)
        }
    }

    /// Calls `body` with each row's id and the hash of the row as it is stored now.
    ///
    /// The hash is computed anew, so a row that a bad memory cell has altered is found.
    static func forEach(
        in scope: String,
        suffix: String,
        _ database: Database,
        _ body: (String, UInt64) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT id, CAST(kind || char(10) || id || char(10) || body AS BLOB) FROM row
                WHERE scope = ?1 AND (?2 = '' OR substr(id, -length(?2)) = ?2)
                """,
            arguments: [scope, suffix]
        )
        while let row = try rows.next() {
            let hash = try row.withUnsafeData(atIndex: 1) { SyncRow.hash(of: $0 ?? Data()) }
            try body(row[0], hash)
        }
    }
}
