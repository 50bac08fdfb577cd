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

/// Chooses whom a refund is paid to: the attempts whose payers get money back, until `due` is covered.
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
