public import Foundation
import GRDB
import GuestModels
import SyncMessages
import Synchronization

extension LocalStore {
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

    static func pending(_ database: Database) throws -> [Deed] {
        try Row.fetchAll(database, sql: "SELECT id, name, arguments, at FROM pending ORDER BY sequence").map(deed)
    }

    static func deed(_ row: Row) throws -> Deed {
        Deed(id: try id(row[0]), name: row[1], arguments: row[2], at: Date(timeIntervalSince1970: row[3]))
    }

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

    /// Another guest goes by the device's name: a new one.
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

    static func rename(_ database: Database) throws {
        try database.execute(sql: "DELETE FROM state WHERE name IN ('device', 'registered', 'told')")
        try renumber(from: 1, database)
    }

    /// Numbers what waits from there on.
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

    /// What was done here and not told yet is done again on what the server has said since.
    func rebase(_ database: Database) throws {
        try database.execute(sql: "DELETE FROM overlay")
        let done = try Row.fetchAll(database, sql: "SELECT id, name, arguments, at FROM done ORDER BY place")
        for deed in try done.map(Self.deed) + Self.pending(database) { try run(deed, database) }
    }

    func run(_ deed: Deed, _ database: Database) throws {
        guard let mutator = mutators[deed.name] else { return }
        // One that no longer fits shows nothing of it; the server will say why.
        try? database.inSavepoint {
            try mutator.apply(deed, Overlay(guest: guest, database: database))
            return .commit
        }
    }
}
