import Foundation
import GuestModels
import Postgres

/// A plan's price and its numbers of people, under the terms of the time of booking.
struct PricedPlan: Sendable {
    var adults: Int
    var children: Int
    var babies: Int
    /// Lines for lodging only; extras keep the price of the day they were ordered.
    var charges: [ChargeLine]
    /// The deposit in minor units that must be covered before such a stay is firm.
    var deposit: Int64

    /// Prices a plan.
    ///
    /// - Parameters:
    ///   - types: the types of the plan's cottages.
    ///   - pricedAs: the booked types, where the desk has given others.
    ///   - fees: the cleaning fees by type.
    ///   - bookedOn: the park-local day the booking was placed.
    /// - Throws: `unknownTraveller`, `nobodyGrown`, `partyTooLarge`, `noRate`.
    init(
        _ plan: BookingPlan,
        types: [Cottage.ID: CottageType],
        pricedAs: [CottageType.ID: CottageType] = [:],
        fees: [CottageType.ID: Int64],
        rates: [Rate],
        people: [Traveller],
        rules: HouseRules,
        bookedOn: LocalDate
    ) throws {
        let travellers = try plan.travellerIds.map { id in
            guard let traveller = people.first(where: { $0.id == id }) else {
                throw Refusal.unknownTraveller.at("/travellerIds")
            }
            let age = traveller.birthDate?.age(on: plan.stay.arrival) ?? 18
            guard (0...130).contains(age) else { throw Refusal.ageImpossible.at("/travellerIds") }
            return (id: Optional(id), age: age)
        }
        adults = travellers.count { $0.age >= 18 }
        babies = travellers.count { $0.age < 2 }
        children = travellers.count - adults - babies
        guard adults > 0 else { throw Refusal.nobodyGrown.at("/travellerIds") }
        let places = plan.cottages.compactMap { place in types[place.id].map { (place: place, type: $0) } }
        guard places.reduce(0, { $0 + $1.type.capacity }) >= travellers.count - babies,
            places.count * rules.babiesPerCottage >= babies,
            places.reduce(0, { $0 + $1.type.pets }) >= plan.pets
        else { throw Refusal.partyTooLarge }
        let pricing = Pricing(rules: rules, stay: plan.stay, today: bookedOn)
        charges = try places.flatMap { place, actual in
            let type = place.pricedAs.flatMap { pricedAs[$0] } ?? actual
            return try pricing.lines(
                for: place.id,
                rates: rates.filter { $0.typeId == type.id },
                cleaningFee: fees[type.id] ?? type.cleaningFee,
                isChosen: place.isChosen,
                from: place.pricedFrom
            )
        }
        charges += pricing.lines(for: travellers, pets: plan.pets, nights: charges.nights)
        let booked = places.map { ($0.place.id, $0.place.pricedAs ?? $0.type.id) }
        deposit = charges.deposit(rules, for: plan.stay, types: Dictionary(booked) { $1 }, today: bookedOn)
    }
}

/// A priced change: everything that is written if it is made.
struct PricedChange: Sendable {
    let plan: BookingPlan
    let priced: PricedPlan
    /// The charge lines to take back.
    let reversed: [(id: ChargeLine.ID, line: ChargeLine)]
    /// The charge lines to add.
    let added: [ChargeLine]
    /// Extras for which the new stay has no room.
    let dropped: [ExtraOrder]
    /// The present date at the park, and the house rules agreed on at the time of booking.
    let today: LocalDate
    let rules: HouseRules

    var lines: [ChargeLine] { reversed.map(\.line.reversal) + added }

