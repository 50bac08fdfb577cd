extension [ChargeLine] {
    /// The deposit of a stay with these lines: a percentage of the lodging; extras ask for no deposit.
    ///
    /// - Parameters:
    ///   - types: the types of the cottages; a season may ask for another deposit for a type.
    ///   - today: the park-local day of booking.
    public func deposit(
        _ rules: HouseRules,
        for stay: Stay,
        types: [Cottage.ID: CottageType.ID],
        today: LocalDate
    ) -> Int64 {
        var sums: [Int: Int64] = [:]
        for line in self where line.kind.isLodging {
            let own = rules.season(of: stay.arrival, line.cottageId.flatMap { types[$0] })
            sums[own.depositPercent(for: stay, today: today), default: 0] += line.amount
        }
        return sums.reduce(0) { $0 + $1.value.percentage($1.key) }
    }
}
