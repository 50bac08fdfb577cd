import Foundation
import SyncMessages

/// What the engine does next: all of its decisions and nothing of how they are carried out, so that each can be tried
/// without a network, a file or a clock.
///
/// A step begins with `begun`; each act is carried out and told as the next event, until an act ends the step.
struct SyncCourse: Hashable, Sendable {
    /// Mutations of a request at most.
    let largestBatch: Int
    /// Mutations of the next request: fewer after the service had no time for them, more again once it had.
    private(set) var batch: Int
    /// By how much the next request carries and asks for less than it might, because answers were cut off; a power of two.
    private(set) var divisor = 1
    /// Since the last time that all was right.
    private(set) var hasReadAnew = false
    /// Corrections and repairs in a row, without an answer in between that was right.
    private(set) var corrections = 0

    /// More of them in a row do not help: whoever goes on waits first.
    static let mostCorrections = 4
    /// The least part of a request that is tried.
    static let largestDivisor = 64

    init(largestBatch: Int) {
        self.largestBatch = max(1, largestBatch)
        batch = self.largestBatch
    }

    /// Mutations that the next request may carry.
    var mutations: Int { max(1, batch / divisor) }

    enum Event: Hashable, Sendable {
        case begun(isRegistered: Bool, hasMutations: Bool)
        /// The service's answer to the registration, the code of its problem, and after how many seconds it wants to be asked
        /// again.
        case registered(status: Int, code: String?, after: TimeInterval? = nil)
        /// The same for what was sent and asked.
        case answered(status: Int, code: String?, after: TimeInterval? = nil)
        /// There was no answer, or less than all of it.
        case cut(SyncEngine.Failure)
        /// The answer is in the store: whether it was the last page, whether the service had no time for what was done,
        /// what differs from its digest, and whether anything waits to be told.
        case taken(isComplete: Bool, isBusy: Bool, damaged: [ScopeState], hasPending: Bool)
        /// Repaired; `still` differs although the service has nothing newer of it.
        case mended(still: String?)
    }

    enum Step: Hashable, Sendable {
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

    mutating func next(after event: Event) -> Step {
        let act = decide(after: event)
        switch act {
        case .correct, .mend: corrections += 1
        default: break
        }
        // The corrections do not end, so the phone pauses before the next one.
        if case .correct = act, corrections > Self.mostCorrections {
            corrections = 0
            return .fail(.disagreement)
        }
        return act
    }

    private mutating func decide(after event: Event) -> Step {
        switch event {
        case .begun(isRegistered: false, hasMutations: true): return .register
        case .begun: return .exchange
        case .registered(status: 204, _, _): return .correct(.isRegistered)
        case .registered(_, code: "device_taken", _): return .correct(.needsOtherName)
        case .answered(status: 200, _, _): return .take
        case .answered(_, code: "cursor_invalid", _): return .correct(.readAnew)
        case .answered(_, code: "device_unknown", _): return .correct(.isNotRegistered)
        case .registered(let status, let code, let after), .answered(let status, let code, let after):
            return .fail(.status(status, code: code, after: after))
        case .cut(let failure):
            divisor = min(Self.largestDivisor, divisor * 2)
            return .fail(failure)
        case .taken(_, _, let damaged, _) where !damaged.isEmpty: return .mend(damaged)
        case .taken(let isComplete, let isBusy, _, let hasPending):
            if isComplete { (hasReadAnew, corrections) = (false, 0) }
            divisor = max(1, divisor / 2)
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

    /// Seconds until the next try; between half of what it may be and all of it, and no sooner than the service wants.
    ///
    /// - Parameter wanted: seconds that the service has asked to be left alone for; an hour at most is given.
    mutating func pause(atLeast wanted: TimeInterval = 0, using dice: inout some RandomNumberGenerator) -> TimeInterval
    {
        let longest = min(60, pow(2, Double(failures)))
        failures = min(failures + 1, 6)
        return min(max(wanted, 0), 3600) + .random(in: longest / 2...longest, using: &dice)
    }
}
