/// A part of a booking's price that is earned over the same days and has the same tax.
public struct Earning: Hashable, Sendable {
    public enum Tax: String, Codable, Hashable, CaseIterable, Sendable {
        case lodging, extras
        /// The tax is collected for the municipality and is never the park's own.
        case touristTax
        /// No VAT: money kept from a cancelled stay is a compensation (CJEU C-277/05).
        case none
        /// Goodwill reduces the other earnings and so their VAT, but never tourist tax, which is not the park's money.
        case goodwill
    }

    public var tax: Tax
    /// The kind of revenue whose VAT rate is in the price.
    public var rated: Tax
    /// The park-local days over which the amount is earned, without the last; each day earns the same.
    public var days: Stay
    /// The earned amount in minor units, VAT included.
    public var amount: Int64

    /// - Parameter rated: the kind of revenue whose VAT rate is in the price; `tax` when nil.
    public init(_ tax: Tax, rated: Tax? = nil, over days: Stay, amount: Int64) {
        self.tax = tax
        self.rated = rated ?? tax
        self.days = days
        self.amount = amount
    }
}

/// The earned part of a price, by kind of tax.
public struct Earned: Hashable, Sendable {
    public struct Class: Hashable, Sendable {
        public var tax: Earning.Tax
        /// The VAT rate in hundredths of a percent.
        public var rate: Int

        public init(_ tax: Earning.Tax, rate: Int) {
            self.tax = tax
            self.rate = rate
        }
    }

    /// The earned amounts by kind of tax and VAT rate, in minor units, VAT included.
    public var amounts: [Class: Int64] = [:]

    public init() {}

    public var total: Int64 { amounts.values.reduce(0, +) }

    public var touristTax: Int64 { amounts[Class(.touristTax, rate: 0)] ?? 0 }

    /// Minor units including VAT, by VAT rate; tourist tax is left out.
    public var gross: [Int: Int64] {
        amounts.reduce(into: [:]) { gross, part in
            if part.key.tax != .touristTax { gross[part.key.rate, default: 0] += part.value }
        }
    }

    /// Splits an amount that includes VAT; net and VAT add up to the amount.
    public static func parts(of gross: Int64, rate: Int) -> (net: Int64, vat: Int64) {
        let parts = gross.divided(by: [10_000, Int64(Swift.max(rate, 0))]) ?? [gross, 0]
        return (parts[0], parts[1])
    }
}

extension Earned {
    /// Takes goodwill off every class except tourist tax, in proportion to the whole price.
    ///
    /// Goodwill above these classes is the park's own loss, without VAT.
    ///
    /// - Parameters:
    ///   - goodwill: below 0, or 0.
    ///   - whole: the final earnings that the goodwill is taken off, so that each day has the same proportion.
    public mutating func subtract(_ goodwill: Int64, off whole: Earned) {
        let taxed = whole.amounts.filter { $0.key.tax != .touristTax && $0.value > 0 }
        let classes = taxed.keys.sorted()
        let sum = taxed.values.reduce(0, +)
        let part = Swift.max(goodwill, -sum)
        for (key, less) in zip(classes, part.divided(by: classes.map { taxed[$0] ?? 0 }) ?? []) where less != 0 {
            amounts[key, default: 0] += less
        }
        if goodwill != part { amounts[Class(.none, rate: 0), default: 0] += goodwill - part }
    }
}

extension Earned.Class: Comparable {
    public static func < (one: Self, other: Self) -> Bool {
        (one.tax.rawValue, one.rate) < (other.tax.rawValue, other.rate)
    }
}

extension [Earning] {
    /// The amount earned by the end of a day; each day's part has the VAT rate of that day.
    ///
    /// Units that cannot be spread evenly fall on the first days, so the last day always completes the amount.
    public func earned(through day: LocalDate, _ rates: [HouseRules.VATRates]) -> Earned {
        var (earned, goodwill) = charged(through: day, rates)
        if goodwill != 0 { earned.subtract(goodwill, off: charged(through: .latest, rates).earned) }
        return earned
    }

    private func charged(
        through day: LocalDate,
        _ rates: [HouseRules.VATRates]
    ) -> (earned: Earned, goodwill: Int64) {
        var earned = Earned()
        var goodwill: Int64 = 0
        for earning in self {
            let count = earning.days.nightCount
            let parts = earning.amount.divided(by: Array<Int64>(repeating: 1, count: count)) ?? []
            for (date, part) in zip(earning.days.nights, parts) where date <= day {
                if earning.tax == .goodwill {
                    goodwill += part
                } else {
                    let rate = rates.rate(of: earning.rated, on: date)
                    earned.amounts[Earned.Class(earning.tax, rate: rate), default: 0] += part
                }
            }
        }
        return (earned, goodwill)
    }
}

extension [HouseRules.VATRates] {
    /// The VAT rate in hundredths of a percent; 0 before the first rates apply.
    public func rate(of tax: Earning.Tax, on day: LocalDate) -> Int {
        guard let rates = filter({ $0.from <= day }).max(by: { $0.from < $1.from }) else { return 0 }
        return switch tax {
        case .lodging: rates.lodging
        case .extras: rates.extras
        case .touristTax, .none, .goodwill: 0
        }
    }
}

extension ChargeLine.Kind {
    /// The kind of tax on lines of this kind.
    public var tax: Earning.Tax {
        switch self {
        case .night, .cleaning, .chosenCottage, .pet, .earlyBooking, .imported: .lodging
        case .extra: .extras
        case .touristTax: .touristTax
        case .cancellation: .none
        case .goodwill: .goodwill
        }
    }
}
