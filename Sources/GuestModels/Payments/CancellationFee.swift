extension [ChargeLine] {
    /// The fee for cancelling these lines.
    ///
    /// A household alone owes the fee on its own orders. A cancelled stay owes no tourist tax.
    ///
    /// - Parameter orders: extras that households have ordered for themselves.
    public func fee(percent: Int, own orders: Set<ExtraOrder.ID>) -> [ChargeLine] {
        let charged = filter { $0.kind != .cancellation && $0.kind != .touristTax }
        var own: [Household.ID: Int64] = [:]
        var common: Int64 = 0
        for line in charged {
            if let household = line.householdId, line.extraOrderId.map(orders.contains) ?? (line.kind == .goodwill) {
                own[household, default: 0] += line.amount
            } else {
                common += line.amount
            }
        }
        var fees: [ChargeLine] = []
        for (household, amount) in own.sorted(by: { $0.key < $1.key }) {
            let fee = amount.percentage(percent)
            if amount <= 0 {
                common += amount
            } else if fee > 0 {
                fees.append(ChargeLine(.cancellation, household: household, unitAmount: fee))
            }
        }
        let fee = common.percentage(percent)
        return fee > 0 ? [ChargeLine(.cancellation, unitAmount: fee)] + fees : fees
    }
}