    /// Prices a plan as a change of a booking.
    ///
    /// - Parameters:
    ///   - isCourtesy: whether the park wants the change, so that nobody pays a fee.
    ///   - isBound: whether the house rules for arrival days and lengths of stay apply.
    ///   - isUndoing: whether a change is undone, so that the caller restores the earlier reductions.
    /// - Throws: a refusal if the house rules forbid the change, or if the party does not fit.
    init(
        _ plan: BookingPlan,
        for booking: Booking,
        isCourtesy: Bool = false,
        isBound: Bool = true,
        isUndoing: Bool = false,
        _ act: Act
    ) async throws {
        guard let group = booking.groupId else { throw Refusal.notChangeable }
        let (policies, allTypes, cottages, rates, present, staying, live, homes, departures) = try await act.tx.all(
            BookingSQL.policy(of: booking.id),
            ParkSQL.types(of: booking.parkId),
            AllocationSQL.types(of: plan.cottages.map(\.id), in: booking.parkId),
            RateSQL.rates(during: plan.stay, park: booking.parkId, asOf: booking.placedAt),
            GroupSQL.travellers(of: group),
            GroupSQL.travellers(ofBooking: booking.id),
            ChargeSQL.liveLines(of: booking.id),
            ShareSQL.homes(of: booking.id),
            AllocationSQL.departed(of: booking.id)
        )
        guard let policy = policies.first else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        today = clock.date(at: act.now)
        rules = policy.rules
        let had = Set(booking.cottages.map(\.id))
        let types = Dictionary(cottages.map { ($0.id, $0.type) }) { $1 }
        let booked = plan.cottages.compactMap { place in
            (place.pricedAs ?? types[place.id]).map { (type: $0, isNew: !had.contains(place.id)) }
        }
        try booking.allow(plan, in: booked, today: today, rules: policy.rules, isBound: isBound, at: act.now)
        guard isCourtesy || booking.keepsCottages(plan, today: today) else {
            throw Refusal.notChangeable.at("/cottages")
        }
        guard cottages.count == plan.cottages.count, cottages.allSatisfy({ $0.isOpen || had.contains($0.id) }) else {
            throw Refusal.unknownCottage.at("/cottages")
        }
        let departed = Self.departed(staying, without: present, live, arriving: plan.stay.arrival, policy.rules)
        let byID = Dictionary(allTypes.map { ($0.id, $0) }) { first, _ in first }
        let fees = policy.fees.compactMap { key, fee in CottageType.ID(key).map { ($0, fee) } }
        priced = try PricedPlan(
            plan,
            types: Dictionary(cottages.compactMap { cottage in byID[cottage.type].map { (cottage.id, $0) } }) { $1 },
            pricedAs: byID,
            fees: Dictionary(fees) { $1 },
            rates: rates,
            people: present + departed,
            rules: policy.rules,
            bookedOn: clock.date(at: booking.placedAt)
        )
        let own = Dictionary(cottages.compactMap { one in byID[one.type].map { (one.id, $0) } }) { $1 }
        try Self.requireBeds(for: present + departed, plan, own, homes: homes, policy.rules)
        self.plan = plan
        // An extra that has begun stays and is paid in full when guests leave earlier.
        let isHere = booking.state == .checkedIn
        dropped = booking.extras.filter { !$0.fits(plan.stay) && !(isHere && $0.from <= clock.date(at: act.now)) }
        let difference = Self.lines(
            live,
            against: priced.charges,
            of: booking,
            in: plan,
            without: Set(dropped.map(\.id)),
            away: Set(departures),
            isUndoing: isUndoing
        )
        reversed = difference.reversed
        let fee = isCourtesy ? 0 : booking.feeForLess(difference.lost, today: today, rules: policy.rules)
        added = difference.added + (fee > 0 ? [ChargeLine(.cancellation, unitAmount: fee)] : [])
    }

    /// Throws `partyTooLarge` unless every household of the plan has beds.
    private static func requireBeds(
        for people: [Traveller],
        _ plan: BookingPlan,
        _ types: [Cottage.ID: CottageType],
        homes: [(cottage: Cottage.ID, household: Household.ID)],
        _ rules: HouseRules
    ) throws {
        let housing = Housing(
            of: people.filter { plan.travellerIds.contains($0.id) },
            in: plan.cottages.compactMap { place in types[place.id].map { (place.id, $0) } },
            homes: homes,
            arriving: plan.stay.arrival,
            rules: rules
        )
        guard housing.fits else { throw Refusal.partyTooLarge }
    }

