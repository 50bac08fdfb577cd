import Foundation
import GRDB

/// The sandbox's file: objects as JSON, answers kept for idempotency keys, and webhooks to deliver.
///
/// Each key has its own account, and accounts cannot see each other's objects.
struct Store: Sendable {
    private let pool: DatabasePool

    init(path: String) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        pool = try DatabasePool(path: path, configuration: configuration)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE object (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        account TEXT NOT NULL,
                        id TEXT NOT NULL UNIQUE,
                        kind TEXT NOT NULL,
                        -- The intent it belongs to, where it does.
                        intent TEXT,
                        body TEXT NOT NULL
                    );
                    CREATE INDEX object_by_kind ON object (account, kind, number);
                    CREATE INDEX object_by_intent ON object (intent, kind) WHERE intent IS NOT NULL;
                    CREATE TABLE answer (
                        account TEXT NOT NULL,
                        key TEXT NOT NULL,
                        fingerprint TEXT NOT NULL,
                        status INTEGER NOT NULL,
                        body TEXT NOT NULL,
                        PRIMARY KEY (account, key)
                    );
                    CREATE TABLE endpoint (
                        account TEXT NOT NULL,
                        id TEXT NOT NULL,
                        url TEXT NOT NULL,
                        secret TEXT NOT NULL,
                        PRIMARY KEY (account, id)
                    );
                    CREATE TABLE delivery (
                        event TEXT NOT NULL,
                        account TEXT NOT NULL,
                        endpoint TEXT NOT NULL,
                        body TEXT NOT NULL,
                        tries INTEGER NOT NULL DEFAULT 0,
                        next_at REAL NOT NULL,
                        PRIMARY KEY (event, endpoint)
                    );
                    CREATE INDEX delivery_due ON delivery (next_at);
                    -- What comes about by itself: a direct debit that clears, a refund that arrives.
                    CREATE TABLE later (
                        id TEXT PRIMARY KEY,
                        account TEXT NOT NULL,
                        at REAL NOT NULL
                    );
                    """
            )
        }
        try migrator.migrate(pool)
    }

    func write<Value: Sendable>(_ body: @Sendable (Writing) throws -> Value) async throws -> Value {
        try await pool.write { try body(Writing(db: $0)) }
    }

    func read<Value: Sendable>(_ body: @Sendable (Writing) throws -> Value) async throws -> Value {
        try await pool.read { try body(Writing(db: $0)) }
    }
}

/// The store inside one transaction.
struct Writing {
    let db: Database

    // MARK: Objects

    func put<Item: StripeObject>(_ item: Item, intent: String? = nil, of account: String) throws {
        try db.execute(
            sql: """
                INSERT INTO object (account, id, kind, intent, body) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET body = excluded.body
                """,
            arguments: [account, item.id, Item.kind, intent, try encode(item)]
        )
    }

    func find<Item: StripeObject>(_ id: String, of account: String? = nil) throws -> Item? {
        let body = try String.fetchOne(
            db,
            sql: "SELECT body FROM object WHERE id = ? AND kind = ? AND (account = ? OR ? IS NULL)",
            arguments: [id, Item.kind, account, account]
        )
        return try body.map { try JSONDecoder.stripe.decode(Item.self, from: Data($0.utf8)) }
    }

    func account(of id: String) throws -> String? {
        try String.fetchOne(db, sql: "SELECT account FROM object WHERE id = ?", arguments: [id])
    }

    func all<Item: StripeObject>(of intent: String) throws -> [Item] {
        try String.fetchAll(
            db,
            sql: "SELECT body FROM object WHERE intent = ? AND kind = ? ORDER BY number DESC",
            arguments: [intent, Item.kind]
        ).map { try JSONDecoder.stripe.decode(Item.self, from: Data($0.utf8)) }
    }

    /// Lists objects, newest first, as Stripe does; `after` is the last id of the previous page.
    func page<Item: StripeObject>(
        of account: String,
        after: String?,
        intent: String? = nil,
        createdSince: Int64? = nil,
        limit: Int
    ) throws -> (items: [Item], hasMore: Bool) {
        let bodies = try String.fetchAll(
            db,
            sql: """
                SELECT body FROM object
                WHERE account = ? AND kind = ? AND (intent = ? OR ? IS NULL)
                    AND number < coalesce((SELECT number FROM object WHERE id = ?), 9223372036854775807)
                    AND (json_extract(body, '$.created') >= ? OR ? IS NULL)
                ORDER BY number DESC LIMIT ?
                """,
            arguments: [account, Item.kind, intent, intent, after, createdSince, createdSince, limit + 1]
        )
        let items = try bodies.prefix(limit).map { try JSONDecoder.stripe.decode(Item.self, from: Data($0.utf8)) }
        return (items, bodies.count > limit)
    }

    // MARK: Repeats

    struct Kept {
        let fingerprint: String
        let status: Int
        let body: String
    }

    func kept(_ key: String, of account: String) throws -> Kept? {
        try Row.fetchOne(
            db,
            sql: "SELECT fingerprint, status, body FROM answer WHERE account = ? AND key = ?",
            arguments: [account, key]
        ).map { Kept(fingerprint: $0["fingerprint"], status: $0["status"], body: $0["body"]) }
    }

    func keep(_ kept: Kept, under key: String, of account: String) throws {
        try db.execute(
            sql: "INSERT INTO answer (account, key, fingerprint, status, body) VALUES (?, ?, ?, ?, ?)",
            arguments: [account, key, kept.fingerprint, kept.status, kept.body]
        )
    }

    // MARK: Webhooks

    func setEndpoint(_ id: String, url: String, secret: String, of account: String) throws {
        try db.execute(
            sql: """
                INSERT INTO endpoint (account, id, url, secret) VALUES (?, ?, ?, ?)
                ON CONFLICT (account, id) DO UPDATE SET url = excluded.url, secret = excluded.secret
                """,
            arguments: [account, id, url, secret]
        )
    }

    /// Stores an event and queues its deliveries; the key's endpoints also get events of its connected accounts.
    func emit(_ event: Event, of account: String, at now: Double) throws {
        try put(event, of: account)
        let key = account.split(separator: " ").first.map(String.init) ?? account
        try db.execute(
            sql: """
                INSERT INTO delivery (event, account, endpoint, body, next_at)
                SELECT ?, account, id, ?, ? FROM endpoint WHERE account = ?
                """,
            arguments: [event.id, try encode(event), now, key]
        )
    }

    struct Delivery: Sendable {
        let event: String
        let endpoint: String
        let url: String
        let secret: String
        let body: String
        let tries: Int
    }

    func due(at now: Double, limit: Int) throws -> [Delivery] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT event, endpoint, url, secret, body, tries
                FROM delivery JOIN endpoint ON endpoint.account = delivery.account AND endpoint.id = endpoint
                WHERE next_at <= ? ORDER BY next_at LIMIT ?
                """,
            arguments: [now, limit]
        ).map {
            Delivery(
                event: $0["event"],
                endpoint: $0["endpoint"],
                url: $0["url"],
                secret: $0["secret"],
                body: $0["body"],
                tries: $0["tries"]
            )
        }
    }

    func delivered(_ delivery: Delivery) throws {
        try db.execute(
            sql: "DELETE FROM delivery WHERE event = ? AND endpoint = ?",
            arguments: [delivery.event, delivery.endpoint]
        )
    }

    func retry(_ delivery: Delivery, at next: Double) throws {
        try db.execute(
            sql: "UPDATE delivery SET tries = tries + 1, next_at = ? WHERE event = ? AND endpoint = ?",
            arguments: [next, delivery.event, delivery.endpoint]
        )
    }

    // MARK: Later

    func later(_ id: String, of account: String, at: Double) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO later (id, account, at) VALUES (?, ?, ?)",
            arguments: [id, account, at]
        )
    }

    /// Removes and returns the entries that are due.
    func takeLater(at now: Double) throws -> [(id: String, account: String)] {
        let rows = try Row.fetchAll(db, sql: "SELECT id, account FROM later WHERE at <= ?", arguments: [now])
        try db.execute(sql: "DELETE FROM later WHERE at <= ?", arguments: [now])
        return rows.map { ($0["id"], $0["account"]) }
    }

    private func encode(_ item: some Encodable) throws -> String {
        String(decoding: try JSONEncoder.stripe.encode(item), as: UTF8.self)
    }
}
