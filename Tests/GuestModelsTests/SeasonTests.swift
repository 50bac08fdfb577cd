import GuestModels
import Testing

/// Rules for some arrival days and types, tourist tax, and beds.
@Suite struct SeasonTests {
    private static let villa = CottageType.ID("01a20000-0000-7000-8000-000000000001")
    private static let hut = CottageType.ID("01a20000-0000-7000-8000-000000000002")

    private func stay(_ arrival: String, _ departure: String) throws -> Stay {
        let (from, to) = (try #require(LocalDate(arrival)), try #require(LocalDate(departure)))
        return try #require(Stay(from: from, to: to))
    }

    private func rules(_ seasons: [HouseRules.Season], tax: HouseRules.TouristTax? = nil) -> HouseRules {
        HouseRules(
            checkInFrom: .noon,
            checkOutBy: .noon,
            minimumNights: 2,
            depositPercent: 30,
            touristTax: tax,
            seasons: seasons
        )
    }

    @Test func `A season can let a cottage type by whole weeks only`() throws {
        let (villa, hut) = (try #require(Self.villa), try #require(Self.hut))
        let summer = HouseRules.Season(
            arriving: try stay("2027-07-01", "2027-09-01"),
            typeIds: [villa],
            arrivals: [.init(.saturday, nights: [7])],
            minimumNights: 7
        )
        let rules = rules([summer])
        let week = try stay("2027-07-03", "2027-07-10")
        let friday = try stay("2027-07-02", "2027-07-05")
        #expect(throws: Never.self) { try rules.allow(week, in: [villa]) }
        #expect(throws: Refusal.lengthNotAllowed) { try rules.allow(friday, in: [villa]) }
        #expect(throws: Refusal.arrivalDayNotAllowed) {
            try rules.allow(try stay("2027-07-02", "2027-07-09"), in: [hut, villa])
        }
        #expect(throws: Never.self) { try rules.allow(friday, in: [hut]) }
        #expect(throws: Never.self) { try rules.allow(try stay("2027-09-03", "2027-09-06"), in: [villa]) }
    }

    @Test func `The deposit of a season counts only for its cottages`() throws {
        let (villa, hut) = (try #require(Self.villa), try #require(Self.hut))
        let whole = HouseRules.Season(
            arriving: try stay("2027-07-01", "2027-09-01"),
            typeIds: [villa],
            depositPercent: 50
        )
        let one = try #require(Cottage.ID("01a20000-0000-7000-8000-00000000000a"))
        let two = try #require(Cottage.ID("01a20000-0000-7000-8000-00000000000b"))
        let lines = [
            ChargeLine(.night, cottage: one, unitAmount: 10_000), ChargeLine(.night, cottage: two, unitAmount: 10_000),
            ChargeLine(.touristTax, unitAmount: 1000),
        ]
        let deposit = lines.deposit(
            rules([whole]),
            for: try stay("2027-07-03", "2027-07-10"),
            types: [one: villa, two: hut],
            today: try #require(LocalDate("2027-01-01"))
        )
        #expect(deposit == 5000 + 3000 + 300)
    }

    private func tax(_ tax: HouseRules.TouristTax, ages: [Int], nights: Int64) throws -> Int64 {
        let pricing = Pricing(
            rules: rules([], tax: tax),
            stay: try stay("2027-07-01", "2027-07-11"),
            today: try #require(LocalDate("2027-01-01"))
        )
        return pricing.lines(for: ages.map { (id: nil, age: $0) }, pets: 0, nights: nights).total
    }

    @Test func `Tourist tax has an age range and a limit of nights`() throws {
        let rule = HouseRules.TouristTax(personNight: 200, fromAge: 12, toAge: 64, maximumNights: 7)
        #expect(try tax(rule, ages: [11, 12, 64, 65], nights: 0) == 2 * 7 * 200)
    }

    @Test func `Tourist tax as a percentage is each person's part of the nights`() throws {
        // The tax is 12.5 % of 1,000.00 for two of four people, for all ten nights and for five of them.
        let all = HouseRules.TouristTax(personNight: 0, fromAge: 18, rate: 1250)
        #expect(try tax(all, ages: [40, 40, 5, 3], nights: 100_000) == 6250)
        let half = HouseRules.TouristTax(personNight: 0, fromAge: 18, rate: 1250, maximumNights: 5)
        #expect(try tax(half, ages: [40, 40, 5, 3], nights: 100_000) == 3126)
    }

    @Test func `A guest who leaves early owes tourist tax for nights slept`() throws {
        let flat = HouseRules.TouristTax(personNight: 200, fromAge: 0, maximumNights: 7)
        let line = ChargeLine(.touristTax, quantity: 7, unitAmount: 200)
        #expect(line.touristTax(sleeping: 8, of: 10, flat) == line)
        #expect(line.touristTax(sleeping: 3, of: 10, flat)?.amount == 600)
        #expect(line.touristTax(sleeping: 0, of: 10, flat) == nil)
        let part = HouseRules.TouristTax(personNight: 0, fromAge: 0, rate: 1000)
        let share = ChargeLine(.touristTax, unitAmount: 1000)
        #expect(share.touristTax(sleeping: 3, of: 10, part)?.amount == 300)
    }

    @Test func `A party fits when every household has beds in its own cottages`() throws {
        let homes = try (1...3).map { try #require(Household.ID("01a20000-0000-7000-8000-0000000000c\($0)")) }
        func fits(_ rooms: [(beds: Int, households: [Int])], _ beds: [Int], babies: [Int] = [0, 0, 0]) -> Bool {
            Housing(
                rooms: rooms.map { room in
                    .init(beds: room.beds, babies: 1, households: Set(room.households.map { homes[$0] }))
                },
                people: Dictionary(
                    uniqueKeysWithValues: beds.indices.map { index in
                        (homes[index], Housing.People(beds: beds[index], babies: babies[index]))
                    }
                )
            ).fits
        }
        #expect(fits([(4, []), (4, [])], [3, 3, 2]))
        #expect(!fits([(4, []), (4, [])], [3, 3, 3]))
        // The first two households are five people in four beds, although the other cottage has room.
        #expect(!fits([(4, [0, 1]), (6, [2])], [3, 2, 1]))
        #expect(fits([(4, [0, 1]), (6, [])], [3, 2, 1]))
        // The first household has both cottages, so it leaves the beds of the shared one to the second household.
        #expect(fits([(4, [0, 1]), (4, [0])], [5, 3, 0]))
        #expect(!fits([(4, [0, 1]), (4, [0])], [5, 4, 0]))
        #expect(!fits([(4, [0]), (4, [1])], [2, 2, 2], babies: [2, 0, 0]))
    }
}
