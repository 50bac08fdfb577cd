import Foundation
import GuestModels
import SyncMessages
import Testing

@testable import Sync

/// The store shows an app its rows as they change, the mutations that wait, and the refused ones.
@Suite(.timeLimit(.minutes(10))) struct AppOnStoreTests {
    private struct Note: Codable, Hashable {
        let id: UUID
        let text: String
    }

    private let group = TravelGroup.ID(UUID())

    /// Runs a test on a store of its own, whose `note@1` shows a note at once.
    private func withStore(_ body: (LocalStore) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "app-\(UUID().uuidString).sqlite"
        let scope = Scope.group(group).description
        let note = Mutator(of: Note.self) { note, _, overlay in try overlay.show("note", note.id, in: scope, as: note) }
        let store = try LocalStore(path: path, of: Guest.ID(UUID()), mutators: ["note@1": note])
        do {
            try await body(store)
        } catch {
            try? store.close()
            try? LocalStore.remove(path: path)
            throw error
        }
        try store.close()
        try LocalStore.remove(path: path)
    }

    private func perform(_ text: String, on store: LocalStore) throws {
        try store.perform("note@1", Note(id: UUID(), text: text), at: Date(timeIntervalSince1970: 1_800_000_000))
    }

    /// The service's answer that refuses a mutation.
    private func refuse(_ deed: LocalStore.Deed, _ sequence: Int64, on store: LocalStore) throws {
        let refused = Outcome(id: deed.id, result: .rejected, code: "item_deleted", detail: "It was deleted.")
        _ = try store.apply([.outcome(sequence, refused), .complete(cursor: "c", [])], since: nil)
    }

    @Test func `An app hears of rows that a pull has brought`() async throws {
        try await withStore { store in
            var heard = store.observe("note").makeAsyncIterator()
            #expect(try await heard.next()?.isEmpty == true)
            let (id, scope) = (UUID(), Scope.group(group).description)
            let body = #"{"id":"\#(id.uuidString.lowercased())","text":"theirs"}"#
            let hash = SyncRow.hash(kind: "note", id: id, body: body)
            let row = SyncRow(kind: "note", id: id, content: .init(hash: hash, body: body))
            let digest = String(hash, radix: 16)
            let state = ScopeState(
                scope: scope,
                version: 1,
                count: 1,
                digest: String(repeating: "0", count: 16 - digest.count) + digest
            )

            _ = try store.apply([.scope(scope), .row(row), .complete(cursor: "c", [state])], since: nil)

            let rows = try #require(try await heard.next())
            #expect(try rows.map { try $0.decode(Note.self).text } == ["theirs"])
        }
    }

    @Test func `An app hears of its own change at once`() async throws {
        try await withStore { store in
            var heard = store.observe("note").makeAsyncIterator()
            #expect(try await heard.next()?.isEmpty == true)

            try perform("first", on: store)

            let rows = try #require(try await heard.next())
            #expect(try rows.map { try $0.decode(Note.self).text } == ["first"])
        }
    }

    @Test func `An app hears how many mutations wait`() async throws {
        try await withStore { store in
            var counts = store.unsentCounts.makeAsyncIterator()
            #expect(await counts.next() == 0)

            try perform("first", on: store)
            #expect(await counts.next() == 1)

            try perform("second", on: store)
            #expect(await counts.next() == 2)
        }
    }

    @Test func `A guest can export what was not sent and what was refused`() async throws {
        try await withStore { store in
            try perform("refused", on: store)
            try refuse(try #require(try store.pending().first), 1, on: store)
            try perform("waits", on: store)

            let export = try #require(
                try JSONSerialization.jsonObject(with: store.exportUnsent()) as? [String: [[String: Any]]]
            )

            #expect((export["pending"]?.first?["arguments"] as? String)?.contains("waits") == true)
            #expect(export["refused"]?.first?["code"] as? String == "item_deleted")
            let deed = export["refused"]?.first?["deed"] as? [String: Any]
            #expect((deed?["arguments"] as? String)?.contains("refused") == true)
        }
    }

    @Test func `A refused mutation is made once more with a new id`() async throws {
        try await withStore { store in
            try perform("again", on: store)
            let first = try #require(try store.pending().first)
            try refuse(first, 1, on: store)

            try store.retry(first.id, at: Date(timeIntervalSince1970: 1_800_000_060))

            let second = try #require(try store.pending().first)
            #expect(second.id != first.id && second.arguments == first.arguments)
            #expect(try store.refused().isEmpty)
        }
    }

    @Test func `A discarded mutation is removed from the phone's store`() async throws {
        try await withStore { store in
            try perform("no", on: store)
            let deed = try #require(try store.pending().first)
            try refuse(deed, 1, on: store)

            try store.discard(deed.id)

            #expect(try store.refused().isEmpty && store.pending().isEmpty)
            #expect(try store.entities("note").isEmpty)
        }
    }
}
