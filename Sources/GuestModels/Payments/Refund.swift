public import Foundation

/// Money on its way back to who paid it.
public struct Refund: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Refund>

    public enum State: String, Codable, CaseIterable, Sendable {
        /// The amount is reserved so that it is not given back twice; the provider has not confirmed the refund.
        case reserved
        /// The provider has accepted the refund.
        case sent
        case succeeded
        /// The money came back: the share keeps the credit, and staff get a task.
        case failed
    }

    public var id: ID
    public var attemptId: Attempt.ID
    public var shareId: Share.ID
    public var amount: Money
    public var state: State
    public var createdAt: Date

    public init(
        id: ID,
        attemptId: Attempt.ID,
        shareId: Share.ID,
        amount: Money,
        state: State = .reserved,
        createdAt: Date
    ) {
        self.id = id
        self.attemptId = attemptId
        self.shareId = shareId
        self.amount = amount
        self.state = state
        self.createdAt = createdAt
    }
}

extension Refund {
    /// An attempt's money that can still be given back.
    public struct Source: Hashable, Sendable {
        public var attempt: Attempt.ID
        /// Minor units that were not given back, are not reserved for a refund, and were not taken back by a bank.
        public var amount: Int64
        /// Whether the payer now lives in another household, and so has another share to pay.
        public var isElsewhere: Bool

        public init(attempt: Attempt.ID, amount: Int64, isElsewhere: Bool = false) {
            self.attempt = attempt
            self.amount = amount
            self.isElsewhere = isElsewhere
        }
    }
}

/// Chooses the attempts to refund until `due` is covered.
///
/// Attempts of payers who now live in another household come first, then the latest attempts.
///
/// - Parameter due: minor units; an amount that no attempt covers was paid at the desk and goes back there.
public func refunds(
    covering due: Int64,
    from left: [Refund.Source]
) -> [(
    attempt: Attempt.ID, amount: Int64
)] {
    var due = due
    var refunds: [(attempt: Attempt.ID, amount: Int64)] = []
    let order = left.sorted { ($0.isElsewhere ? 0 : 1, $1.attempt) < ($1.isElsewhere ? 0 : 1, $0.attempt) }
    for source in order where due > 0 && source.amount > 0 {
        let part = min(due, source.amount)
        refunds.append((source.attempt, part))
        due -= part
    }
    return refunds
}
