/// One amount of a booking's price, and the household or traveller that it is for.
public struct ChargeLine: Codable, Hashable, Sendable {
    public typealias ID = Identifier<ChargeLine>

    public enum Kind: String, Codable, CaseIterable, Sendable {
        case night, cleaning, chosenCottage, pet, earlyBooking, touristTax, imported, cancellation, extra, goodwill

        /// Whether the line follows from the stay, the cottages and the people; a change prices all such lines anew.
        public var isLodging: Bool {
            switch self {
            case .night, .cleaning, .chosenCottage, .pet, .earlyBooking, .touristTax: true
            case .imported, .cancellation, .extra, .goodwill: false
            }
        }
    }

    public var kind: Kind
    public var cottageId: Cottage.ID?
    /// The traveller or the household that the line is for; when both are nil, the line is for everybody.
    public var travellerId: Traveller.ID?
    public var householdId: Household.ID?
    public var extraOrderId: ExtraOrder.ID?
    public var quantity: Int
    /// The unit price in minor units; `amount` is always `quantity` times this.
    public var unitAmount: Int64
    public var amount: Int64

    public init(
        _ kind: Kind,
        cottage: Cottage.ID? = nil,
        traveller: Traveller.ID? = nil,
        household: Household.ID? = nil,
        extraOrder: ExtraOrder.ID? = nil,
        quantity: Int = 1,
        unitAmount: Int64
    ) {
        self.kind = kind
        cottageId = cottage
        travellerId = traveller
        householdId = household
        extraOrderId = extraOrder
        self.quantity = quantity
        self.unitAmount = unitAmount
        amount = Int64(quantity) * unitAmount
    }
}

extension [ChargeLine] {
    /// The sum of the lines in minor units.
    public var total: Int64 { reduce(0) { $0 + $1.amount } }

    /// The lines to reverse and the lines to add so that these lines become `others`.
    ///
    /// A line that both lists have is neither reversed nor added.
    public func differences(to others: [ChargeLine]) -> (reversed: [ChargeLine], added: [ChargeLine]) {
        var missing: [ChargeLine: Int] = [:]
        for line in others { missing[line, default: 0] += 1 }
        var reversed: [ChargeLine] = []
        for line in self {
            if let count = missing[line], count > 0 { missing[line] = count - 1 } else { reversed.append(line) }
        }
        var added: [ChargeLine] = []
        for line in others {
            guard let count = missing[line], count > 0 else { continue }
            missing[line] = count - 1
            added.append(line)
        }
        return (reversed, added)
    }
}

extension ChargeLine {
    /// A line that cancels this line out.
    public var reversal: ChargeLine {
        var line = self
        line.unitAmount = -unitAmount
        line.amount = -amount
        return line
    }
}

/// Calculates the price of a stay.
///
/// The calculation is pure, so the phone shows the same price that the server will charge.
public struct Pricing: Sendable {
    public var rules: HouseRules
    public var stay: Stay
    /// The park-local day of booking.
    public var today: LocalDate

    public init(rules: HouseRules, stay: Stay, today: LocalDate) {
        self.rules = rules
        self.stay = stay
        self.today = today
    }

    /// The charge lines of one cottage that do not depend on the people in it.
    ///
    /// They are the nights, the early-booking discount, the cleaning and the fee for a chosen cottage.
    ///
    /// - Parameter first: the first night that is paid for; nil for the whole stay.
    /// - Throws: `Refusal.noRate` when a night lies in no season.
    public func lines(
        for cottage: Cottage.ID?,
        rates: [Rate],
        cleaningFee: Int64,
        isChosen: Bool,
        from first: LocalDate? = nil
    ) throws(Refusal) -> [ChargeLine] {
        var nights: [Int64: Int] = [:]
        for night in stay.nights where night >= first ?? stay.arrival {
            guard let rate = rates.first(where: { $0.season.arrival <= night && night < $0.season.departure }) else {
                throw .noRate
            }
            nights[night.weekday.isWeekendNight ? rate.weekendNight : rate.night, default: 0] += 1
        }
        var lines = nights.sorted { $0.key < $1.key }.map { amount, count in
            ChargeLine(.night, cottage: cottage, quantity: count, unitAmount: amount)
        }
        if let early = rules.earlyBooking, stay.arrival.daysSince1970 - today.daysSince1970 >= early.days {
            let discount = lines.total.percentage(early.percent)
            if discount > 0 { lines.append(ChargeLine(.earlyBooking, cottage: cottage, unitAmount: -discount)) }
        }
        if cleaningFee > 0 { lines.append(ChargeLine(.cleaning, cottage: cottage, unitAmount: cleaningFee)) }
        if isChosen, rules.chosenCottageFee > 0 {
            lines.append(ChargeLine(.chosenCottage, cottage: cottage, unitAmount: rules.chosenCottageFee))
        }
        return lines
    }

