extension Int64 {
    /// Divides an amount by weights so that the parts add up to it exactly.
    ///
    /// Each part first gets its whole units. The units that are left go one by one to the greatest remainders; in a tie
    /// the earlier weight wins. This is the Hare–Niemeyer method. A negative amount is divided like its magnitude. A
    /// weight of 0 gets nothing.
    ///
    /// - Parameter weights: none below 0, in an order that depends only on their owners.
    /// - Returns: nil when all weights are 0, unless the amount is 0 too.
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
        // The magnitude of `Int64.min` has no positive `Int64`, so the conversion truncates.
        return parts.map { self < 0 ? 0 &- Int64(truncatingIfNeeded: $0) : Int64(truncatingIfNeeded: $0) }
    }
}
