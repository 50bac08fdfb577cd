/// How a group divides the price of a stay among its households.
///
/// Lines of one household alone stay its own under every rule: extras that it ordered, and its travellers' tourist tax.
/// The rule divides the rest, the common lines.
public struct SplitRule: Codable, Hashable, Sendable {
    public enum Way: String, Codable, CaseIterable, Sendable {
        /// Every traveller who counts pays the same.
        case equally
        /// Every household pays the same.
        case byHousehold
        /// Every traveller who counts pays for the nights of their stay.
        case byNights
        /// Households pay in proportion to their weights.
        case byWeights
        /// The residents of a cottage pay its price equally; everybody pays the rest.
        case byCottage
        /// Each household pays an exact amount; the amounts add up to the price.
        case exactly
    }

    public struct Weight: Codable, Hashable, Sendable {
        public var householdId: Household.ID
        /// The weight; a household with 0 pays nothing of the common lines.
        public var weight: Int64

        public init(householdId: Household.ID, weight: Int64) {
            self.householdId = householdId
            self.weight = weight
        }
    }

    public struct Nights: Codable, Hashable, Sendable {
        public var travellerId: Traveller.ID
        public var nights: Int

        public init(travellerId: Traveller.ID, nights: Int) {
            self.travellerId = travellerId
            self.nights = nights
        }
    }

    public struct Amount: Codable, Hashable, Sendable {
        public var householdId: Household.ID
        /// The household's amount in minor units.
        public var amount: Int64

        public init(householdId: Household.ID, amount: Int64) {
            self.householdId = householdId
            self.amount = amount
        }
    }

    public var way: Way
    /// The age on the day of arrival below which a traveller pays nothing of the common lines; nil for none.
    public var freeBelowAge: Int?
    /// How much each household pays in proportion, when the bill is split by weights.
    public var weights: [Weight]?
    /// The travellers who do not stay all nights, when the bill is split by nights.
    public var nights: [Nights]?
    /// The amounts of the households, when the bill is split exactly.
    ///
    /// In a request each amount is all that the household pays. In the stored rule it is the household's part of the
    /// common lines.
    public var amounts: [Amount]?

    public init(
        _ way: Way,
        freeBelowAge: Int? = nil,
        weights: [Weight]? = nil,
        nights: [Nights]? = nil,
        amounts: [Amount]? = nil
    ) {
        self.way = way
        self.freeBelowAge = freeBelowAge
        self.weights = weights
        self.nights = nights
        self.amounts = amounts
    }
}

extension SplitRule: Checked {
    public func check(_ check: inout Check) {
        check.range(freeBelowAge, "/freeBelowAge", 0...120)
        check.require(
            (weights == nil) == (way != .byWeights),
            "/weights",
            "must be given with byWeights, and only then"
        )
        check.require(nights == nil || way == .byNights, "/nights", "must be given with byNights only")
        check.require((amounts == nil) == (way != .exactly), "/amounts", "must be given with exactly, and only then")
        check.require((weights ?? []).count <= 200, "/weights", "must have up to 200 entries")
        check.require((nights ?? []).count <= 200, "/nights", "must have up to 200 entries")
        check.require((amounts ?? []).count <= 200, "/amounts", "must have up to 200 entries")
        for (index, weight) in (weights ?? []).enumerated() {
            check.range(weight.weight, "/weights/\(index)/weight", 0...1_000_000)
        }
        for (index, nights) in (nights ?? []).enumerated() {
            check.range(nights.nights, "/nights/\(index)/nights", 0...366)
        }
        for (index, amount) in (amounts ?? []).enumerated() {
            check.range(amount.amount, "/amounts/\(index)/amount", 0...1_000_000_000_000)
        }
        check.require(
            Set((weights ?? []).map(\.householdId)).count == (weights ?? []).count,
            "/weights",
            "must not name a household twice"
        )
        check.require(
            Set((nights ?? []).map(\.travellerId)).count == (nights ?? []).count,
            "/nights",
            "must not name anybody twice"
        )
        check.require(
            Set((amounts ?? []).map(\.householdId)).count == (amounts ?? []).count,
            "/amounts",
            "must not name a household twice"
        )
    }
}

/// The facts to divide: a booking's price and the people who stay.
public struct Bill: Sendable {
    public var stay: Stay
    public var lines: [ChargeLine]
    /// The travellers who stay.
    public var travellers: [Traveller]
    /// The households of each cottage, as far as the group has said.
    public var homes: [Cottage.ID: [Household.ID]]

