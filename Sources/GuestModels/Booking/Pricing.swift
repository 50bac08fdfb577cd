/// One amount of a booking's price, and whom it is for.
public struct ChargeLine: Codable, Hashable, Sendable {
    public typealias ID = Identifier<ChargeLine>

    public enum Kind: String, Codable, CaseIterable, Sendable {
        case night, cleaning, chosenCottage, pet, earlyBooking, touristTax, imported, cancellation, extra, goodwill

        /// Follows from the stay, the cottages and the people; a change prices all of these anew.
        public var isLodging: Bool {
            switch self {
            case .night, .cleaning, .chosenCottage, .pet, .earlyBooking, .touristTax: true
            case .imported, .cancellation, .extra, .goodwill: false
            }
        }
    }

    public var kind: Kind
    public var cottageId: Cottage.ID?
    /// Whom it is for, where it is for one of them; both nil is everybody.
    public var travellerId: Traveller.ID?
    public var householdId: Household.ID?
    public var extraOrderId: ExtraOrder.ID?
    public var quantity: Int
    /// Minor units; `amount` is always `quantity` times this.
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
    /// Minor units.
    public var total: Int64 { reduce(0) { $0 + $1.amount } }

    /// What must be taken back and what must be added so that these lines become `others`.
    ///
    /// A line that is in both stays as it is.
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
    /// The line that takes this one back.
    public var reversal: ChargeLine {
        var line = self
        line.unitAmount = -unitAmount
        line.amount = -amount
        return line
    }
}

/// Works out what a stay costs.
///
/// Pure: the phone shows the same price that the server will charge.
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

    /// What a cottage costs, whoever lives in it: nights, early-booking discount, cleaning, the choice.
    ///
    /// - Throws: `Refusal.noRate` when a night lies in no season.
    public func lines(
        for cottage: Cottage.ID?,
        rates: [Rate],
        cleaningFee: Int64,
        isChosen: Bool
    ) throws(Refusal) -> [ChargeLine] {
        var nights: [Int64: Int] = [:]
        for night in stay.nights {
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

    /// What the people cost: pets, and tourist tax for those who owe it.
    ///
    /// - Parameter travellers: everybody with their age on the day of arrival.
    public func lines(for travellers: [(id: Traveller.ID?, age: Int)], pets: Int) -> [ChargeLine] {
        var lines: [ChargeLine] = []
        if pets > 0, rules.petNight > 0 {
            lines.append(ChargeLine(.pet, quantity: pets * stay.nightCount, unitAmount: rules.petNight))
        }
        guard let tax = rules.touristTax, tax.personNight > 0 else { return lines }
        let owing = travellers.filter { $0.age >= tax.fromAge }
        for traveller in owing where traveller.id != nil {
            lines.append(
                ChargeLine(.touristTax, traveller: traveller.id, quantity: stay.nightCount, unitAmount: tax.personNight)
            )
        }
        let unnamed = owing.count { $0.id == nil }
        if unnamed > 0 {
            lines.append(ChargeLine(.touristTax, quantity: unnamed * stay.nightCount, unitAmount: tax.personNight))
        }
        return lines
    }

    public func lines(for party: Party) -> [ChargeLine] {
        lines(for: party.ages.map { (id: nil, age: $0) }, pets: party.pets)
    }
}

extension Refusal {
    public static let noRate = Refusal(
        .conflict,
        "no_rate",
        en: "The park has no price for some of those nights yet.",
        nl: "Het park heeft voor sommige van die nachten nog geen prijs.",
        de: "Für einige dieser Nächte hat der Park noch keinen Preis."
    )
}
