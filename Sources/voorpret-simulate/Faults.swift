import Foundation
import GuestModels
import Synchronization

/// What can go wrong between the service and the world.
enum Fault: String, CaseIterable, Sendable {
    // Between the service and the provider, and between phones and the service.
    case requestDropped, requestDelayed, answerDropped, answerDelayed, requestDoubled, providerError
    // Between the provider and our webhooks.
    case eventWithheld, eventAnswerDropped, eventDoubled, eventDelayed, eventStale, eventAltered
    // The service, its database and the provider.
    case serviceKilled, databaseRestarted, providerKilled
    // Banks, or staff at the provider's dashboard, move money that had come in.
    case disputeOpened, disputeWon, disputeLost, debitReturned, refundedElsewhere
    // Phones and who they belong to.
    case phoneKilled, phoneCloned, phonePartitioned, phoneFull, clockWrong, memberLeft, memberCameBack

    static let towardsProvider: [Fault] = [
        .requestDropped, .answerDropped, .answerDelayed, .requestDoubled, .providerError,
    ]
    /// A request that is delayed comes after later ones of other phones, and of its own phone where that was killed.
    static let ofPhones: [Fault] = [
        .requestDropped, .requestDelayed, .answerDropped, .answerDelayed, .requestDoubled,
    ]
    static let towardsService: [Fault] = [
        .eventWithheld, .eventAnswerDropped, .eventDoubled, .eventDelayed, .eventStale, .eventAltered,
    ]
}

/// Decides what goes wrong and counts what did.
final class FaultPlan: Sendable {
    private struct State {
        var generator: SeededGenerator
        var counts: [Fault: Int] = [:]
        var isHealed = false
    }

    private let state: Mutex<State>
    /// Of a hundred messages, how many meet a fault.
    private let percent: Int

    init(seed: UInt64, percent: Int) {
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
        self.percent = percent
    }

    /// One of these, or none; counted, since the message it hits is under way.
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
