import Foundation
import GuestModels
import Postgres
import SyncMessages

/// What a writing verb changed, for the phones that show it.
struct Publication: Hashable, Sendable {
    let scope: Scope
    let kind: Kind
    let id: UUID

    /// As the views `shown_…` of the schema say it.
    enum Kind: String, Sendable {
        case guest, membership, group, household, traveller, invitation, booking, readiness, share, amount
        case park, cottageType, cottage, rate, extra
        case option, planItem, topic, message
    }
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
    /// Remembers that what a scope shows of an entity changed, or that it shows it no more.
    ///
    /// A savepoint's rollback forgets it; the transaction writes all of it at once, in the round trip of
    /// COMMIT, as the tables then are.
    func publish<Subject>(_ id: Identifier<Subject>, _ kind: Publication.Kind, to scope: Scope) {
        record(Publication(scope: scope, kind: kind, id: id.uuid))
    }

    /// Remembers that something of a park changed that other systems are told of, as the transaction leaves it.
    func feed<Subject>(_ id: Identifier<Subject>, _ kind: ParkChange.Kind, to park: Park.ID) {
        record(ParkChange(park: park, kind: kind, id: id.uuid))
    }
}

enum Publishing {
    /// Locks the touched scopes in order, adds the number of changes to each version, and writes what changed with it.
    ///
    /// Because the lock is held until COMMIT, versions have no gaps and are in commit order. What other systems are told of
    /// comes last: every change of a park wants that one lock, so it is held for as short as can be.
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
        for (kind, ofKind) in Dictionary(grouping: published, by: \.kind).sorted(by: {
            $0.key.rawValue < $1.key.rawValue
        }) {
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