    public init(
        stay: Stay,
        lines: [ChargeLine],
        travellers: [Traveller],
        homes: [Cottage.ID: [Household.ID]] = [:]
    ) {
        self.stay = stay
        self.lines = lines
        self.travellers = travellers
        self.homes = homes
    }

    public var total: Int64 { lines.total }
}

extension SplitRule {
    /// Divides a bill that may have changed since the rule was made; this always succeeds.
    ///
    /// Households that no longer stay are left out. Exact amounts divide the common lines in their proportion, so one
    /// household's own orders change no other share. If the rule leaves no payer, all households pay the same.
    public func division(of bill: Bill, backstop: Household.ID) -> [Household.ID: Int64] {
        let known = Set(bill.travellers.map(\.householdId))
        var rule = self
        rule.nights = nights?.filter { night in bill.travellers.contains { $0.id == night.travellerId } }
        rule.weights = weights?.filter { known.contains($0.householdId) }
        if way == .exactly {
            rule = SplitRule(
                .byWeights,
                weights: (amounts ?? []).filter { known.contains($0.householdId) }
                    .map { Weight(householdId: $0.householdId, weight: $0.amount) }
            )
        }
        if let shares = try? rule.shares(of: bill) { return shares }
        return (try? SplitRule(.byHousehold).shares(of: bill)) ?? [backstop: bill.total]
    }

    /// The rule in the form that is stored, for the bill of the request.
    ///
    /// - Throws: the errors of `shares(of:)`, and `splitBelowOwn` when an exact amount is below the household's own
    ///   lines.
    public func kept(for bill: Bill) throws(Refusal) -> SplitRule {
        let shares = try shares(of: bill)
        guard way == .exactly else { return self }
        var rule = self
        var own: [Household.ID: Int64] = [:]
        let homes = Dictionary(bill.travellers.map { ($0.id, $0.householdId) }) { first, _ in first }
        for line in bill.lines {
            if let household = line.householdId ?? line.travellerId.flatMap({ homes[$0] }), shares[household] != nil {
                own[household, default: 0] += line.amount
            }
        }
        rule.amounts = shares.sorted { $0.key < $1.key }
            .map { Amount(householdId: $0.key, amount: $0.value - (own[$0.key] ?? 0)) }
        guard rule.amounts?.allSatisfy({ $0.amount >= 0 }) ?? true else { throw .splitBelowOwn }
        return rule
    }

    /// The amount that each household owes; the amounts add up to the bill's total for every rule and bill.
    ///
    /// The order of lines and travellers does not matter. Units that cannot be divided evenly are given by household
    /// id.
    ///
    /// - Returns: an amount for every household that stays, even when it is 0.
    /// - Throws: `splitNamesStranger` when the rule names a household or traveller that does not stay, `nobodyPays`
    ///   when the rule leaves no payer, `splitDiffers` when exact amounts do not add up.
    public func shares(of bill: Bill) throws(Refusal) -> [Household.ID: Int64] {
        let households = Set(bill.travellers.map(\.householdId)).sorted()
        let known = Set(households)
        if way == .exactly {
            let amounts = amounts ?? []
            guard amounts.allSatisfy({ known.contains($0.householdId) }) else { throw .splitNamesStranger }
            guard amounts.reduce(0, { $0 + $1.amount }) == bill.total else { throw .splitDiffers }
            var shares = Dictionary(households.map { ($0, Int64(0)) }) { first, _ in first }
            for amount in amounts { shares[amount.householdId] = amount.amount }
            return shares
        }
        var shares = Dictionary(households.map { ($0, Int64(0)) }) { first, _ in first }
        let homes = Dictionary(bill.travellers.map { ($0.id, $0.householdId) }) { first, _ in first }
        var common: Int64 = 0
        var cottages: [Cottage.ID: Int64] = [:]
        for line in bill.lines {
            let own = line.householdId ?? line.travellerId.flatMap { homes[$0] }
            if let own, known.contains(own) {
                shares[own, default: 0] += line.amount
            } else if way == .byCottage, let cottage = line.cottageId, !residents(of: cottage, bill).isEmpty {
                cottages[cottage, default: 0] += line.amount
            } else {
                common += line.amount
            }
        }
        try divide(common, by: try weights(of: bill, households), among: households, into: &shares)
        for (cottage, amount) in cottages.sorted(by: { $0.key < $1.key }) {
            let residents = residents(of: cottage, bill)
            var weights = heads(residents, bill)
            // A cottage in which only children live must still be paid.
            if weights.values.allSatisfy({ $0 == 0 }) { weights = heads(residents, bill, countingAll: true) }
            try divide(amount, by: households.map { weights[$0] ?? 0 }, among: households, into: &shares)
        }
        return shares
    }

