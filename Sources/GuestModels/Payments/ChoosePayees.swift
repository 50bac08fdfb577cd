extension Refund {
    /// An attempt's money that can still be given back.
    public struct Source: Hashable, Sendable {
        public var attempt: Attempt.ID
        /// The amount in minor units, without money given back, reserved for a refund, or taken back by a bank.
        public var amount: Int64
        /// Whether the payer is not a member, or no longer a member, of the household that owes the share.
        public var isFromOutside: Bool

        public init(attempt: Attempt.ID, amount: Int64, isFromOutside: Bool = false) {
            self.attempt = attempt
            self.amount = amount
            self.isFromOutside = isFromOutside
        }
    }
}

/// Chooses whom a refund is paid to: the attempts whose payers get money back, until `due` is covered.
///
/// Attempts of payers who are not of the household come first, then the latest attempts.
///
/// - Parameter due: the amount to refund in minor units. A part that no attempt covers was paid at the desk, which
///   gives it back.
public func choosePayees(
    covering due: Int64,
    from left: [Refund.Source]
) -> [(
    attempt: Attempt.ID, amount: Int64
)] {
    var due = due
    var refunds: [(attempt: Attempt.ID, amount: Int64)] = []
    let order = left.sorted { ($0.isFromOutside ? 0 : 1, $1.attempt) < ($1.isFromOutside ? 0 : 1, $0.attempt) }
    for source in order where due > 0 && source.amount > 0 {
        let part = min(due, source.amount)
        refunds.append((source.attempt, part))
        due -= part
    }
    return refunds
}
