import Foundation
import GuestModels
import Postgres
import Sync

/// What a writing verb changed, for the phones that show it.
struct Publication: Hashable, Sendable {
    let scope: Scope
    let kind: String
    let id: UUID
    let isDeleted: Bool
}

extension Transaction {
    /// Remembers that an entity of a scope changed.
    ///
    /// A savepoint's rollback forgets it; the transaction writes all of it at once, in the round trip of
    /// COMMIT.
    func publish<Subject>(_ id: Identifier<Subject>, _ kind: String, to scope: Scope, isDeleted: Bool = false) {
        record(Publication(scope: scope, kind: kind, id: id.uuid, isDeleted: isDeleted))
    }
}

enum Publishing {
    /// Locks the touched scopes in order, adds one to each version, and marks each entity with it.
    ///
    /// Because the lock is held until COMMIT, versions have no gaps and are in commit order.
    static func flush(_ notes: [any Sendable]) -> [Command] {
        var latest: [Publication: Bool] = [:]
        var order: [Publication] = []
        for case let note as Publication in notes {
            // Of several changes of one entity the last one counts.
            let key = Publication(scope: note.scope, kind: note.kind, id: note.id, isDeleted: false)
            if latest.updateValue(note.isDeleted, forKey: key) == nil { order.append(key) }
        }
        guard !order.isEmpty else { return [] }
        let scopes = Set(order.map { $0.scope.description }).sorted()
        return [
            PublishingSQL.advance(scopes),
            PublishingSQL.mark(
                scopes: order.map { $0.scope.description },
                kinds: order.map(\.kind),
                ids: order.map(\.id),
                deleted: order.map { latest[$0] ?? false }
            ),
        ]
    }
}
