public import Foundation

/// Money on its way back to the person who paid it.
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
