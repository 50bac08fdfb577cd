import Foundation
import GuestModels
import Postgres
import ServiceLifecycle
import Sync
import Synchronization

/// Wakes whoever waits for something new in a scope.
///
/// Rung after a commit, for this process at once; `Herald` tells the others. Only a hint: who is woken looks for
/// themselves, and whoever missed it looks when the time is over.
final class ScopeBell: Sendable {
    /// Somebody who listens.
    final class Ear: Sendable {
        private struct State {
            /// Changed since it last came back.
            var changed: Set<String> = []
            var isAwake = false
            var waiting: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())

        /// Comes back with the scopes that have changed since it last did, or since the ear was made; with none after
        /// that time, or when the service ends.
        @discardableResult
        func wait(atMost duration: Duration) async -> Set<String> {
            let alarm = Task {
                // One that is called off wakes nobody, least of all whoever waits next.
                guard (try? await Task.sleep(for: duration)) != nil else { return }
                wake()
            }
            defer { alarm.cancel() }
            await withTaskCancellationOrGracefulShutdownHandler {
                await withCheckedContinuation { continuation in
                    let isAwake = state.withLock { state in
                        if state.isAwake { return true }
                        state.waiting = continuation
                        return false
                    }
                    if isAwake { continuation.resume() }
                }
            } onCancelOrGracefulShutdown: {
                self.wake()
            }
            return state.withLock { state in
                defer { state = State() }
                return state.changed
            }
        }

        fileprivate func wake(for scopes: Set<String> = []) {
            let waiting = state.withLock { state in
                state.changed.formUnion(scopes)
                state.isAwake = true
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.resume()
        }
    }

    private struct State {
        var ears: [String: [ObjectIdentifier: Ear]] = [:]
        /// Changed here and not yet told to other processes.
        var untold: Set<String> = []
    }

    private let state = Mutex(State())

    /// Lends an ear for as long as `body` runs.
    func listen<Value>(to scopes: [String], _ body: (Ear) async throws -> Value) async rethrows -> Value {
        let ear = Ear()
        let id = ObjectIdentifier(ear)
        state.withLock { state in
            for scope in scopes { state.ears[scope, default: [:]][id] = ear }
        }
        defer {
            state.withLock { state in
                for scope in scopes {
                    state.ears[scope]?[id] = nil
                    if state.ears[scope]?.isEmpty == true { state.ears[scope] = nil }
                }
            }
        }
        return try await body(ear)
    }

    /// A transaction of this process has committed.
    func committed(_ notes: [any Sendable]) {
        let scopes = Set(notes.compactMap { ($0 as? Publication)?.scope.description })
        guard !scopes.isEmpty else { return }
        state.withLock { $0.untold.formUnion(scopes) }
        ring(scopes)
    }

    /// nil: nobody knows what has been missed, so everybody looks.
    func ring(_ scopes: Set<String>?) {
        let rung: [(ear: Ear, scope: String)] = state.withLock { state in
            (scopes ?? Set(state.ears.keys)).flatMap { scope in
                (state.ears[scope] ?? [:]).values.map { ($0, scope) }
            }
        }
        for (ear, scope) in rung { ear.wake(for: [scope]) }
    }

    fileprivate func takeUntold() -> Set<String> {
        state.withLock { state in
            defer { state.untold = [] }
            return state.untold
        }
    }
}

/// Tells other processes on the same database what has changed here, and rings for what has changed there.
///
/// In transactions of its own, many changes together: a NOTIFY in a writing transaction would make all commits of the
/// cluster queue for one lock (https://www.recall.ai/blog/postgres-listen-notify-does-not-scale).
struct Herald: Service {
    private static let channel = "voorpret_scopes"
    /// Of a payload, below the 8,000 that PostgreSQL takes.
    private static let maximumBytes = 7_000

    let app: AppEnvironment
    /// Whose words these are: what this process tells it has heard already.
    private let name = UUID().lowercasedText

    init(app: AppEnvironment) { self.app = app }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await tell() }
                group.addTask { await listen() }
                await group.waitForAll()
            }
        }
    }

    private func tell() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))
            var payloads: [String] = []
            for scope in app.scopeBell.takeUntold() {
                if let last = payloads.last, last.utf8.count + scope.utf8.count < Self.maximumBytes {
                    payloads[payloads.count - 1] = last + " " + scope
                } else {
                    payloads.append(name + " " + scope)
                }
            }
            guard !payloads.isEmpty else { continue }
            let commands = payloads.map { PublishingSQL.notify(Self.channel, $0) }
            // What gets lost here is found when waiting ends.
            _ = try? await app.database.transaction(as: Principal.job("herald").setting) { try await $0.run(commands) }
        }
    }

    private func listen() async {
        let listener = Listener(connectionString: app.settings.database, channels: [Self.channel])
        for await event in listener.events {
            switch event {
            case .connected: app.scopeBell.ring(nil)
            case .notification(_, let payload):
                let words = payload.split(separator: " ")
                if let teller = words.first, teller != name {
                    app.scopeBell.ring(Set(words.dropFirst().map(String.init)))
                }
            }
        }
    }
}
