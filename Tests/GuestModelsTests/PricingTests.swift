import GuestModels
import Testing

/// The prices of a cottage and of its people.
@Suite struct PricingTests {
    private func day(_ text: String) throws -> LocalDate { try #require(LocalDate(text)) }

    private func stay(_ arrival: String, _ departure: String) throws -> Stay {
        try #require(Stay(from: day(arrival), to: day(departure)))
    }

    private func rate(_ from: String, _ to: String, night: Int64, weekend: Int64) throws -> Rate {
        try Rate(
            id: #require(Rate.ID("01a20000-0000-7000-8000-00000000000a")),
            typeId: #require(CottageType.ID("01a20000-0000-7000-8000-000000000001")),
            season: stay(from, to),
            night: night,
            weekendNight: weekend,
            version: 1
        )
    }

    private func pricing(
        _ stay: Stay,
        _ rules: HouseRules = HouseRules(checkInFrom: .noon, checkOutBy: .noon),
        today: String = "2027-01-01"
    ) throws -> Pricing {
        Pricing(rules: rules, stay: stay, today: try day(today))
    }

    @Test func `Friday and Saturday nights have the weekend's price`() throws {
        let rates = [try rate("2027-01-01", "2028-01-01", night: 100, weekend: 150)]
        // Thursday to Monday.
        let lines = try pricing(stay("2027-05-13", "2027-05-17"))
            .lines(for: nil, rates: rates, cleaningFee: 0, isChosen: false)
        #expect(lines.map(\.quantity) == [2, 2])
        #expect(lines.map(\.unitAmount) == [100, 150])
        #expect(lines.total == 500)
    }

    @Test func `A stay across two seasons pays each night its season's price`() throws {
        let rates = [
            try rate("2027-01-01", "2027-05-18", night: 100, weekend: 100),
            try rate("2027-05-18", "2028-01-01", night: 200, weekend: 200),
        ]
        let lines = try pricing(stay("2027-05-17", "2027-05-20"))
            .lines(for: nil, rates: rates, cleaningFee: 0, isChosen: false)
        #expect(lines.total == 100 + 200 + 200)
    }

    @Test func `A night without a season has no price`() throws {
        let rates = [try rate("2027-01-01", "2027-05-18", night: 100, weekend: 100)]
        let pricing = try pricing(stay("2027-05-17", "2027-05-20"))
        #expect(throws: Refusal.noRate) {
            _ = try pricing.lines(for: nil, rates: rates, cleaningFee: 0, isChosen: false)
        }
    }

    @Test(arguments: [(89, 0), (90, -8)])
    func `The early discount needs a booking at least ninety days before arrival`(_ days: Int, _ discount: Int64) throws
    {
        let rules = HouseRules(checkInFrom: .noon, checkOutBy: .noon, earlyBooking: .init(days: 90, percent: 8))
        let rates = [try rate("2027-01-01", "2028-01-01", night: 100, weekend: 100)]
        let stay = try stay("2027-06-01", "2027-06-02")
        let pricing = Pricing(rules: rules, stay: stay, today: stay.arrival.adding(days: -days))
        let lines = try pricing.lines(for: nil, rates: rates, cleaningFee: 0, isChosen: false)
        #expect(lines.filter { $0.kind == .earlyBooking }.total == discount)
    }

    @Test func `The early discount is not taken off cleaning`() throws {
        let rules = HouseRules(checkInFrom: .noon, checkOutBy: .noon, earlyBooking: .init(days: 0, percent: 50))
        let rates = [try rate("2027-01-01", "2028-01-01", night: 100, weekend: 100)]
        let lines = try pricing(stay("2027-06-01", "2027-06-02"), rules)
            .lines(for: nil, rates: rates, cleaningFee: 40, isChosen: false)
        #expect(lines.total == 100 - 50 + 40)
    }

    @Test func `Only a chosen cottage has the fee for choosing`() throws {
        let rules = HouseRules(checkInFrom: .noon, checkOutBy: .noon, chosenCottageFee: 12)
        let rates = [try rate("2027-01-01", "2028-01-01", night: 100, weekend: 100)]
        let pricing = try pricing(stay("2027-06-01", "2027-06-02"), rules)
        let chosen = try pricing.lines(for: nil, rates: rates, cleaningFee: 0, isChosen: true)
        let other = try pricing.lines(for: nil, rates: rates, cleaningFee: 0, isChosen: false)
        #expect(chosen.total - other.total == 12)
    }

    @Test func `A pet is paid for each night`() throws {
        let rules = HouseRules(checkInFrom: .noon, checkOutBy: .noon, petNight: 5)
        let lines = try pricing(stay("2027-06-01", "2027-06-04"), rules).lines(for: [], pets: 2, nights: 300)
        #expect(lines.total == 2 * 3 * 5)
    }

    @Test func `Tourist tax is owed from the age the park says`() throws {
        let rules = HouseRules(checkInFrom: .noon, checkOutBy: .noon, touristTax: .init(personNight: 200, fromAge: 13))
        let pricing = try pricing(stay("2027-06-01", "2027-06-04"), rules)
        #expect(pricing.lines(for: [(nil, 12), (nil, 13)], pets: 0, nights: 0).total == 3 * 200)
    }

    @Test func `A percentage of tourist tax is rounded half up for each person`() throws {
        let tax = HouseRules.TouristTax(personNight: 0, fromAge: 0, rate: 700)
        let rules = HouseRules(checkInFrom: .noon, checkOutBy: .noon, touristTax: tax)
        let pricing = try pricing(stay("2027-06-01", "2027-06-02"), rules)
        // 7 % of 150 for two is 5.25 each.
        #expect(pricing.lines(for: [(nil, 30), (nil, 30)], pets: 0, nights: 150).total == 2 * 5)
        // 7 % of 100 for two is 3.5 each.
        #expect(pricing.lines(for: [(nil, 30), (nil, 30)], pets: 0, nights: 100).total == 2 * 4)
    }

    @Test func `Tourist tax ends after its most nights`() throws {
        let tax = HouseRules.TouristTax(personNight: 100, fromAge: 0, maximumNights: 2)
        let rules = HouseRules(checkInFrom: .noon, checkOutBy: .noon, touristTax: tax)
        let pricing = try pricing(stay("2027-06-01", "2027-06-06"), rules)
        #expect(pricing.lines(for: [(nil, 30)], pets: 0, nights: 0).total == 2 * 100)
    }

    @Test func `Price lines that do not change are not charged again`() {
        let (night, pet, fee) = (
            ChargeLine(.night, quantity: 2, unitAmount: 100), ChargeLine(.pet, unitAmount: 5),
            ChargeLine(.cleaning, unitAmount: 40)
        )
        let (reversed, added) = [night, night, pet].differences(to: [night, fee])
        #expect(reversed == [night, pet])
        #expect(added == [fee])
    }
}
