public import Foundation
import GRDB
public import GuestModels
import SyncMessages
import Synchronization

/// How a mutation looks on the phone that made it, until the server has answered.
///
/// A mutator must give the same result for the same rows, because it runs again after every answer.
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

extension Mutator {
    /// The mutators of all features, by name and version.
    public static let all = [planning, albums, messages, guestBook].reduce(into: [:]) { all, its in
        all.merge(its) { first, _ in first }
    }
}

/// Lets a mutator read the shown rows and change how they look; valid only while the mutator runs.
public struct Overlay {
    /// The guest whose phone this is.
    public let guest: Guest.ID
    let database: Database

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

    /// Shows `value` as the entity; nil hides the entity.
    public func show(_ kind: String, _ id: UUID, in scope: String, as value: (some Encodable)?) throws {
        let text = try value.map { String(decoding: try JSONEncoder.ofArguments.encode($0), as: UTF8.self) }
        try database.execute(
            sql: "INSERT OR REPLACE INTO overlay VALUES (?, ?, ?, ?)",
            arguments: [scope, kind, id.lowercasedText, text]
        )
    }
}
