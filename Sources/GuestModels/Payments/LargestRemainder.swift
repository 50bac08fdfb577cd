extension Int64 {
    /// Divides an amount by weights so that the parts add up to it exactly: everybody gets the whole part of what is
    /// theirs, and the minor units that are left go one by one to the greatest remainders, ties to who stands first.
    ///
    /// The Hare–Niemeyer method. A negative amount is divided as its magnitude is; who has no weight gets nothing.
    ///
    /// - Parameter weights: none below 0, in an order that does not depend on anything but who they belong to.
    /// - Returns: nil when there is no weight at all, unless there is nothing to divide.
    public func divided(by weights: [Int64]) -> [Int64]? {
        guard weights.allSatisfy({ $0 >= 0 }) else { return nil }
        var sum: UInt64 = 0
        for weight in weights {
            let (next, overflows) = sum.addingReportingOverflow(weight.magnitude)
            guard !overflows else { return nil }
            sum = next
        }
        guard sum > 0 else { return self == 0 ? weights.map { _ in 0 } : nil }
        var left = magnitude
        var parts: [UInt64] = []
        var remainders: [(index: Int, remainder: UInt64)] = []
        for (index, weight) in weights.enumerated() {
            // A weight is at most the sum, so the quotient is at most the amount.
            let (part, remainder) = sum.dividingFullWidth(magnitude.multipliedFullWidth(by: weight.magnitude))
            parts.append(part)
            left -= part
            if weight > 0 { remainders.append((index, remainder)) }
        }
        remainders.sort { ($1.remainder, $0.index) < ($0.remainder, $1.index) }
        for (index, _) in remainders.prefix(Int(clamping: left)) { parts[index] += 1 }
        // The magnitude of the least amount of all has no positive twin.
        return parts.map { self < 0 ? 0 &- Int64(truncatingIfNeeded: $0) : Int64(truncatingIfNeeded: $0) }
    }
}
