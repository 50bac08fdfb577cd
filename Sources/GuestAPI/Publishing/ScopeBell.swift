import Foundation
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
        fileprivate enum State {
            case quiet
            case waiting(CheckedContinuation<Void, Never>)
            case rung
        }

        fileprivate let state = Mutex(State.quiet)

        /// Comes back when one of the scopes has changed since the ear was made, or after that time.
        func wait(atMost duration: Duration) async {
            let alarm = Task {
                try? await Task.sleep(for: duration)
                ring()
            }
            defer { alarm.cancel() }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isRung = state.withLock { state in
                        if case .rung = state { return true }
                        state = .waiting(continuation)
                        return false
                    }
                    if isRung { continuation.resume() }
                }
            } onCancel: {
                ring()
            }
        }

        fileprivate func ring() {
            let waiting: CheckedContinuation<Void, Never>? = state.withLock { state in
                defer { state = .rung }
                if case .waiting(let continuation) = state { return continuation }
                return nil
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
        let ears: [Ear] = state.withLock { state in
            guard let scopes else { return state.ears.values.flatMap(\.values) }
            return scopes.flatMap { state.ears[$0].map { Array($0.values) } ?? [] }
        }
        for ear in ears { ear.ring() }
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
                    payloads.append(scope)
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
                app.scopeBell.ring(Set(payload.split(separator: " ").map(String.init)))
            }
        }
    }
}
