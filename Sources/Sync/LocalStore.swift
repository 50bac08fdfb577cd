public import Foundation
import GRDB
public import GuestModels
import Synchronization

/// What a phone keeps: rows as the server has them, what was done here and not yet told, and what both look like together.
///
/// One SQLite file. Everything that belongs together changes in one transaction, so a phone that dies at any instant goes
/// on from where it was.
public final class LocalStore: Sendable {
    private let database: DatabasePool
    private let guest: Guest.ID
    private let mutators: [String: Mutator]
    /// Bytes that fetched photos may take, those left out that wait to be sent.
    let photoBudget: Int
    private let checked = Mutex(Checked())

    /// What was found to be as the server has it, so that nothing is looked at twice for nothing.
    private struct Checked {
        var scopes: [String: ScopeState] = [:]
        /// Answers since everything was looked at.
        var answers = 0
    }

    /// After so many answers everything is looked at again, also what has not changed: memory cells go bad.
    static let answersBetweenChecks = 200

    /// Opens the file, or makes it.
    ///
    /// - Parameters:
    ///   - path: of a file that is the app's alone; on iOS give its folder a protection class.
    ///   - guest: whose phone it is.
    ///   - mutators: what each kind of mutation looks like until the server has said so, by name with version.
    ///   - photoBudget: bytes that fetched photos may take; those looked at longest ago go first.
    ///   - isForgetting: whether what another guest has not told the server yet may go. Ask them first.
    /// - Throws: `OtherGuest` where the file has something of another guest that the server does not know. A file of another
    ///   guest without such things goes at once, and nothing of it can be read any more.
    public init(
        path: String,
        of guest: Guest.ID,
        mutators: [String: Mutator] = [:],
        photoBudget: Int = 200 << 20,
        isForgetting: Bool = false
    ) throws {
        var opened = try Self.open(path)
        let former = try opened.read { try Self.state("guest", $0) }
        if let former, former != guest.description {
            let unsent = try opened.read { database in
                try Int.fetchOne(
                    database,
                    sql: """
                        SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM refused)
                            + (SELECT count(*) FROM photo WHERE received IS NOT NULL)
                        """
                ) ?? 0
            }
            try opened.close()
            guard unsent == 0 || isForgetting else { throw OtherGuest(unsent: unsent) }
            // The file and not its rows: what is deleted in a file stays readable in its free pages.
            try Self.remove(path: path)
            opened = try Self.open(path)
        }
        database = opened
        self.mutators = mutators
        self.guest = guest
        self.photoBudget = photoBudget
        try database.write { try Self.set("guest", guest.description, $0) }
    }

    /// The file has things of another guest that the server does not know.
    public struct OtherGuest: Error, Hashable {
        /// How many mutations and photos: those that wait, and those that were refused and nobody has looked at.
        public let unsent: Int
    }

