public import Foundation
import GRDB
import GuestModels
import SyncMessages
import Synchronization

extension LocalStore {
    /// An entity as the app shows it: the server's row, changed by mutations that the rows do not show yet.
    public struct Entity: Hashable, Sendable {
        public let scope: String
        public let kind: String
        public let id: UUID
        /// The entity as JSON.
        public let body: String

        public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try JSONDecoder.ofRows.decode(type, from: Data(body.utf8))
        }
    }

    public func entities(_ kind: String, in scope: String? = nil) throws -> [Entity] {
        try database.read { try Self.entities(kind, in: scope, $0) }
    }

    /// The entities of a kind, now and after every change.
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

    static func entities(_ kind: String, in scope: String?, _ database: Database) throws -> [Entity] {
        try Row.fetchAll(
            database,
            sql: "SELECT scope, id, body FROM shown WHERE kind = ? AND (?2 IS NULL OR scope = ?2) ORDER BY scope, id",
            arguments: [kind, scope]
        ).map { row in Entity(scope: row[0], kind: kind, id: try id(row[1]), body: row[2]) }
    }

    /// Every row from the server as `scope kind id body`, sorted.
    package func contents() throws -> [String] {
        try database.read {
            try String.fetchAll($0, sql: "SELECT scope || ' ' || kind || ' ' || id || ' ' || body FROM row ORDER BY 1")
        }
    }
}
