public import Foundation
import GRDB
import GuestModels
import SyncMessages
import Synchronization

extension LocalStore {
    /// Records a mutation; the app shows it at once, and the server hears of it when there is a network.
    ///
    /// - Returns: the mutation's id.
    /// - Throws: `TooLarge` when the name or the arguments are too long for a request.
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

    /// A mutation or a photo is too large to be sent.
    ///
    /// A mutation's arguments may have `SyncRequest.maximumArguments` bytes and its name 1 to 100 characters. A photo
    /// may have 1 to `PhotoName.maximumBytes` bytes.
    public struct TooLarge: Error {}

    func perform(_ deed: Deed, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO pending (sequence, id, name, arguments, at)
                VALUES (1 + max(coalesce((SELECT max(sequence) FROM pending), 0),
                    coalesce((SELECT CAST(value AS INTEGER) FROM state WHERE name = 'told'), 0)), ?, ?, ?, ?)
                """,
            arguments: [deed.id.lowercasedText, deed.name, deed.arguments, deed.at.timeIntervalSince1970]
        )
        try run(deed, database)
        try Self.notifyObservers(database)
    }

    /// A mutation that somebody made on this phone.
    public struct Deed: Codable, Hashable, Sendable {
        public let id: UUID
        /// The name of the mutation with its version, such as `planItem.change@1`.
        public let name: String
        /// The arguments as JSON.
        public let arguments: String
        public let at: Date
    }

    /// A mutation that the server refused; the app shows it to the person who made it.
    public struct Refused: Codable, Hashable, Sendable {
        public let deed: Deed
        public let code: String
        public let detail: String
    }

    /// The mutations that wait to be sent, oldest first; the app shows their count as unsent.
    public func pending() throws -> [Deed] { try database.read { try Self.pending($0) } }

    /// The number of waiting mutations, now and after every change.
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

    /// Makes a refused mutation once more, with a new id and a new time.
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

    /// Deletes a refused mutation from the list.
    public func discard(_ id: UUID) throws {
        try database.write { database in
            try database.execute(sql: "DELETE FROM refused WHERE id = ?", arguments: [id.lowercasedText])
        }
    }

    /// Exports all waiting and refused mutations as JSON, so that the guest can send them to somebody who helps.
    public func exportUnsent() throws -> Data {
        struct Export: Encodable {
            let pending: [Deed]
            let refused: [Refused]
        }
        return try JSONEncoder.ofArguments.encode(Export(pending: try pending(), refused: try refused()))
    }

    static func pending(_ database: Database) throws -> [Deed] {
        try Row.fetchAll(database, sql: "SELECT id, name, arguments, at FROM pending ORDER BY sequence").map(deed)
    }

    static func deed(_ row: Row) throws -> Deed {
        Deed(id: try id(row[0]), name: row[1], arguments: row[2], at: Date(timeIntervalSince1970: row[3]))
    }

    /// The contents of the next request.
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
                // The arguments are JSON inside a JSON string, so escaping may double their size.
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

    /// The device's id; the first call creates it.
    func deviceID() throws -> UUID {
        if let text = try database.read({ try Self.state("device", $0) }) { return try Self.id(text) }
        return try database.write { database in
            if let text = try Self.state("device", database) { return try Self.id(text) }
            let device = UUID()
            try Self.set("device", device.lowercasedText, database)
            return device
        }
    }

    func registered() throws { try database.write { try Self.set("registered", "1", $0) } }

    /// Gives the device a new id, because another guest already uses the old one.
    func rename() throws { try database.write { try Self.rename($0) } }

    func unregister() throws {
        try database.write { try $0.execute(sql: "DELETE FROM state WHERE name = 'registered'") }
    }

    static func record(_ sequence: Int64, _ outcome: Outcome, _ database: Database) throws {
        if outcome.result == .rejected {
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO refused (id, name, arguments, at, code, detail)
                    SELECT id, name, arguments, at, ?, ? FROM pending WHERE id = ?
                    """,
                arguments: [outcome.code ?? "", outcome.detail ?? "", outcome.id.lowercasedText]
            )
        } else {
            // The overlay shows the mutation until the server's rows show it.
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

    static func rename(_ database: Database) throws {
        try database.execute(sql: "DELETE FROM state WHERE name IN ('device', 'registered', 'told')")
        try renumber(from: 1, database)
    }

    /// Numbers the waiting mutations anew, starting at `first`.
    static func renumber(from first: Int64, _ database: Database) throws {
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

    /// Rebuilds the overlay: runs all done and waiting mutations again on the server's newest rows.
    func rebase(_ database: Database) throws {
        try database.execute(sql: "DELETE FROM overlay")
        let done = try Row.fetchAll(database, sql: "SELECT id, name, arguments, at FROM done ORDER BY place")
        for deed in try done.map(Self.deed) + Self.pending(database) { try run(deed, database) }
        try Self.notifyObservers(database)
    }

    /// Wakes the observers of shown rows once the transaction commits.
    ///
    /// SQLite does not report changes of tables without rowid, and `row` and `overlay` have none.
    private static func notifyObservers(_ database: Database) throws {
        try database.notifyChanges(in: Table("row"))
        try database.notifyChanges(in: Table("overlay"))
    }

    func run(_ deed: Deed, _ database: Database) throws {
        guard let mutator = mutators[deed.name] else { return }
        // A mutation that no longer fits the rows shows nothing. The server's refusal will say why.
        try? database.inSavepoint {
            try mutator.apply(deed, Overlay(guest: guest, database: database))
            return .commit
        }
    }
}
