import Foundation

/// What the engine does next: all of its decisions and nothing of how they are carried out, so that each can be tried
/// without a network, a file or a clock.
///
/// A step begins with `begun`; each act is carried out and told as the next event, until an act ends the step.
struct SyncCourse: Hashable, Sendable {
    /// Mutations of a request at most.
    let largestBatch: Int
    /// Mutations of the next request: fewer after the service had no time for them, more again once it had.
    private(set) var batch: Int
    /// Since the last time that all was right.
    private(set) var hasReadAnew = false

    init(largestBatch: Int) {
        self.largestBatch = max(1, largestBatch)
        batch = self.largestBatch
    }

    enum Event: Hashable, Sendable {
        case begun(isRegistered: Bool, hasMutations: Bool)
        /// The service's answer to the registration, and the code of its problem.
        case registered(status: Int, code: String?)
        /// The same for what was sent and asked.
        case answered(status: Int, code: String?)
        /// The answer is in the store: whether it was the last page, whether the service had no time for what was done,
        /// what differs from its digest, and whether anything waits to be told.
        case taken(isComplete: Bool, isBusy: Bool, damaged: [ScopeState], hasPending: Bool)
        /// Repaired; `still` differs although the service has nothing newer of it.
        case mended(still: String?)
    }

    enum Act: Hashable, Sendable {
        /// Requests.
        case register, exchange
        /// Takes the answer into the store.
        case take
        case mend([ScopeState])
        /// These end the step; after a correction there is more to do.
        case correct(Correction)
        case end(SyncEngine.Step)
        case fail(SyncEngine.Failure)
    }

    /// What the store had wrong about how it stands with the service.
    enum Correction: Hashable, Sendable {
        case isRegistered, isNotRegistered
        /// Another guest goes by the device's name.
        case needsOtherName
        case readAnew
    }

    mutating func next(after event: Event) -> Act {
        switch event {
        case .begun(isRegistered: false, hasMutations: true): return .register
        case .begun: return .exchange
        case .registered(status: 204, _): return .correct(.isRegistered)
        case .registered(_, code: "device_taken"): return .correct(.needsOtherName)
        case .answered(status: 200, _): return .take
        case .answered(_, code: "cursor_invalid"): return .correct(.readAnew)
        case .answered(_, code: "device_unknown"): return .correct(.isNotRegistered)
        case .registered(let status, let code), .answered(let status, let code):
            return .fail(.status(status, code: code))
        case .taken(_, _, let damaged, _) where !damaged.isEmpty: return .mend(damaged)
        case .taken(let isComplete, let isBusy, _, let hasPending):
            if isComplete { hasReadAnew = false }
            batch = isBusy ? max(1, batch / 2) : min(largestBatch, batch * 2)
            if isBusy { return .fail(.busy) }
            return .end(isComplete && !hasPending ? .upToDate : .goingOn)
        case .mended(still: nil): return .end(.goingOn)
        case .mended(let scope?):
            guard !hasReadAnew else { return .fail(.beyondRepair(scope: scope)) }
            hasReadAnew = true
            return .correct(.readAnew)
        }
    }
}

/// How long to wait after failures: ever longer, at most a minute, and never all phones at once.
struct Patience: Hashable, Sendable {
    private var failures = 0

    mutating func succeeded() { failures = 0 }

    /// Seconds until the next try; between half of what it may be and all of it.
    mutating func pause(using dice: inout some RandomNumberGenerator) -> TimeInterval {
        let longest = min(60, pow(2, Double(failures)))
        failures = min(failures + 1, 6)
        return .random(in: longest / 2...longest, using: &dice)
    }
}
