/// An amount in whole minor units (cents) of a currency.
public struct Money: Hashable, Codable, Sendable {
    public var amount: Int64
    /// ISO 4217, three capitals.
    public var currency: String

    public init(_ amount: Int64, _ currency: String) {
        self.amount = amount
        self.currency = currency
    }
}

extension Money {
    /// As `EUR 120.50`, for plain text; every currency of a park here has hundredths.
    public var plainText: String { "\(currency) \(amount.asHundredths)" }
}

extension Int64 {
    /// As `120.50`.
    public var asHundredths: String {
        "\(self < 0 ? "-" : "")\(magnitude / 100).\(magnitude % 100 / 10)\(magnitude % 10)"
    }

    /// `percent` of this amount, rounded half away from zero.
    ///
    /// Exact for every amount and 0…100 percent.
    public func percentage(_ percent: Int) -> Int64 {
        let factor = Int64(Swift.min(Swift.max(percent, 0), 100))
        let (whole, rest) = quotientAndRemainder(dividingBy: 100)
        let part = rest * factor
        return whole * factor + (part + (part < 0 ? -50 : 50)) / 100
    }
}
