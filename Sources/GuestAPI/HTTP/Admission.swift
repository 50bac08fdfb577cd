import Foundation
import Synchronization

/// Beyond capacity a request waits in a bounded queue of its class, then is told so at once.
///
/// Sign-in and money may use all of the capacity, every other class four fifths of it.
final class Admission: Sendable {
    private struct Waiter {
        let since: ContinuousClock.Instant
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var running = 0
        var queues: [Policy.Load: [Waiter]] = [:]
    }

    private let capacity: Int
    private let state = Mutex(State())
    /// Who has waited longer than this gets a 503 instead of a late answer.
    private static let patience = Duration.seconds(5)

    init(capacity: Int) {
        self.capacity = capacity
    }

    private static func queueLength(_ load: Policy.Load) -> Int {
        switch load {
        // Whoever waits for an opening sale, and a payment provider that makes up for an hour of silence.
        case .booking, .signIn: 2000
        case .reading, .desk: 500
        }
    }

    private func limit(_ load: Policy.Load) -> Int {
        load == .signIn ? capacity : capacity * 4 / 5
    }

    /// True: go ahead, and call `leave` afterwards.
    ///
    /// False: we are full.
    func enter(_ load: Policy.Load) async -> Bool {
        let entered: Bool? = state.withLock { state in
            if state.running < limit(load), state.queues[load, default: []].isEmpty {
                state.running += 1
                return true
            }
            return state.queues[load, default: []].count < Self.queueLength(load) ? nil : false
        }
        if let entered { return entered }
        return await withCheckedContinuation { continuation in
            state.withLock { $0.queues[load, default: []].append(Waiter(since: .now, continuation: continuation)) }
            // Whoever ran may have left in between.
            promote()
        }
    }

    func leave() {
        state.withLock { $0.running -= 1 }
        promote()
    }

    /// Gives the place to others while the caller only waits, and takes one back afterwards, full or not: whoever was
    /// let in is not turned away in the middle.
    func rest(while waiting: () async -> Void) async {
        leave()
        await waiting()
        state.withLock { $0.running += 1 }
    }

    private func promote() {
        let ready: [(Waiter, Bool)] = state.withLock { state in
            var ready: [(Waiter, Bool)] = []
            let now = ContinuousClock.now
            for load in Policy.Load.allCases {
                while let waiter = state.queues[load]?.first {
                    let isLate = now - waiter.since > Self.patience
                    guard isLate || state.running < limit(load) else { break }
                    state.queues[load]?.removeFirst()
                    if !isLate { state.running += 1 }
                    ready.append((waiter, !isLate))
                }
            }
            return ready
        }
        for (waiter, isAdmitted) in ready { waiter.continuation.resume(returning: isAdmitted) }
    }

    var load: (running: Int, waiting: Int) {
        state.withLock { ($0.running, $0.queues.values.reduce(0) { $0 + $1.count }) }
    }
}
