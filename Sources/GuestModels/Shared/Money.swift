/// An amount in whole minor units (cents) of a currency.
public struct Money: Hashable, Codable, Sendable {
    public var amount: Int64
    /// The ISO 4217 code, three capitals.
    public var currency: String

    public init(_ amount: Int64, _ currency: String) {
        self.amount = amount
        self.currency = currency
    }
}

extension Money {
    /// The amount as `EUR 120.50` or `JPY 27037`, with the decimals of the currency.
    public var plainText: String { "\(currency) \(decimals)" }

    /// The amount as `120.50`, without the currency.
    public var decimals: String { amount.text(decimals: Currency.decimals(of: currency)) }
}

extension Int64 {
    /// The amount as text, such as `120.50` with two decimals; at most 4 decimals.
    public func text(decimals: Int) -> String {
        var unit: UInt64 = 1
        for _ in 0..<Swift.min(Swift.max(decimals, 0), 4) { unit *= 10 }
        let whole = "\(self < 0 ? "-" : "")\(magnitude / unit)"
        guard unit > 1 else { return whole }
        // Adding the unit puts a 1 before the decimals, so that their zeros stay; `dropFirst` removes the 1.
        return "\(whole).\(String(unit + magnitude % unit).dropFirst())"
    }

    /// `percent` of this amount, rounded half away from zero.
    ///
    /// The result is exact for every amount; `percent` is clamped to 0…100.
    public func percentage(_ percent: Int) -> Int64 {
        let factor = Int64(Swift.min(Swift.max(percent, 0), 100))
        let (whole, rest) = quotientAndRemainder(dividingBy: 100)
        let part = rest * factor
        return whole * factor + (part + (part < 0 ? -50 : 50)) / 100
    }
}
