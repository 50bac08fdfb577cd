extension Refund {
    /// An attempt's money that can still be given back.
    public struct Source: Hashable, Sendable {
        public var attempt: Attempt.ID
        /// Minor units that were not given back, are not reserved for a refund, and were not taken back by a bank.
        public var amount: Int64
        /// Whether the payer is not of the household that owes the share: has moved to another, has left, or never lived there.
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
/// - Parameter due: minor units; an amount that no attempt covers was paid at the desk and goes back there.
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
