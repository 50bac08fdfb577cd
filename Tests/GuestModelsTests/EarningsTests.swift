import Foundation
import GuestModels
import Testing

@Suite struct EarningsTests {
    private func date(_ text: String) throws -> LocalDate { try #require(LocalDate(text)) }

    private func days(_ from: String, _ to: String) throws -> Stay {
        try #require(Stay(from: try date(from), to: try date(to)))
    }

    private func rates() throws -> [HouseRules.VATRates] {
        [
            .init(from: try date("2026-01-01"), lodging: 2100, extras: 2100),
            .init(from: try date("2019-01-01"), lodging: 900, extras: 2100),
        ]
    }

    @Test func `A stay's earned amount grows from zero to the whole price`() throws {
        var dice = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let nights = Int.random(in: 1...28, using: &dice)
            let first = try date("2025-12-20").adding(days: Int.random(in: 0...20, using: &dice))
            let stay = try #require(Stay(from: first, to: first.adding(days: nights)))
            let earnings = [Earning.Tax.lodging, .extras, .touristTax, .none].map {
                Earning($0, over: stay, amount: Int64.random(in: 0...500_000, using: &dice))
            }
            let total = earnings.reduce(0) { $0 + $1.amount }
            #expect(earnings.earned(through: first.adding(days: -1), try rates()).total == 0)
            #expect(earnings.earned(through: stay.departure.adding(days: -1), try rates()).total == total)
            var before: Int64 = 0
            for night in stay.nights {
                let earned = earnings.earned(through: night, try rates())
                #expect(earned.total >= before)
                #expect(earned.gross.values.reduce(earned.touristTax, +) == earned.total)
                before = earned.total
            }
        }
    }

    @Test func `Each night has the VAT rate of its own day`() throws {
        let stay = try days("2025-12-30", "2026-01-02")
        let earnings = [
            Earning(.lodging, over: stay, amount: 36_301), Earning(.touristTax, over: stay, amount: 1_008),
            Earning(.none, over: stay, amount: 30),
            Earning(.extras, over: try days("2025-12-31", "2026-01-01"), amount: 2_000),
        ]
        let earned = earnings.earned(through: .latest, try rates())
        // Two nights are in the old year and one in the new; the odd cent falls on the first night.
        #expect(earned.gross == [900: 24_201, 2100: 12_100 + 2_000, 0: 30])
        #expect(earned.touristTax == 1_008)
        #expect(Earned.parts(of: 12_100, rate: 2100) == (10_000, 2_100))
        #expect(Earned.parts(of: -12_100, rate: 2100) == (-10_000, -2_100))
        #expect(Earned.parts(of: 5, rate: 0) == (5, 0))
    }

    @Test func `Goodwill never reduces tourist tax`() throws {
        let stay = try days("2026-05-14", "2026-05-17")
        func earned(_ goodwill: Int64, through day: LocalDate = .latest) throws -> Earned {
            [
                Earning(.lodging, over: stay, amount: 6_000), Earning(.extras, over: stay, amount: 3_000),
                Earning(.touristTax, over: stay, amount: 504), Earning(.goodwill, over: stay, amount: goodwill),
            ].earned(through: day, [.init(from: try date("2020-01-01"), lodging: 900, extras: 2100)])
        }
        #expect(try earned(-3_000).gross == [900: 4_000, 2100: 2_000])
        #expect(try earned(-3_000, through: stay.arrival).gross == [900: 1_333, 2100: 667])
        #expect(try earned(-9_000).gross.values.allSatisfy { $0 == 0 })
        // Goodwill above the earnings is the park's own loss; the municipality still gets its tax.
        let beyond = try earned(-9_504)
        #expect(beyond.amounts[.init(.none, rate: 0)] == -504 && beyond.touristTax == 504 && beyond.total == 0)
        let ofFee = [Earning(.none, over: stay, amount: 10_000), Earning(.goodwill, over: stay, amount: -2_000)]
        #expect(ofFee.earned(through: .latest, try rates()).gross == [0: 8_000])
    }

    @Test func `A share contains its household's own lines and part of the rest`() throws {
        func household(_ number: Int) -> Household.ID { Household.ID(uuid(number)) }
        func uuid(_ number: Int) -> UUID { UUID(uuidString: "00000000-0000-7000-8000-00000000000\(number)") ?? UUID() }
        let stay = try days("2026-05-14", "2026-05-17")
        let people = (1...2).map {
            Traveller(
                id: Traveller.ID(uuid($0)),
                householdId: household($0),
                name: "T",
                role: nil,
                birthDate: nil,
                guardianId: nil,
                version: 1
            )
        }
        let lines = [
            ChargeLine(.night, quantity: 3, unitAmount: 20_001),
            ChargeLine(.extra, household: household(1), unitAmount: 1_250),
            ChargeLine(.touristTax, traveller: people[0].id, quantity: 3, unitAmount: 168),
            ChargeLine(.touristTax, traveller: people[1].id, quantity: 3, unitAmount: 168),
            ChargeLine(.goodwill, household: household(2), unitAmount: -1_000),
        ]
        let bill = Bill(stay: stay, lines: lines, travellers: people)
        let whole = lines.map { Earning($0.kind.tax, over: stay, amount: $0.amount) }
            .earned(through: .latest, try rates())
        let rule = SplitRule(.equally)
        let division = try rule.shares(of: bill)
        func made(_ number: Int, _ share: Int64) -> [Earned.Class: Int64] {
            let other = household(3 - number)
            return bill.composition(
                of: [household(number): share, other: bill.total - share],
                for: household(number),
                whole
            )
        }
        let first = made(1, try #require(division[household(1)]))
        #expect(
            first == [
                .init(.lodging, rate: 2100): 30_002, .init(.extras, rate: 2100): 1_250,
                .init(.touristTax, rate: 0): 504,
            ]
        )
        let second = made(2, try #require(division[household(2)]))
        #expect(second == [.init(.lodging, rate: 2100): 29_001, .init(.touristTax, rate: 0): 504])
        // A household that pays all of it has both taxes on its invoice.
        let all = made(1, bill.total)
        #expect(all[.init(.touristTax, rate: 0)] == 1_008 && all.values.reduce(0, +) == bill.total)
        for share in [Int64(0), 1, 7, 504, 60_000] { #expect(made(1, share).values.reduce(0, +) == share) }
    }
}