    /// The lines for pets, and the tourist tax of travellers who owe it.
    ///
    /// - Parameters:
    ///   - travellers: all travellers, with their age on the day of arrival.
    ///   - nights: the price of all nights together, minor units; a tourist tax in percent is a part of it.
    public func lines(
        for travellers: [(id: Traveller.ID?, age: Int)],
        pets: Int,
        nights: Int64
    ) -> [ChargeLine] {
        var lines: [ChargeLine] = []
        if pets > 0, rules.petNight > 0 {
            lines.append(ChargeLine(.pet, quantity: pets * stay.nightCount, unitAmount: rules.petNight))
        }
        guard let tax = rules.touristTax else { return lines }
        let taxed = min(stay.nightCount, tax.maximumNights ?? .max)
        let part = tax.part(of: nights, nights: taxed, of: stay.nightCount, people: travellers.count)
        let owing = travellers.filter { tax.isOwed(at: $0.age) }
        for traveller in owing where traveller.id != nil {
            if tax.personNight > 0 {
                lines.append(
                    ChargeLine(.touristTax, traveller: traveller.id, quantity: taxed, unitAmount: tax.personNight)
                )
            }
            if part > 0 { lines.append(ChargeLine(.touristTax, traveller: traveller.id, unitAmount: part)) }
        }
        let unnamed = owing.count { $0.id == nil }
        if unnamed > 0, tax.personNight > 0 {
            lines.append(ChargeLine(.touristTax, quantity: unnamed * taxed, unitAmount: tax.personNight))
        }
        if unnamed > 0, part > 0 { lines.append(ChargeLine(.touristTax, quantity: unnamed, unitAmount: part)) }
        return lines
    }

    /// The charge lines for the pets and the tourist tax of a party.
    ///
    /// - Parameter nights: the price of all nights together, in minor units.
    public func lines(for party: Party, nights: Int64) -> [ChargeLine] {
        lines(for: party.ages.map { (id: nil, age: $0) }, pets: party.pets, nights: nights)
    }
}

extension HouseRules.TouristTax {
    /// One person's part of a tourist tax in percent, minor units, rounded half up.
    fileprivate func part(of price: Int64, nights taxed: Int, of nights: Int, people: Int) -> Int64 {
        guard let rate, rate > 0, price > 0, nights > 0, people > 0 else { return 0 }
        // Prices are at most 1e12, so 128 bits are more than enough.
        let share = Int128(price) * Int128(rate) * Int128(taxed)
        let whole = Int128(nights) * Int128(people) * 10_000
        return Int64(clamping: (2 * share + whole) / (2 * whole))
    }
}

extension ChargeLine {
    /// The tourist tax of a person who slept fewer nights than were booked; nil when no tax is owed.
    ///
    /// A percentage is rounded down to minor units.
    ///
    /// - Parameters:
    ///   - slept: the nights that the person stayed.
    ///   - nights: the nights that the line was charged for.
    public func touristTax(sleeping slept: Int, of nights: Int, _ tax: HouseRules.TouristTax?) -> ChargeLine? {
        let most = tax?.maximumNights ?? .max
        let (due, left) = (min(nights, most), min(max(slept, 0), most))
        guard left < due, due > 0 else { return self }
        guard left > 0 else { return nil }
        var line = self
        if quantity == due, unitAmount == tax?.personNight {
            line.quantity = left
        } else {
            line.unitAmount = unitAmount * Int64(left) / Int64(due)
        }
        line.amount = Int64(line.quantity) * line.unitAmount
        return line
    }
}

extension [ChargeLine] {
    /// The price of all nights after discounts, minor units.
    public var nights: Int64 { filter { $0.kind == .night || $0.kind == .earlyBooking }.total }
}

extension Refusal {
    /// No rate of the cottage type has a season with one of the nights; choose other dates.
    public static let noRate = Refusal(
        .conflict,
        "no_rate",
        en: "The park has no price for some of those nights yet.",
        nl: "Het park heeft voor sommige van die nachten nog geen prijs.",
        de: "Für einige dieser Nächte hat der Park noch keinen Preis."
    )
}
