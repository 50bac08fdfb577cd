import Foundation
import GuestModels
import Postgres
import ServiceLifecycle
import SyncMessages
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
        /// How many listen for each guest, and in all.
        var listening: [Guest.ID: Int] = [:]
        var total = 0
        /// Changed here and not yet told to other processes.
        var unannounced: Set<String> = []
    }

    private let state = Mutex(State())
    /// How many may listen at once: each holds a connection.
    private let capacity: Int
    /// For one guest: more than all their devices need.
    static let perGuest = 40
    /// As many are woken at once; the next follow when the service has room, so that what they read keeps nobody waiting.
    static let wave = 50
    private static let betweenWaves = Duration.milliseconds(50)
    /// A wave follows after this long in any case.
    private static let longestPause = Duration.seconds(2)
    /// Whether requests find a place at once.
    private let hasRoom: @Sendable () -> Bool

    init(capacity: Int, hasRoom: @escaping @Sendable () -> Bool = { true }) {
        self.capacity = capacity
        self.hasRoom = hasRoom
    }

    /// Lends an ear for as long as `body` runs.
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

    /// How many listen now.
    var waiting: Int { state.withLock { $0.total } }

    /// A transaction of this process has committed.
    func committed(_ notes: [any Sendable]) {
        let scopes = Set(notes.compactMap { ($0 as? Publication)?.scope.description })
        guard !scopes.isEmpty else { return }
        state.withLock { $0.unannounced.formUnion(scopes) }
        ring(scopes)
    }

    /// nil: nobody knows what has been missed, so everybody looks.
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
                if let announcer = words.first, announcer != name {
                    app.scopeBell.ring(Set(words.dropFirst().map(String.init)))
                }
            }
        }
    }
}

extension Refusal {
    static let tooManyListening = Refusal(
        .tooMany(after: 30),
        "too_many_listening",
        en: "Too many devices wait for news; try again later.",
        nl: "Te veel apparaten wachten op nieuws; probeer het later opnieuw.",
        de: "Zu viele Geräte warten auf Neues; versuche es später noch einmal."
    )
}
