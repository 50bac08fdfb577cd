import Foundation
import GuestModels
import Postgres

/// The conditions of a search.
struct AvailabilitySearch: Sendable {
    let stay: Stay
    let party: Party
    /// How many cottages the party wants to live in.
    let cottages: Int
    let isStepFree: Bool
    let adjacent: Bool

    init(_ query: inout QueryReader) throws {
        let stay = query.stay("from", "to")
        let party = query.party()
        cottages = query.int("cottages", 1...20, default: 1)
        isStepFree = query.flag("stepFree")
        adjacent = query.flag("adjacent")
        query.require(stay.map { $0.nightCount <= 365 } ?? true, "to", "must be within 365 nights of from")
        query.require(party.beds > 0, "adults", "must leave somebody who needs a bed")
        try query.finish()
        guard let stay else { throw BadRequest("?from", "is missing") }
        self.stay = stay
        self.party = party
    }

    /// Whether a cottage of the type could house the party, or its part of the party.
    func suits(_ type: CottageType) -> Bool {
        guard !isStepFree || type.isStepFree else { return false }
        // Several cottages share the party between them; a single cottage must fit everybody.
        return cottages > 1 || type.capacity >= party.beds && type.pets >= party.pets
    }
}

extension Availability {
    /// The free cottage types of one park, with prices for the party.
    ///
    /// Throws the house rules' refusal of the stay, so that a guest learns why nothing is offered.
    static func search(_ search: AvailabilitySearch, park id: Park.ID, _ look: Look) async throws -> Availability {
        let (parks, types, rates, free) = try await look.reader.all(
            ParkSQL.park(id),
            ParkSQL.types(of: id),
            RateSQL.rates(during: search.stay, park: id),
            AvailabilitySQL.free(in: id, search.stay, now: look.now)
        )
        guard let park = parks.first else { throw Refusal.notFound }
        let today = try ParkClock(stored: park.timeZone).date(at: look.now)
        try park.rules.allow(search.stay, today: today)
        let allowed = types.filter { (try? park.rules.allow(search.stay, in: [$0.id])) != nil }
        // The guest hears the reason if no type may be booked for these days.
        if allowed.isEmpty { try park.rules.allow(search.stay, in: types.map(\.id)) }
        let suitable = allowed.filter(search.suits)
        let byType = Dictionary(grouping: free, by: \.typeId)
        let pricing = Pricing(rules: park.rules, stay: search.stay, today: today)
        var offers = suitable.compactMap { type in
            offer(type, rates, pricing, park, search, free: byType[type.id]?.count ?? 0, byType[type.id]?.map(\.id))
        }
        let offered = Set(offers.map(\.typeId))
        let candidates = free.compactMap { cottage -> Neighbours.Candidate? in
            guard offered.contains(cottage.typeId), let type = suitable.first(where: { $0.id == cottage.typeId }) else {
                return nil
            }
            return Neighbours.Candidate(
                id: cottage.id,
                longitude: cottage.longitude,
                latitude: cottage.latitude,
                beds: type.capacity,
                pets: type.pets
            )
        }
        if !canHouse(search, candidates) { offers = [] }
        let neighbours =
            search.adjacent
            ? Neighbours.sets(
                of: search.cottages,
                among: candidates,
                beds: search.party.beds,
                pets: search.party.pets,
                limit: 10
            ) : nil
        return Availability(parkId: id, stay: search.stay, offers: offers, neighbours: neighbours)
    }

    /// The free cottage types of all parks that allow the stay; parks with nothing to offer are left out.
    static func searchAll(_ search: AvailabilitySearch, _ look: Look) async throws -> [Availability] {
        let (parks, types, rates, free) = try await look.reader.all(
            ParkSQL.parks,
            ParkSQL.types(of: nil),
            RateSQL.rates(during: search.stay, park: nil),
            AvailabilitySQL.freeByType(search.stay, now: look.now)
        )
        let counts = Dictionary(free.map { ($0.type, $0.free) }) { first, _ in first }
        let typesByPark = Dictionary(grouping: types.filter(search.suits), by: \.parkId)
        return parks.compactMap { park in
            guard let today = look.app.clock(of: park.timeZone)?.date(at: look.now) else { return nil }
            guard (try? park.rules.allow(search.stay, today: today)) != nil else { return nil }
            let pricing = Pricing(rules: park.rules, stay: search.stay, today: today)
            let allowed = (typesByPark[park.id] ?? []).filter {
                (try? park.rules.allow(search.stay, in: [$0.id])) != nil
            }
            let offers = allowed.compactMap { type in
                offer(type, rates, pricing, park, search, free: counts[type.id] ?? 0, nil)
            }
            let beds = offers.flatMap { Array(repeating: $0.capacity, count: min($0.free, search.cottages)) }
            let most = beds.sorted(by: >).prefix(search.cottages)
            guard most.count == search.cottages, most.reduce(0, +) >= search.party.beds else { return nil }
            return Availability(parkId: park.id, stay: search.stay, offers: offers, neighbours: nil)
        }
    }

    private static func offer(
        _ type: CottageType,
        _ rates: [Rate],
        _ pricing: Pricing,
        _ park: Park,
        _ search: AvailabilitySearch,
        free: Int,
        _ cottages: [Cottage.ID]?
    ) -> Offer? {
        guard free > 0 else { return nil }
        let ofType = rates.filter { $0.typeId == type.id }
        // A type without a price for some night is not on offer.
        guard let lines = try? pricing.lines(for: nil, rates: ofType, cleaningFee: type.cleaningFee, isChosen: false)
        else { return nil }
        let charges = lines + pricing.lines(for: search.party, nights: lines.nights)
        return Offer(
            typeId: type.id,
            name: type.name,
            capacity: type.capacity,
            isStepFree: type.isStepFree,
            free: free,
            cottages: cottages,
            charges: charges,
            total: Money(charges.total, park.currency)
        )
    }

    private static func canHouse(_ search: AvailabilitySearch, _ candidates: [Neighbours.Candidate]) -> Bool {
        guard candidates.count >= search.cottages else { return false }
        let beds = candidates.map(\.beds).sorted(by: >).prefix(search.cottages).reduce(0, +)
        let pets = candidates.map(\.pets).sorted(by: >).prefix(search.cottages).reduce(0, +)
        return beds >= search.party.beds && pets >= search.party.pets
    }
}
