import Foundation
import GuestModels
import Postgres
import SyncMessages

/// A change by a writing verb, for the phones that show it.
struct Publication: Hashable, Sendable {
    let scope: Scope
    let kind: Kind
    let id: UUID

    /// A kind of entity that phones show; each feature declares its own beside its SQL.
    struct Kind: Hashable, Sendable {
        /// The name that phones know; it is never given another meaning.
        let name: String
        /// The database view `shown_…`, with the entities of this kind as each scope shows them.
        let view: SQL

        init(_ name: String, view: SQL) {
            self.name = name
            self.view = view
        }

        static func == (one: Kind, other: Kind) -> Bool { one.name == other.name }

        func hash(into hasher: inout Hasher) { hasher.combine(name) }
    }
}

/// A change by a writing verb, for the property system and the accountant of a park.
struct ParkChange: Hashable, Sendable {
    enum Kind: String, Codable, CaseIterable, Sendable {
        case booking, cottage, guest
    }

    let park: Park.ID
    let kind: Kind
    let id: UUID

    /// The scope whose versions number the changes of the park.
    var scope: String { "changes:\(park)" }
}

extension Transaction {
    /// Remembers that an entity changed in a scope, or that the scope no longer shows it.
    ///
    /// The rollback of a savepoint forgets the note. The transaction writes all notes at once, in the round trip of
    /// COMMIT, as the tables then are.
    func publish<Subject>(_ id: Identifier<Subject>, _ kind: Publication.Kind, to scope: Scope) {
        record(Publication(scope: scope, kind: kind, id: id.uuid))
    }

    /// Records for a park's feed that a thing of the park changed; at COMMIT the feed gets the thing's last state.
    func feed<Subject>(_ id: Identifier<Subject>, _ kind: ParkChange.Kind, to park: Park.ID) {
        record(ParkChange(park: park, kind: kind, id: id.uuid))
    }
}

enum Publishing {
    /// Locks the touched scopes in order, raises their versions, and writes the changes.
    ///
    /// The locks are held until COMMIT, so versions have no gaps and are in commit order. The feed comes last: every
    /// change of a park needs its one lock, so the lock must be held briefly.
    static func flush(_ notes: [any Sendable], at now: Date) -> [Command] {
        var published: [Publication] = []
        var fed: [ParkChange] = []
        var known: Set<AnyHashable> = []
        for note in notes {
            if let note = note as? Publication, known.insert(note).inserted {
                published.append(note)
            } else if let note = note as? ParkChange, known.insert(note).inserted {
                fed.append(note)
            }
        }
        guard !published.isEmpty || !fed.isEmpty else { return [] }
        var commands = [PublishingSQL.planOnce]
        if !published.isEmpty {
            let scopes = Set(published.map(\.scope.description)).sorted()
            commands.append(PublishingSQL.advance(scopes, by: scopes.map { _ in 1 }))
        }
        for (kind, ofKind) in Dictionary(grouping: published, by: \.kind).sorted(by: { $0.key.name < $1.key.name }) {
            commands.append(
                PublishingSQL.show(kind, scopes: ofKind.map { $0.scope.description }, ids: ofKind.map(\.id))
            )
        }
        if !fed.isEmpty {
            let scopes = Dictionary(grouping: fed, by: \.scope).sorted { $0.key < $1.key }
            commands.append(PublishingSQL.advance(scopes.map(\.key), by: scopes.map(\.value.count)))
            commands.append(PublishingSQL.feed(fed, at: now))
        }
        return commands
    }
}
