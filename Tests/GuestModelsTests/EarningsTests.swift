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

    @Test func `Nothing is earned before the first day, all after the last, and never less than the day before`() throws
    {
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

    @Test func `Each night has the rate of its own day, tourist tax and cancellation none`() throws {
        let stay = try days("2025-12-30", "2026-01-02")
        let earnings = [
            Earning(.lodging, over: stay, amount: 36_301), Earning(.touristTax, over: stay, amount: 1_008),
            Earning(.none, over: stay, amount: 30),
            Earning(.extras, over: try days("2025-12-31", "2026-01-01"), amount: 2_000),
        ]
        let earned = earnings.earned(through: .latest, try rates())
        // Two nights of the old year, one of the new; the odd cent falls on the first.
        #expect(earned.gross == [900: 24_201, 2100: 12_100 + 2_000, 0: 30])
        #expect(earned.touristTax == 1_008)
        #expect(Earned.parts(of: 12_100, rate: 2100) == (10_000, 2_100))
        #expect(Earned.parts(of: -12_100, rate: 2100) == (-10_000, -2_100))
        #expect(Earned.parts(of: 5, rate: 0) == (5, 0))
    }

    @Test func `The parts of a share add up to it, and what one household has alone is on its own invoice`() throws {
        let stay = try days("2026-05-14", "2026-05-17")
        func earned(_ parts: [(Earning.Tax, Int64)]) throws -> Earned {
            parts.map { Earning($0.0, over: stay, amount: $0.1) }.earned(through: .latest, try rates())
        }
        let common = try earned([(.lodging, 90_000), (.extras, 10_000)])
        let own = try earned([(.touristTax, 504), (.extras, 1_250)])
        let parts = Invoice.parts(of: 51_754, own: own, common: common)
        #expect(parts[.init(.touristTax, rate: 0)] == 504)
        #expect(parts[.init(.lodging, rate: 2100)] == 45_000)
        #expect(parts[.init(.extras, rate: 2100)] == 6_250)
        for share in [Int64(0), 1, 7, 504, 99_999, 101_754] {
            let parts = Invoice.parts(of: share, own: own, common: common)
            #expect(parts.values.reduce(0, +) == share)
        }
        #expect(Invoice.parts(of: 30, own: Earned(), common: Earned()) == [.init(.none, rate: 0): 30])
    }
}
