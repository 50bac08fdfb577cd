import GuestModels
import Testing

/// Arrival days, lengths of stay and the fees of changes.
@Suite struct HouseRulesTests {
    private func day(_ text: String) throws -> LocalDate { try #require(LocalDate(text)) }

    private func stay(_ arrival: String, _ departure: String) throws -> Stay {
        try #require(Stay(from: day(arrival), to: day(departure)))
    }

    private func rules(_ arrivals: [HouseRules.Arrival] = [], minimum: Int = 1) -> HouseRules {
        HouseRules(
            checkInFrom: .noon,
            checkOutBy: .noon,
            arrivals: arrivals,
            minimumNights: minimum,
            maximumNights: 14,
            bookableDaysAhead: 100,
            cancellation: [.init(days: 7, percent: 50), .init(days: 30, percent: 10)],
            fullPriceDays: 14
        )
    }

    private let type = CottageType.ID("01a20000-0000-7000-8000-000000000001")

    @Test func `A stay does not begin in the past`() throws {
        let stay = try stay("2027-05-13", "2027-05-14")
        let today = try day("2027-05-14")
        #expect(throws: Refusal.arrivalPassed) { try rules().allow(stay, today: today) }
    }

    @Test func `A stay too far ahead is refused`() throws {
        let today = try day("2027-01-01")
        let last = today.adding(days: 100)
        try rules().allow(#require(Stay(from: last, to: last.adding(days: 1))), today: today)
        let later = try #require(Stay(from: last.adding(days: 1), to: last.adding(days: 2)))
        #expect(throws: Refusal.tooFarAhead) { try rules().allow(later, today: today) }
    }

    @Test func `An arrival day that the rules do not name is refused`() throws {
        let rules = rules([.init(.friday, nights: [3, 7])])
        let type = try #require(type)
        let thursday = try stay("2027-05-13", "2027-05-16")
        #expect(throws: Refusal.arrivalDayNotAllowed) { try rules.allow(thursday, in: [type]) }
    }

    @Test func `An arrival day has its own stay lengths`() throws {
        let rules = rules([.init(.friday, nights: [3, 7]), .init(.monday, nights: [4])])
        let type = try #require(type)
        try rules.allow(stay("2027-05-14", "2027-05-17"), in: [type])
        let four = try stay("2027-05-14", "2027-05-18")
        #expect(throws: Refusal.lengthNotAllowed) { try rules.allow(four, in: [type]) }
    }

    @Test(arguments: [1, 15])
    func `A stay is neither too short nor too long`(_ nights: Int) throws {
        let rules = rules(minimum: 2)
        let type = try #require(type)
        let arrival = try day("2027-05-14")
        let stay = try #require(Stay(from: arrival, to: arrival.adding(days: nights)))
        #expect(throws: Refusal.lengthNotAllowed) { try rules.allow(stay, in: [type]) }
    }

    @Test(arguments: [(31, 10), (30, 10), (29, 50), (7, 50), (6, 100), (0, 100)])
    func `A cancellation's fee depends on the days before arrival`(_ days: Int, _ percent: Int) throws {
        let arrival = try day("2027-05-14")
        #expect(rules().cancellationPercent(arrival: arrival, today: arrival.adding(days: -days)) == percent)
    }

    @Test(arguments: [(14, 30), (13, 100)])
    func `A stay close to arrival has the whole price as deposit`(_ days: Int, _ percent: Int) throws {
        let stay = try stay("2027-05-14", "2027-05-17")
        #expect(rules().depositPercent(for: stay, today: stay.arrival.adding(days: -days)) == percent)
    }

    @Test func `The rest of the price is due four weeks before arrival`() throws {
        let stay = try stay("2027-05-14", "2027-05-17")
        #expect(rules().balanceDue(for: stay, today: try day("2027-01-01")) == stay.arrival.adding(days: -28))
        let late = try day("2027-05-10")
        #expect(rules().balanceDue(for: stay, today: late) == late)
    }
}
