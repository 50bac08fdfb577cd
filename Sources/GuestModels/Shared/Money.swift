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
    /// As `EUR 120.50` or `JPY 27037`, for plain text, with as many decimals as the currency has.
    public var plainText: String { "\(currency) \(decimals)" }

    /// As `120.50`, without the currency.
    public var decimals: String { amount.text(decimals: Currency.decimals(of: currency)) }
}

extension Int64 {
    /// As `120.50` with two decimals; at most 4.
    public func text(decimals: Int) -> String {
        var unit: UInt64 = 1
        for _ in 0..<Swift.min(Swift.max(decimals, 0), 4) { unit *= 10 }
        let whole = "\(self < 0 ? "-" : "")\(magnitude / unit)"
        guard unit > 1 else { return whole }
        // The leading digit keeps the zeros behind the point.
        return "\(whole).\(String(unit + magnitude % unit).dropFirst())"
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