    private static func open(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        let database = try DatabasePool(path: path, configuration: configuration)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: tables) }
        migrator.registerMigration("2") { try $0.execute(sql: photoTable + "DROP INDEX staged_by_key") }
        migrator.registerMigration("3") { try $0.execute(sql: photoTries) }
        try migrator.migrate(database)
        return database
    }

    /// Looks at everything when the next answer comes, also at what has not changed.
    public func checkEverything() { checked.withLock { $0 = Checked() } }

    /// Everything of the account leaves the phone.
    public static func remove(path: String) throws {
        for end in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + end) {
            try FileManager.default.removeItem(atPath: path + end)
        }
    }

    public func close() throws { try database.close() }

    /// `row` is what the server has said, `staged` what it has begun to say, `pending` what was done here and waits, `done`
    /// what it has done and not shown yet, `overlay` what both look like.
    private static let tables = """
        CREATE TABLE row (
            scope TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, hash INTEGER NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (scope, kind, id)
        ) WITHOUT ROWID;
        CREATE INDEX row_by_kind ON row (kind, id);
        CREATE TABLE staged (
            place INTEGER PRIMARY KEY, scope TEXT NOT NULL, kind TEXT, id TEXT, hash INTEGER, body TEXT
        );
        CREATE INDEX staged_by_key ON staged (scope, kind, id, place);
        CREATE TABLE pending (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, arguments TEXT NOT NULL,
            at REAL NOT NULL
        );
        CREATE TABLE done (
            place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, arguments TEXT NOT NULL,
            at REAL NOT NULL
        );
        CREATE TABLE refused (
            place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, arguments TEXT NOT NULL,
            at REAL NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL
        );
        CREATE TABLE overlay (
            scope TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT, PRIMARY KEY (scope, kind, id)
        ) WITHOUT ROWID;
        CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE VIEW shown AS
        SELECT scope, kind, id, body FROM overlay WHERE body IS NOT NULL
        UNION ALL
        SELECT scope, kind, id, body FROM row AS told WHERE NOT EXISTS (
            SELECT 1 FROM overlay
            WHERE overlay.scope = told.scope AND overlay.kind = told.kind AND overlay.id = told.id
        );
        """

    // MARK: Reading

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try database.read(body) }
    func write<Value>(_ body: (Database) throws -> Value) throws -> Value { try database.write(body) }

    /// An entity as the app shows it: what the server said, changed by what was done here since.
    public struct Entity: Hashable, Sendable {
        public let scope: String
        public let kind: String
        public let id: UUID
        /// JSON.
        public let body: String

        public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try JSONDecoder.ofRows.decode(type, from: Data(body.utf8))
        }
    }

    public func entities(_ kind: String, in scope: String? = nil) throws -> [Entity] {
        try database.read { try Self.entities(kind, in: scope, $0) }
    }

    /// The same, now and after every change.
    public func observe(_ kind: String, in scope: String? = nil) -> AsyncThrowingStream<[Entity], any Error> {
        let values = ValueObservation.tracking { try Self.entities(kind, in: scope, $0) }.removeDuplicates()
            .values(in: database)
        return AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    for try await value in values { continuation.yield(value) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private static func entities(_ kind: String, in scope: String?, _ database: Database) throws -> [Entity] {
        try Row.fetchAll(
            database,
            sql: "SELECT scope, id, body FROM shown WHERE kind = ? AND (?2 IS NULL OR scope = ?2) ORDER BY scope, id",
            arguments: [kind, scope]
        ).map { row in Entity(scope: row[0], kind: kind, id: try id(row[1]), body: row[2]) }
    }

    /// Every row that the server has told, as `scope kind id body`, in order.
    package func contents() throws -> [String] {
        try database.read {
            try String.fetchAll($0, sql: "SELECT scope || ' ' || kind || ' ' || id || ' ' || body FROM row ORDER BY 1")
        }
    }

    /// A row that no server has told.
    package func forge(kind: String, in scope: String) throws {
        let id = UUID()
        let content = SyncRow.Content(hash: SyncRow.hash(kind: kind, id: id, body: "{}"), body: "{}")
        try database.write { try Self.insert(scope, kind, id, content, $0) }
    }

    /// A cursor that no server knows.
    package func spoilCursor() throws { try database.write { try Self.set("cursor", "spoilt", $0) } }

    /// As a backup of the phone would.
    package func copy(to path: String) throws {
        let target = try DatabaseQueue(path: path)
        try database.backup(to: target)
        try target.close()
    }

    /// Whether the phone has no room left for more.
    package func fillUp(_ isFull: Bool) throws {
        try database.writeWithoutTransaction { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(isFull ? pages : 1_073_741_823)")
        }
    }

    /// What a bad flash cell does: one row of the kind says something else.
    package func damage(kind: String) throws {
        try database.write { database in
            try database.execute(
                sql:
                    "UPDATE row SET body = replace(body, 'x', 'y') WHERE id = (SELECT max(id) FROM row WHERE kind = ?)",
                arguments: [kind]
            )
        }
    }

    private static func id(_ text: String) throws -> UUID {
        guard let id = UUID(uuidString: text) else { throw SyncLine.Malformed() }
        return id
    }

    // MARK: Doing

    /// Writes down what somebody does; it shows at once and is told to the server when there is a network.
    ///
    /// - Returns: its id.
    /// - Throws: `TooLarge` for arguments that no request has room for.
    @discardableResult
    public func perform(_ name: String, _ arguments: some Encodable, at now: Date, id: UUID = UUID()) throws -> UUID {
        let text = String(decoding: try JSONEncoder.ofArguments.encode(arguments), as: UTF8.self)
        guard text.utf8.count <= SyncRequest.maximumArguments, (1...100).contains(name.unicodeScalars.count) else {
            throw TooLarge()
        }
        let deed = Deed(id: id, name: name, arguments: text, at: now)
        try database.write { try perform(deed, $0) }
        return id
    }

    /// Its arguments have more than `SyncRequest.maximumArguments` bytes, or its name more than 100 characters.
    public struct TooLarge: Error {}

    private func perform(_ deed: Deed, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO pending (sequence, id, name, arguments, at)
                VALUES (1 + max(coalesce((SELECT max(sequence) FROM pending), 0),
                    coalesce((SELECT CAST(value AS INTEGER) FROM state WHERE name = 'told'), 0)), ?, ?, ?, ?)
                """,
            arguments: [deed.id.lowercasedText, deed.name, deed.arguments, deed.at.timeIntervalSince1970]
        )
        try run(deed, database)
    }

    /// Something that was done here.
    public struct Deed: Codable, Hashable, Sendable {
        public let id: UUID
        /// With its version.
        public let name: String
        /// JSON.
        public let arguments: String
        public let at: Date
    }

    /// What the server would not do, for whoever did it to see.
    public struct Refused: Codable, Hashable, Sendable {
        public let deed: Deed
        public let code: String
        public let detail: String
    }

    /// What waits to be told, oldest first; its count is what the app shows as unsent.
    public func pending() throws -> [Deed] { try database.read { try Self.pending($0) } }

    /// How many wait, now and after every change.
    public var unsentCounts: AsyncStream<Int> {
        let counts = ValueObservation.tracking { try Int.fetchOne($0, sql: "SELECT count(*) FROM pending") ?? 0 }
            .removeDuplicates().values(in: database)
        return AsyncStream { continuation in
            let task = Task {
                do { for try await count in counts { continuation.yield(count) } } catch {}
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    public func refused() throws -> [Refused] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT id, name, arguments, at, code, detail FROM refused ORDER BY place")
                .map { Refused(deed: try Self.deed($0), code: $0[4], detail: $0[5]) }
        }
    }

    /// Does what was refused once more, as something new.
    public func retry(_ id: UUID, at now: Date) throws {
        try database.write { database in
            guard
                let row = try Row.fetchOne(
                    database,
                    sql: "DELETE FROM refused WHERE id = ? RETURNING id, name, arguments, at",
                    arguments: [id.lowercasedText]
                )
            else { return }
            let former = try Self.deed(row)
            try perform(Deed(id: UUID(), name: former.name, arguments: former.arguments, at: now), database)
        }
    }

    /// Takes what was refused off the list.
    public func discard(_ id: UUID) throws {
        try database.write { database in
            try database.execute(sql: "DELETE FROM refused WHERE id = ?", arguments: [id.lowercasedText])
        }
    }

    /// Everything that has not been done on the server, as JSON, to be sent to somebody who can help.
    public func exportUnsent() throws -> Data {
        struct Export: Encodable {
            let pending: [Deed]
            let refused: [Refused]
        }
        return try JSONEncoder.ofArguments.encode(Export(pending: try pending(), refused: try refused()))
    }

    private static func pending(_ database: Database) throws -> [Deed] {
        try Row.fetchAll(database, sql: "SELECT id, name, arguments, at FROM pending ORDER BY sequence").map(deed)
    }

    private static func deed(_ row: Row) throws -> Deed {
        Deed(id: try id(row[0]), name: row[1], arguments: row[2], at: Date(timeIntervalSince1970: row[3]))
    }

    // MARK: Exchanging

    /// What the next request carries.
    struct Outgoing: Sendable {
        var deviceId: UUID
        var isRegistered: Bool
        var cursor: String?
        var mutations: [Mutation]
    }

    func outgoing(atMost count: Int, bytes: Int) throws -> Outgoing {
        let device = try deviceID()
        return try database.read { database in
            var room = bytes
            var mutations: [Mutation] = []
            for row in try Row.fetchAll(
                database,
                sql: """
                    SELECT id, name, arguments, at, sequence FROM pending ORDER BY sequence LIMIT ?
                    """,
                arguments: [count]
            ) {
                let deed = try Self.deed(row)
                // Escaped as a text in a text, it may take twice the room.
                room -= 2 * deed.arguments.utf8.count + 200
                guard mutations.isEmpty || room >= 0 else { break }
                mutations.append(
                    Mutation(sequence: row[4], id: deed.id, name: deed.name, arguments: deed.arguments, at: deed.at)
                )
            }
            return Outgoing(
                deviceId: device,
                isRegistered: try Self.state("registered", database) != nil,
                cursor: try Self.cursor(database),
                mutations: mutations
            )
        }
    }

    /// The name that this phone goes by; made when it is first asked for.
    private func deviceID() throws -> UUID {
        if let text = try database.read({ try Self.state("device", $0) }) { return try Self.id(text) }
        return try database.write { database in
            if let text = try Self.state("device", database) { return try Self.id(text) }
            let device = UUID()
            try Self.set("device", device.lowercasedText, database)
            return device
        }
    }

    func registered() throws { try database.write { try Self.set("registered", "1", $0) } }

    /// Another guest goes by the device's name: a new one.
    func rename() throws { try database.write { try Self.rename($0) } }

    func unregister() throws {
        try database.write { try $0.execute(sql: "DELETE FROM state WHERE name = 'registered'") }
    }

    /// What an answer said of what was done, and what is new; all of it in one transaction.
    ///
    /// - Parameter cursor: that it was asked with. When another answer has moved on since, what is new in this one is old.
    /// - Returns: scopes whose rows here are not what the server has, for repair.
    package func take(_ lines: [SyncLine], since cursor: String?) throws -> (isComplete: Bool, damaged: [ScopeState]) {
        if try isNoNews(lines, since: cursor) { return (true, []) }
        return try database.write { database in
            let isNew = try Self.cursor(database) == cursor
            var (scope, order) = ("", 0)
            var news: [News] = []
            var damaged: [ScopeState] = []
            var isComplete = false
            for line in lines where isNew || line.isOfPush {
                switch line {
                case .outcome(let sequence, let outcome): try Self.settle(sequence, outcome, database)
                case .expected(let sequence): try Self.renumber(from: sequence, database)
                case .forked:
                    // A new name; what waits keeps its ids, so that nothing is done twice.
                    try Self.rename(database)
                case .busy: break
                case .scope(let name): (scope, order) = (name, order + 1)
                case .reset(let name), .removed(let name):
                    (scope, order) = (name, order + 1)
                    news.append(News(scope: name, order: order, row: nil))
                case .row(let row): news.append(News(scope: scope, order: order, row: row))
                case .page(let cursor):
                    try Self.stage(news, database)
                    news = []
                    try Self.set("page", cursor, database)
                case .complete(let cursor, let scopes):
                    try database.execute(sql: "DELETE FROM done")
                    let hasParts = try Int.fetchOne(database, sql: "SELECT 1 FROM staged LIMIT 1") != nil
                    if hasParts || news.contains(where: { $0.row == nil }) {
                        try Self.stage(news, database)
                        try Self.flip(database)
                    } else {
                        try Self.apply(news, database)
                    }
                    news = []
                    try Self.keep(scopes, database)
                    try database.execute(sql: "DELETE FROM state WHERE name = 'page'")
                    try Self.set("cursor", cursor, database)
                    damaged = try check(scopes, database)
                    isComplete = true
                }
            }
            try rebase(database)
            return (isComplete, damaged)
        }
    }

    /// Whether an answer says nothing but that all is as it was when it was last looked at; then nothing is written.
    private func isNoNews(_ lines: [SyncLine], since cursor: String?) throws -> Bool {
        guard lines.count == 1, case .complete(let told, let scopes)? = lines.first, told == cursor else {
            return false
        }
        let isKnown = checked.withLock { checked in
            checked.answers += 1
            return checked.answers < Self.answersBetweenChecks && checked.scopes.count == scopes.count
                && scopes.allSatisfy { checked.scopes[$0.scope] == $0 }
        }
        guard isKnown else { return false }
        return try database.read { database in
            let isBetween = try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM done) OR EXISTS (SELECT 1 FROM staged)"
            )
            return try Self.cursor(database) == cursor && isBetween == false
        }
    }

    /// Those of the scopes whose rows here are not what the server has; what is as it was found before is not looked at.
    private func check(_ scopes: [ScopeState], _ database: Database) throws -> [ScopeState] {
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

    /// A scope's rows with these last digits, as the server has them, in place of ours.
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

    /// Count and digest of what is here, by two digits more than `suffix` has.
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

    /// Reads anew from the start; what is here shows until that is complete, and what was done here stays.
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

    /// Those of the scopes whose rows here are not what the server has.
    func damaged(_ scopes: [ScopeState]) throws -> [ScopeState] { try database.read { try Self.damaged(scopes, $0) } }
}

// MARK: In a transaction

extension LocalStore {
    private static func state(_ name: String, _ database: Database) throws -> String? {
        try String.fetchOne(database, sql: "SELECT value FROM state WHERE name = ?", arguments: [name])
    }

    /// How far it has read, in the middle of an answer or at its end.
    private static func cursor(_ database: Database) throws -> String? {
        try state("page", database) ?? state("cursor", database)
    }

    private static func set(_ name: String, _ value: String, _ database: Database) throws {
        try database.execute(sql: "INSERT OR REPLACE INTO state VALUES (?, ?)", arguments: [name, value])
    }

    private static func settle(_ sequence: Int64, _ outcome: Outcome, _ database: Database) throws {
        if outcome.result == .rejected {
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO refused (id, name, arguments, at, code, detail)
                    SELECT id, name, arguments, at, ?, ? FROM pending WHERE id = ?
                    """,
                arguments: [outcome.code ?? "", outcome.detail ?? "", outcome.id.lowercasedText]
            )
        } else {
            // Shows until the rows do.
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO done (id, name, arguments, at)
                    SELECT id, name, arguments, at FROM pending WHERE id = ?
                    """,
                arguments: [outcome.id.lowercasedText]
            )
        }
        try database.execute(sql: "DELETE FROM pending WHERE id = ?", arguments: [outcome.id.lowercasedText])
        try database.execute(
            sql: """
                INSERT INTO state VALUES ('told', ?1)
                ON CONFLICT (name) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))
                """,
            arguments: [sequence]
        )
    }

    private static func rename(_ database: Database) throws {
        try database.execute(sql: "DELETE FROM state WHERE name IN ('device', 'registered', 'told')")
        try renumber(from: 1, database)
    }

    /// Numbers what waits from there on.
    private static func renumber(from first: Int64, _ database: Database) throws {
        let waiting = try pending(database)
        try database.execute(sql: "DELETE FROM pending")
        for (offset, deed) in waiting.enumerated() {
            try database.execute(
                sql: "INSERT INTO pending (sequence, id, name, arguments, at) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    first + Int64(offset), deed.id.lowercasedText, deed.name, deed.arguments,
                    deed.at.timeIntervalSince1970,
                ]
            )
        }
        try set("told", String(first - 1), database)
    }

    /// What an answer says of a scope: a row, or with none that all of it goes which is here.
    private struct News {
        let scope: String
        /// Where the scope came first in the answer.
        let order: Int
        let row: SyncRow?

        /// One that was altered on its way is left out: the digest will tell, and the repair bring it.
        var isAltered: Bool {
            guard let row, let content = row.content else { return false }
            return SyncRow.hash(kind: row.kind, id: row.id, body: content.body) != content.hash
        }
    }

    /// Keeps what is no more than a part.
    private static func stage(_ news: [News], _ database: Database) throws {
        let insert = try database.cachedStatement(
            sql: "INSERT INTO staged (scope, kind, id, hash, body) VALUES (?, ?, ?, ?, ?)"
        )
        for new in news where !new.isAltered {
            let (row, content) = (new.row, new.row?.content)
            try insert.execute(arguments: [
                new.scope, row?.kind, row?.id.lowercasedText, content.map { Int64(bitPattern: $0.hash) }, content?.body,
            ])
        }
    }

    /// What an answer has brought whole, without a stay in between; in the order of the keys, which fills the tree from
    /// one side.
    private static func apply(_ news: [News], _ database: Database) throws {
        let rows = news.enumerated().compactMap { place, new in new.row.map { (place, new, $0) } }.sorted {
            left,
            right in
            let ((place, new, row), (otherPlace, other, otherRow)) = (left, right)
            if new.order != other.order { return new.order < other.order }
            if row.kind != otherRow.kind { return row.kind < otherRow.kind }
            return row.id != otherRow.id ? row.id < otherRow.id : place < otherPlace
        }
        let delete = try database.cachedStatement(sql: "DELETE FROM row WHERE scope = ? AND kind = ? AND id = ?")
        for (_, new, row) in rows where !new.isAltered {
            if let content = row.content {
                try insert(new.scope, row.kind, row.id, content, database)
            } else {
                try delete.execute(arguments: [new.scope, row.kind, row.id.lowercasedText])
            }
        }
    }

    private static func insert(
        _ scope: String,
        _ kind: String,
        _ id: UUID,
        _ content: SyncRow.Content,
        _ database: Database
    ) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?, ?)").execute(arguments: [
            scope, kind, id.lowercasedText, Int64(bitPattern: content.hash), content.body,
        ])
    }

    /// What was staged becomes what is so, in the order it came: of each row the last, between any two times that all of
    /// a scope was to go.
    private static func flip(_ database: Database) throws {
        let last = try Int.fetchOne(database, sql: "SELECT max(place) FROM staged") ?? 0
        let clears = try Row.fetchAll(
            database,
            sql: "SELECT place, scope FROM staged WHERE kind IS NULL ORDER BY place"
        )
        var done = 0
        for (place, scope) in clears.map({ ($0[0] as Int, $0[1] as String?) }) + [(last + 1, nil)] {
            let latest = """
                SELECT scope, kind, id, hash, body, max(place) FROM staged
                WHERE place > \(done) AND place < \(place) GROUP BY scope, kind, id
                """
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO row
                    SELECT scope, kind, id, hash, body FROM (\(latest)) WHERE body IS NOT NULL;
                    DELETE FROM row WHERE (scope, kind, id) IN (
                        SELECT scope, kind, id FROM (\(latest)) WHERE body IS NULL
                    );
                    """
            )
            if let scope { try database.execute(sql: "DELETE FROM row WHERE scope = ?", arguments: [scope]) }
            done = place
        }
        try database.execute(sql: "DELETE FROM staged")
    }

    /// What the guest sees no more goes, also where nobody said so.
    private static func keep(_ scopes: [ScopeState], _ database: Database) throws {
        let names = Set(scopes.map(\.scope))
        for scope in try String.fetchAll(database, sql: "SELECT DISTINCT scope FROM row") where !names.contains(scope) {
            try database.execute(sql: "DELETE FROM row WHERE scope = ?", arguments: [scope])
        }
        for group in try String.fetchAll(database, sql: "SELECT DISTINCT groupId FROM photo")
        where !names.contains("group:\(group)") {
            // One that waits is told first that the group is gone.
            try database.execute(sql: "DELETE FROM photo WHERE groupId = ? AND received IS NULL", arguments: [group])
        }
    }

    private static func damaged(_ scopes: [ScopeState], _ database: Database) throws -> [ScopeState] {
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

    /// Each row's id and the hash of what is here of it, whatever its hash was when it came: what a bad cell has altered
    /// shows.
    private static func forEach(
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

    /// What was done here and not told yet is done again on what the server has said since.
    private func rebase(_ database: Database) throws {
        try database.execute(sql: "DELETE FROM overlay")
        let done = try Row.fetchAll(database, sql: "SELECT id, name, arguments, at FROM done ORDER BY place")
        for deed in try done.map(Self.deed) + Self.pending(database) { try run(deed, database) }
    }

    private func run(_ deed: Deed, _ database: Database) throws {
        guard let mutator = mutators[deed.name] else { return }
        // One that no longer fits shows nothing of it; the server will say why.
        try? database.inSavepoint {
            try mutator.apply(deed, Overlay(guest: guest, database: database))
            return .commit
        }
    }
}

/// What a mutation looks like on the phone that made it, until the server has said what became of it.
///
/// Must come to the same from the same rows: it runs again after every answer.
public struct Mutator: Sendable {
    let apply: @Sendable (LocalStore.Deed, Overlay) throws -> Void

    public init<Arguments: Decodable & SendableMetatype>(
        of type: Arguments.Type = Arguments.self,
        _ apply: @escaping @Sendable (Arguments, LocalStore.Deed, Overlay) throws -> Void
    ) {
        self.apply = { deed, overlay in
            let arguments = try JSONDecoder.ofRows.decode(Arguments.self, from: Data(deed.arguments.utf8))
            try apply(arguments, deed, overlay)
        }
    }
}

/// Where a mutator reads what is shown and says what it makes of it; good for as long as the mutator runs.
public struct Overlay {
    /// Whose phone it is.
    public let guest: Guest.ID
    fileprivate let database: Database

    public func body<Value: Decodable>(
        _ kind: String,
        _ id: UUID,
        in scope: String,
        as type: Value.Type = Value.self
    ) throws -> Value? {
        let text = try String.fetchOne(
            database,
            sql: "SELECT body FROM shown WHERE scope = ? AND kind = ? AND id = ?",
            arguments: [scope, kind, id.lowercasedText]
        )
        return try text.map { try JSONDecoder.ofRows.decode(type, from: Data($0.utf8)) }
    }

    /// nil takes it away.
    public func show(_ kind: String, _ id: UUID, in scope: String, as value: (some Encodable)?) throws {
        let text = try value.map { String(decoding: try JSONEncoder.ofArguments.encode($0), as: UTF8.self) }
        try database.execute(
            sql: "INSERT OR REPLACE INTO overlay VALUES (?, ?, ?, ?)",
            arguments: [scope, kind, id.lowercasedText, text]
        )
    }
}

extension JSONDecoder {
    static var ofRows: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard let date = try? Date(text, strategy: .iso8601WithFraction) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be an instant")
            }
            return date
        }
        return decoder
    }
}

extension JSONEncoder {
    static var ofArguments: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.formatted(.iso8601WithFraction))
        }
        return encoder
    }
}

extension ParseStrategy where Self == Date.ISO8601FormatStyle {
    fileprivate static var iso8601WithFraction: Self { .init(includingFractionalSeconds: true) }
}

extension FormatStyle where Self == Date.ISO8601FormatStyle {
    fileprivate static var iso8601WithFraction: Self { .init(includingFractionalSeconds: true) }
}