    /// Travellers who have left the group since the booking; they still count for the price.
    private static func departed(
        _ staying: [Traveller],
        without present: [Traveller],
        _ live: [(id: ChargeLine.ID, line: ChargeLine)],
        arriving arrival: LocalDate,
        _ rules: HouseRules
    ) -> [Traveller] {
        let known = Set(present.map(\.id))
        let taxed = Set(live.filter { $0.line.kind == .touristTax }.compactMap(\.line.travellerId))
        return staying.filter { !known.contains($0.id) }.map { traveller in
            guard traveller.birthDate == nil, !taxed.contains(traveller.id), let tax = rules.touristTax, tax.fromAge > 0
            else { return traveller }
            var young = traveller
            young.birthDate = arrival.adding(days: 200 - tax.fromAge * 365)
            return young
        }
    }

    /// The charge lines to take back and to add, and the lost price of the lodging in minor units.
    private static func lines(
        _ live: [(id: ChargeLine.ID, line: ChargeLine)],
        against charges: [ChargeLine],
        of booking: Booking,
        in plan: BookingPlan,
        without dropped: Set<ExtraOrder.ID>,
        away: Set<Traveller.ID>,
        isUndoing: Bool
    ) -> (reversed: [(id: ChargeLine.ID, line: ChargeLine)], added: [ChargeLine], lost: Int64) {
        // The tax of a household that has left early or did not come stays as it is.
        func isSettled(_ line: ChargeLine) -> Bool {
            line.kind == .touristTax && (line.travellerId.map(away.contains) ?? false)
        }
        let lodging = live.filter { $0.line.kind.isLodging && !isSettled($0.line) }
        let (gone, come) = lodging.map(\.line).differences(to: charges.filter { !isSettled($0) })
        var left = lodging
        let reductions = live.filter { $0.line.kind == .goodwill && $0.line.cottageId != nil }
        let before = reductions.map(\.line)
        let after = isUndoing ? before : before.reductions(of: charges.perCottage, booking.replacement(in: plan))
        let (over, new) = before.differences(to: after)
        var spent = reductions
        let reversed =
            gone.compactMap { line in left.firstIndex { $0.line == line }.map { left.remove(at: $0) } }
            + live.filter { $0.line.extraOrderId.map(dropped.contains) ?? false }
            + over.compactMap { line in spent.firstIndex { $0.line == line }.map { spent.remove(at: $0) } }
        // The lost price is net of reductions, so that no fee is asked on money that had been taken off.
        return (reversed, come + new, gone.lost - come.lost + over.total - new.total)
    }
}

extension Housing {
    /// Places people into cottages.
    ///
    /// - Parameter homes: the cottages given to households; entries for other cottages do not count.
    init(
        of people: [Traveller],
        in cottages: [(id: Cottage.ID, type: CottageType)],
        homes: [(cottage: Cottage.ID, household: Household.ID)],
        arriving: LocalDate,
        rules: HouseRules
    ) {
        let ages = Dictionary(grouping: people, by: \.householdId).mapValues { travellers in
            travellers.map { $0.birthDate?.age(on: arriving) ?? 18 }
        }
        self.init(
            rooms: cottages.map { cottage in
                Room(
                    beds: cottage.type.capacity,
                    babies: rules.babiesPerCottage,
                    households: Set(homes.filter { $0.cottage == cottage.id }.map(\.household))
                )
            },
            people: ages.mapValues(People.init(ages:))
        )
    }
}

extension [ChargeLine] {
    /// The sum that a cancellation fee is a percentage of.
    ///
    /// Tourist tax is left out, because only a stay owes it.
    fileprivate var lost: Int64 { filter { $0.kind != .touristTax }.total }
}
