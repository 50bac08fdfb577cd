import Foundation
import GuestModels
import Synchronization

/// A fault that the simulation causes between the service and the outside.
enum Fault: String, CaseIterable, Sendable {
    // Faults between the service and the provider, and between phones and the service.
    case requestDropped, requestDelayed, answerDropped, answerDelayed, requestDoubled, providerError
    // Faults between the provider and our webhooks.
    case eventWithheld, eventAnswerDropped, eventDoubled, eventDelayed, eventStale, eventAltered
    // Faults of the service, its database and the provider.
    case serviceKilled, databaseRestarted, providerKilled
    // Banks, or staff at the provider's dashboard, take received money back.
    case disputeOpened, disputeWon, disputeLost, debitReturned, refundedElsewhere
    // Faults of phones and their owners.
    case phoneKilled, phoneCloned, phonePartitioned, phoneFull, clockWrong, memberLeft, memberCameBack

    static let towardsProvider: [Fault] = [
        .requestDropped, .answerDropped, .answerDelayed, .requestDoubled, .providerError,
    ]
    /// The faults of a phone's requests.
    ///
    /// A delayed request arrives after later requests of other phones. If its phone was killed, later requests of this
    /// phone may arrive before it too.
    static let ofPhones: [Fault] = [
        .requestDropped, .requestDelayed, .answerDropped, .answerDelayed, .requestDoubled,
    ]
    static let towardsService: [Fault] = [
        .eventWithheld, .eventAnswerDropped, .eventDoubled, .eventDelayed, .eventStale, .eventAltered,
    ]
}

/// Chooses the faults and counts them.
final class FaultPlan: Sendable {
    private struct State {
        var generator: SeededGenerator
        var counts: [Fault: Int] = [:]
        var isHealed = false
    }

    private let state: Mutex<State>
    /// The percentage of messages that meet a fault.
    private let percent: Int

    init(seed: UInt64, percent: Int) {
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
        self.percent = percent
    }

    /// Chooses one of the faults, or none; the choice is counted at once, because its message is on its way.
    func choose(_ faults: [Fault]) -> Fault? {
        state.withLock { state in
            guard !state.isHealed, Int.random(in: 0..<100, using: &state.generator) < percent,
                let fault = faults.randomElement(using: &state.generator)
            else { return nil }
            state.counts[fault, default: 0] += 1
            return fault
        }
    }

    func count(_ fault: Fault, times: Int = 1) {
        guard times > 0 else { return }
        state.withLock { $0.counts[fault, default: 0] += times }
    }

    func random(_ range: ClosedRange<Int>) -> Int {
        state.withLock { Int.random(in: range, using: &$0.generator) }
    }

    func heal(_ isHealed: Bool = true) { state.withLock { $0.isHealed = isHealed } }

    var counts: [Fault: Int] { state.withLock { $0.counts } }
    var total: Int { counts.values.reduce(0, +) }
}
