import Foundation
import GuestModels
import Postgres
import ServiceLifecycle
import SyncMessages
import Synchronization

/// Wakes the requests that wait for something new in a scope.
///
/// The bell rings after a commit, at once for this process; `Herald` tells the others. A ring is only a hint: a woken
/// request looks for itself. A request that missed a ring looks when its time is over.
final class ScopeBell: Sendable {
    /// A phone that waits for changes of its scopes.
    final class Ear: Sendable {
        private struct State {
            /// The scopes that have changed since `wait` last returned.
            var changed: Set<String> = []
            var isAwake = false
            var waiting: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())

        /// Waits until a scope changes, the time is over or the service ends.
        ///
        /// - Returns: the scopes changed since the last call, or since the ear was made; empty when none has changed.
        @discardableResult
        func wait(atMost duration: Duration) async -> Set<String> {
            let alarm = Task {
                // A cancelled timer must not wake the next waiter.
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
        /// The number of listeners of each guest; `total` counts all of them.
        var listening: [Guest.ID: Int] = [:]
        var total = 0
        /// The scopes that changed here and are not yet announced to other processes.
        var unannounced: Set<String> = []
    }

    private let state = Mutex(State())
    /// The most listeners at once: each holds a connection.
    private let capacity: Int
    /// The most listeners of one guest: more than all their devices need.
    static let perGuest = 40
    /// The number of listeners woken at once.
    ///
    /// The next wave follows when the service has room, so that the reads of one wave delay nobody.
    static let wave = 50
    private static let betweenWaves = Duration.milliseconds(50)
    /// The longest pause before the next wave.
    private static let longestPause = Duration.seconds(2)
    /// Whether the service has room for a new request at once.
    private let hasRoom: @Sendable () -> Bool

    init(capacity: Int, hasRoom: @escaping @Sendable () -> Bool = { true }) {
        self.capacity = capacity
        self.hasRoom = hasRoom
    }

    /// Runs `body` with an ear that hears the changes of the scopes.
    ///
    /// - Throws: `tooManyListening`, and what `body` throws.
    func listen<Value>(
        to scopes: [String],
        for guest: Guest.ID,
        _ body: (Ear) async throws -> Value
    ) async throws -> Value {
        let ear = Ear()
        let id = ObjectIdentifier(ear)
        try state.withLock { state throws(Refusal) in
            guard state.total < capacity, state.listening[guest, default: 0] < Self.perGuest else {
                throw .tooManyListening
            }
            state.total += 1
            state.listening[guest, default: 0] += 1
            for scope in scopes { state.ears[scope, default: [:]][id] = ear }
        }
        defer {
            state.withLock { state in
                state.total -= 1
                let left = state.listening[guest, default: 1] - 1
                state.listening[guest] = left == 0 ? nil : left
                for scope in scopes {
                    state.ears[scope]?[id] = nil
                    if state.ears[scope]?.isEmpty == true { state.ears[scope] = nil }
                }
            }
        }
        return try await body(ear)
    }

    /// The number of listeners now.
    var waiting: Int { state.withLock { $0.total } }

    /// Rings for the scopes that a committed transaction of this process has changed.
    func committed(_ notes: [any Sendable]) {
        let scopes = Set(notes.compactMap { ($0 as? Publication)?.scope.description })
        guard !scopes.isEmpty else { return }
        state.withLock { $0.unannounced.formUnion(scopes) }
        ring(scopes)
    }

    /// Wakes the listeners of these scopes; nil wakes all, when it is unknown which changes were missed.
    func ring(_ scopes: Set<String>?) {
        let rung: [(ear: Ear, scopes: Set<String>)] = state.withLock { state in
            var rung: [ObjectIdentifier: (ear: Ear, scopes: Set<String>)] = [:]
            for scope in scopes ?? Set(state.ears.keys) {
                for (id, ear) in state.ears[scope] ?? [:] { rung[id, default: (ear, [])].scopes.insert(scope) }
            }
            return Array(rung.values)
        }
        for (ear, scopes) in rung.prefix(Self.wave) { ear.wake(for: scopes) }
        guard rung.count > Self.wave else { return }
        Task {
            for start in stride(from: Self.wave, to: rung.count, by: Self.wave) {
                let started = ContinuousClock.now
                repeat {
                    try? await Task.sleep(for: Self.betweenWaves)
                } while !hasRoom() && ContinuousClock.now - started < Self.longestPause
                for (ear, scopes) in rung[start...].prefix(Self.wave) { ear.wake(for: scopes) }
            }
        }
    }

    fileprivate func takeUnannounced() -> Set<String> {
        state.withLock { state in
            defer { state.unannounced = [] }
            return state.unannounced
        }
    }
}

/// Announces scope changes of this process to other processes, and rings for theirs.
///
/// The herald uses its own transactions, with many changes in each. A NOTIFY in a writing transaction would make all
/// commits of the cluster queue for one lock (https://www.recall.ai/blog/postgres-listen-notify-does-not-scale).
struct Herald: Service {
    private static let channel = "voorpret_scopes"
    /// The most bytes of a payload, below the 8,000 that PostgreSQL takes.
    private static let maximumBytes = 7_000

    let app: AppEnvironment
    /// The name of this process in announcements; a process ignores its own announcements.
    private let name = UUID().lowercasedText

    init(app: AppEnvironment) { self.app = app }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await announce() }
                group.addTask { await listen() }
                await group.waitForAll()
            }
        }
    }

    private func announce() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))
            var payloads: [String] = []
            for scope in app.scopeBell.takeUnannounced() {
                if let last = payloads.last, last.utf8.count + scope.utf8.count < Self.maximumBytes {
                    payloads[payloads.count - 1] = last + " " + scope
                } else {
                    payloads.append(name + " " + scope)
                }
            }
            guard !payloads.isEmpty else { continue }
            let commands = payloads.map { PublishingSQL.notify(Self.channel, $0) }
            // A lost announcement does little harm: listeners look again when their wait ends.
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
                if let announcer = words.first, announcer != name {
                    app.scopeBell.ring(Set(words.dropFirst().map(String.init)))
                }
            }
        }
    }
}

extension Refusal {
    /// The guest has 40 waiting requests or streams, or this process has no room for more; pull without waiting.
    static let tooManyListening = Refusal(
        .tooMany(after: 30),
        "too_many_listening",
        en: "Too many devices wait for news; try again later.",
        nl: "Te veel apparaten wachten op nieuws; probeer het later opnieuw.",
        de: "Zu viele Geräte warten auf Neues; versuche es später noch einmal."
    )
}
