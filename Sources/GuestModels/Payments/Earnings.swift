/// Part of a booking's price that is earned over the same days and taxed alike.
public struct Earning: Hashable, Sendable {
    public enum Tax: String, Codable, Hashable, CaseIterable, Sendable {
        case lodging, extras
        /// Collected for the municipality; never the park's own.
        case touristTax
        /// No VAT: what is kept of a cancelled stay is a compensation (CJEU C-277/05).
        case none
    }

    public var tax: Tax
    /// From the first day up to, not including, the last, park-local; the same on each.
    public var days: Stay
    /// Minor units, VAT included.
    public var amount: Int64

    public init(_ tax: Tax, over days: Stay, amount: Int64) {
        self.tax = tax
        self.days = days
        self.amount = amount
    }
}

/// What of a price has been earned, by how it is taxed.
public struct Earned: Hashable, Sendable {
    public struct Class: Hashable, Sendable {
        public var tax: Earning.Tax
        /// Of VAT, in hundredths of a percent.
        public var rate: Int

        public init(_ tax: Earning.Tax, rate: Int) {
            self.tax = tax
            self.rate = rate
        }
    }

    /// Minor units, VAT included.
    public var amounts: [Class: Int64] = [:]

    public init() {}

    public var total: Int64 { amounts.values.reduce(0, +) }

    public var touristTax: Int64 { amounts[Class(.touristTax, rate: 0)] ?? 0 }

    /// Minor units with VAT, by its rate; tourist tax is none of it.
    public var gross: [Int: Int64] {
        amounts.reduce(into: [:]) { gross, part in
            if part.key.tax != .touristTax { gross[part.key.rate, default: 0] += part.value }
        }
    }

    /// An amount that includes VAT, taken apart so that both add up to it again.
    public static func parts(of gross: Int64, rate: Int) -> (net: Int64, vat: Int64) {
        let parts = gross.divided(by: [10_000, Int64(Swift.max(rate, 0))]) ?? [gross, 0]
        return (parts[0], parts[1])
    }
}

extension [Earning] {
    /// What has been earned by the end of a day, each day's part at the rate of that day.
    ///
    /// What cannot be spread evenly falls on the first days, so the last one always completes the amount.
    public func earned(through day: LocalDate, _ rates: [HouseRules.VATRates]) -> Earned {
        var earned = Earned()
        for earning in self {
            let count = earning.days.nightCount
            let parts = earning.amount.divided(by: Array<Int64>(repeating: 1, count: count)) ?? []
            for (date, part) in zip(earning.days.nights, parts) where date <= day {
                let rate = rates.rate(of: earning.tax, on: date)
                earned.amounts[Earned.Class(earning.tax, rate: rate), default: 0] += part
            }
        }
        return earned
    }
}

extension [HouseRules.VATRates] {
    /// Hundredths of a percent; 0 before the first of them.
    public func rate(of tax: Earning.Tax, on day: LocalDate) -> Int {
        guard let rates = filter({ $0.from <= day }).max(by: { $0.from < $1.from }) else { return 0 }
        return switch tax {
        case .lodging: rates.lodging
        case .extras: rates.extras
        case .touristTax, .none: 0
        }
    }
}

extension ChargeLine.Kind {
    /// How it is taxed.
    public var tax: Earning.Tax {
        switch self {
        case .night, .cleaning, .chosenCottage, .pet, .earlyBooking, .imported, .goodwill: .lodging
        case .extra: .extras
        case .touristTax: .touristTax
        case .cancellation: .none
        }
    }
}
