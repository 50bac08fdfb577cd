import Foundation
import SyncMessages

/// Decides what the engine does next, without carrying it out.
///
/// Each decision can therefore be tested without a network, a file or a clock. A sync step begins with the event
/// `begun`. The engine carries out each answer and reports it as the next event, until an answer ends the step.
struct SyncCourse: Hashable, Sendable {
    /// The most mutations of a request.
    let largestBatch: Int
    /// The number of mutations in the next request, before the divisor applies.
    ///
    /// The number falls when the service was busy and rises again after a success.
    private(set) var batch: Int
    /// Divides the size of the next request and of its answer, after answers were cut off; a power of two.
    private(set) var divisor = 1
    /// Whether everything was read anew since the last correct answer.
    private(set) var hasReadAnew = false
    /// The number of corrections and repairs in a row, without a correct answer in between.
    private(set) var corrections = 0

    /// The most corrections in a row; after more of them the engine fails and waits.
    static let mostCorrections = 4
    /// The largest divisor of a request's size.
    static let largestDivisor = 64

    init(largestBatch: Int) {
        self.largestBatch = max(1, largestBatch)
        batch = self.largestBatch
    }

    /// The most mutations that the next request may carry.
    var mutations: Int { max(1, batch / divisor) }

    enum Event: Hashable, Sendable {
        case begun(isRegistered: Bool, hasMutations: Bool)
        /// The service answered the registration with this status and problem code.
        ///
        /// `after` is the number of seconds until the service wants to be asked again.
        case registered(status: Int, code: String?, after: TimeInterval? = nil)
        /// The service answered the sync request; the values mean the same as those of `registered`.
        case answered(status: Int, code: String?, after: TimeInterval? = nil)
        /// No answer came, or only a part of it.
        case cut(SyncEngine.Failure)
        /// The store has taken in the answer.
        ///
        /// The values say whether the answer was the last page, whether the service was busy, which scopes differ from
        /// their digests, and whether mutations wait.
        case taken(isComplete: Bool, isBusy: Bool, damaged: [ScopeState], hasPending: Bool)
        /// The repair is over; the scope `still` differs although the service has no newer version of it.
        case mended(still: String?)
    }

    enum Step: Hashable, Sendable {
        /// The steps that send a request to the service.
        case register, exchange
        /// The step that stores the service's answer.
        case take
        case mend([ScopeState])
        /// `correct`, `end` and `fail` end the step of the engine; after `correct` the engine takes another.
        case correct(Correction)
        case end(SyncEngine.Step)
        case fail(SyncEngine.Failure)
    }

    /// A wrong belief of the store about its registration or its cursor, to be corrected.
    enum Correction: Hashable, Sendable {
        case isRegistered, isNotRegistered
        /// Another guest uses this device's id.
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

/// Waits after failures: each wait is longer, at most a minute, and random so that phones do not retry together.
struct Patience: Hashable, Sendable {
    private var failures = 0

    mutating func succeeded() { failures = 0 }

    /// The seconds until the next try.
    ///
    /// The pause is random between half of the longest wait and all of it, added to the seconds in `wanted`.
    ///
    /// - Parameter wanted: the seconds that the service asked for; at most an hour counts.
    mutating func pause(atLeast wanted: TimeInterval = 0, using dice: inout some RandomNumberGenerator) -> TimeInterval
    {
        let longest = min(60, pow(2, Double(failures)))
        failures = min(failures + 1, 6)
        return min(max(wanted, 0), 3600) + .random(in: longest / 2...longest, using: &dice)
    }
}
