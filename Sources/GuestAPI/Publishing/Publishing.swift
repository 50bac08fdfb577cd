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

/// What a writing verb changed, for the property system and the accountant of a park.
struct ParkChange: Hashable, Sendable {
    enum Kind: String, Codable, CaseIterable, Sendable {
        case booking, cottage, guest
    }

    let park: Park.ID
    let kind: Kind
    let id: UUID

    /// Whose version numbers the changes.
    var scope: String { "changes:\(park)" }
}

extension Transaction {
    /// Remembers that an entity of a scope changed.
    ///
    /// A savepoint's rollback forgets it; the transaction writes all of it at once, in the round trip of
    /// COMMIT.
    func publish<Subject>(_ id: Identifier<Subject>, _ kind: String, to scope: Scope, isDeleted: Bool = false) {
        record(Publication(scope: scope, kind: kind, id: id.uuid, isDeleted: isDeleted))
    }

    /// Remembers that something of a park changed that other systems are told of, as the transaction leaves it.
    func tell<Subject>(_ park: Park.ID, of kind: ParkChange.Kind, _ id: Identifier<Subject>) {
        record(ParkChange(park: park, kind: kind, id: id.uuid))
    }
}

enum Publishing {
    /// Locks the touched scopes in order, adds the number of changes to each version, and marks each entity with it.
    ///
    /// Because the lock is held until COMMIT, versions have no gaps and are in commit order.
    static func flush(_ notes: [any Sendable], at now: Date) -> [Command] {
        var latest: [Publication: Bool] = [:]
        var published: [Publication] = []
        var told: [ParkChange] = []
        var known: Set<ParkChange> = []
        for note in notes {
            if let note = note as? Publication {
                // Of several changes of one entity the last one counts.
                let key = Publication(scope: note.scope, kind: note.kind, id: note.id, isDeleted: false)
                if latest.updateValue(note.isDeleted, forKey: key) == nil { published.append(key) }
            } else if let note = note as? ParkChange, known.insert(note).inserted {
                told.append(note)
            }
        }
        guard !published.isEmpty || !told.isEmpty else { return [] }
        var steps = Dictionary(published.map { ($0.scope.description, 1) }) { first, _ in first }
        for change in told { steps[change.scope, default: 0] += 1 }
        let scopes = steps.sorted { $0.key < $1.key }
        var commands = [PublishingSQL.advance(scopes.map(\.key), by: scopes.map(\.value))]
        if !published.isEmpty {
            commands.append(
                PublishingSQL.mark(
                    scopes: published.map { $0.scope.description },
                    kinds: published.map(\.kind),
                    ids: published.map(\.id),
                    deleted: published.map { latest[$0] ?? false }
                )
            )
        }
        if !told.isEmpty { commands.append(PublishingSQL.tell(told, at: now)) }
        return commands
    }
}
