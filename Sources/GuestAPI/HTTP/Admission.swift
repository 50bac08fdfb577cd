import Foundation
import Synchronization

/// Limits the number of requests that run at once.
///
/// Beyond the capacity, a request waits in the bounded queue of its class. If the queue is full, the request is refused
/// at once.
///
/// Each class may use only its share of the capacity, and waiting classes are served in turn. So no class keeps the
/// others out. Requests that need no account (sign-in, searches, pay links, webhooks) have small shares. So there is
/// always room for people who are signed in.
final class Admission: Sendable {
    private struct Waiter {
        let since: ContinuousClock.Instant
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var running: [Policy.Load: Int] = [:]
        var queues: [Policy.Load: [Waiter]] = [:]
        /// The class that is served next, as a place in `allCases`.
        var turn = 0

        var total: Int { running.values.reduce(0, +) }
    }

    private let capacity: Int
    private let state = Mutex(State())
    /// A request that has waited longer than this gets a 503 instead of a late answer.
    private static let patience = Duration.seconds(5)

    /// Waits for the pause of a class, during which a place stays taken after its request.
    private let wait: @Sendable (Duration) async -> Void

    init(capacity: Int, wait: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }) {
        self.capacity = capacity
        self.wait = wait
    }

    /// Asks for a place: true means go ahead and call `leave` afterwards, false means that the service is full.
    func enter(_ load: Policy.Load) async -> Bool {
        let entered: Bool? = state.withLock { state in
            if state.queues[load, default: []].isEmpty, hasRoom(for: load, in: state) {
                state.running[load, default: 0] += 1
                return true
            }
            return state.queues[load, default: []].count < load.queueLength ? nil : false
        }
        if let entered { return entered }
        return await withCheckedContinuation { continuation in
            state.withLock { $0.queues[load, default: []].append(Waiter(since: .now, continuation: continuation)) }
            // A running request may have left before this one was queued, so check again.
            promote()
        }
    }

    func leave(_ load: Policy.Load) {
        guard load.pause > .zero else { return free(load) }
        Task {
            await wait(load.pause)
            free(load)
        }
    }

    private func free(_ load: Policy.Load) {
        state.withLock { $0.running[load, default: 0] -= 1 }
        promote()
    }

    /// Gives the place to others while the caller only waits, and queues for a place again afterwards.
    ///
    /// So ten thousand phones that hear of one change do not all read at once, and slow uploads keep nobody out.
    ///
    /// - Throws: an error of `waiting`, and `Problem.unavailable` if there is no place. The caller must still call
    ///   `leave` as usual.
    @discardableResult
    func rest<Value>(_ load: Policy.Load, while waiting: () async throws -> Value) async throws -> Value {
        leave(load)
        let result: Result<Value, any Error>
        do { result = .success(try await waiting()) } catch { result = .failure(error) }
        guard await enter(load) else {
            state.withLock { $0.running[load, default: 0] += 1 }
            _ = try result.get()
            throw Problem.unavailable
        }
        return try result.get()
    }

    private func hasRoom(for load: Policy.Load, in state: State) -> Bool {
        state.total < capacity && state.running[load, default: 0] < max(1, capacity * load.sixteenths / 16)
    }

    private func promote() {
        let ready: [(Waiter, Bool)] = state.withLock { state in
            var ready: [(Waiter, Bool)] = []
            let now = ContinuousClock.now
            for load in Policy.Load.allCases {
                while let waiter = state.queues[load]?.first, now - waiter.since > Self.patience {
                    state.queues[load]?.removeFirst()
                    ready.append((waiter, false))
                }
            }
            let classes = Policy.Load.allCases
            var passed = 0
            while passed < classes.count {
                let load = classes[state.turn % classes.count]
                state.turn = (state.turn + 1) % classes.count
                if let waiter = state.queues[load]?.first, hasRoom(for: load, in: state) {
                    state.queues[load]?.removeFirst()
                    state.running[load, default: 0] += 1
                    ready.append((waiter, true))
                    passed = 0
                } else {
                    passed += 1
                }
            }
            return ready
        }
        for (waiter, isAdmitted) in ready { waiter.continuation.resume(returning: isAdmitted) }
    }

    var load: (running: Int, waiting: Int) {
        state.withLock { ($0.total, $0.queues.values.reduce(0) { $0 + $1.count }) }
    }
}