    private func divide(
        _ amount: Int64,
        by weights: [Int64],
        among households: [Household.ID],
        into shares: inout [Household.ID: Int64]
    ) throws(Refusal) {
        guard let parts = amount.divided(by: weights) else { throw .nobodyPays }
        for (household, part) in zip(households, parts) { shares[household, default: 0] += part }
    }

    /// The weight of each household in the common lines.
    private func weights(of bill: Bill, _ households: [Household.ID]) throws(Refusal) -> [Int64] {
        switch way {
        case .byHousehold: return households.map { _ in 1 }
        case .byWeights:
            let weights = Dictionary((weights ?? []).map { ($0.householdId, $0.weight) }) { first, _ in first }
            guard Set(weights.keys).isSubset(of: households) else { throw .splitNamesStranger }
            return households.map { weights[$0] ?? 0 }
        case .byNights:
            let told = Dictionary((nights ?? []).map { ($0.travellerId, $0.nights) }) { first, _ in first }
            guard Set(told.keys).isSubset(of: bill.travellers.map(\.id)) else { throw .splitNamesStranger }
            var nights: [Household.ID: Int64] = [:]
            for traveller in bill.travellers where counts(traveller, bill) {
                let own = min(told[traveller.id] ?? bill.stay.nightCount, bill.stay.nightCount)
                nights[traveller.householdId, default: 0] += Int64(own)
            }
            return households.map { nights[$0] ?? 0 }
        case .equally, .byCottage, .exactly:
            let heads = heads(Set(households), bill)
            return households.map { heads[$0] ?? 0 }
        }
    }

    private func counts(_ traveller: Traveller, _ bill: Bill) -> Bool {
        guard let freeBelowAge, let birthDate = traveller.birthDate else { return true }
        return birthDate.age(on: bill.stay.arrival) >= freeBelowAge
    }

    private func heads(
        _ households: Set<Household.ID>,
        _ bill: Bill,
        countingAll: Bool = false
    ) -> [Household.ID: Int64] {
        var heads: [Household.ID: Int64] = [:]
        for traveller in bill.travellers where households.contains(traveller.householdId) {
            if countingAll || counts(traveller, bill) { heads[traveller.householdId, default: 0] += 1 }
        }
        return heads
    }

    private func residents(of cottage: Cottage.ID, _ bill: Bill) -> Set<Household.ID> {
        Set(bill.homes[cottage] ?? []).intersection(bill.travellers.map(\.householdId))
    }
}

extension Refusal {
    /// A split rule or an offered share names a household or traveller outside the booking.
    public static let splitNamesStranger = Refusal(
        .conflict,
        "split_names_stranger",
        en: "That division names somebody who does not stay.",
        nl: "Die verdeling noemt iemand die niet meegaat.",
        de: "Diese Aufteilung nennt jemanden, der nicht mitkommt."
    )

    /// The split rule gives no household any weight; give at least one of them some.
    public static let nobodyPays = Refusal(
        .conflict,
        "nobody_pays",
        en: "That division leaves nobody to pay.",
        nl: "Bij die verdeling blijft er niemand over om te betalen.",
        de: "Bei dieser Aufteilung bleibt niemand, der bezahlt."
    )

    /// The rule `exactly` gives a household less than the charge lines that are its own.
    public static let splitBelowOwn = Refusal(
        .conflict,
        "split_below_own",
        en: "A household pays at least its own extras and tourist tax.",
        nl: "Een huishouden betaalt minstens zijn eigen extra's en toeristenbelasting.",
        de: "Ein Haushalt bezahlt mindestens seine eigenen Extras und seine Kurtaxe."
    )

    /// The amounts of the rule `exactly` do not sum to the booking's total; read the total again.
    public static let splitDiffers = Refusal(
        .conflict,
        "split_differs",
        en: "Those amounts do not add up to the price.",
        nl: "Die bedragen zijn samen niet de prijs.",
        de: "Diese Beträge ergeben zusammen nicht den Preis."
    )
}
