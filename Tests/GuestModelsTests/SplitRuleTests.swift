import Foundation
import GuestModels
import Testing

@Suite struct SplitRuleTests {
    @Test func `The parts of a divided amount always add up`() {
        var dice = SeededGenerator(seed: 42)
        for round in 0..<50_000 {
            let count = Int.random(in: 1...12, using: &dice)
            let size = Int64(1) << Int64.random(in: 1...40, using: &dice)
            let amount = Int64.random(in: -size...size, using: &dice)
            let weights = (0..<count).map { _ in Int64.random(in: 0...1000, using: &dice) / Int64(1 + round % 900) }
            guard let parts = amount.divided(by: weights) else {
                #expect(weights.allSatisfy { $0 == 0 } && amount != 0)
                continue
            }
            #expect(parts.reduce(0, +) == amount)
            let sum = weights.reduce(0, +)
            for (part, weight) in zip(parts, weights) {
                if weight == 0 { #expect(part == 0) }
                guard sum > 0 else { continue }
                // Checks |part − amount·weight/sum| < 1 without fractions.
                let difference = Int128(part) * Int128(sum) - Int128(amount) * Int128(weight)
                #expect(difference.magnitude < UInt128(sum))
            }
        }
    }

    @Test func `Extreme amounts are divided without overflow`() {
        #expect(Int64(3000).divided(by: [1, 1, 1, 1, 1, 1, 1]) == [429, 429, 429, 429, 428, 428, 428])
        #expect(Int64(0).divided(by: [0, 0]) == [0, 0])
        #expect(Int64(1).divided(by: [0, 0]) == nil)
        #expect(Int64(1).divided(by: []) == nil)
        #expect(Int64(5).divided(by: [-1, 2]) == nil)
        #expect(Int64.max.divided(by: [.max, .max])?.reduce(0, +) == .max)
        #expect(Int64.min.divided(by: [1, 1]) == [.min / 2, .min / 2])
        #expect(Int64.min.divided(by: [1]) == [.min])
        #expect(Int64.max.divided(by: [.max, .max, .max]) == nil)
    }

    // MARK: Bills

    private struct Party {
        var households: [Household.ID] = []
        var travellers: [Traveller] = []
    }

    private func id<Subject>(_ dice: inout SeededGenerator) -> Identifier<Subject> {
        let (high, low) = (dice.next(), dice.next())
        func byte(_ value: UInt64, _ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
        return Identifier(
            UUID(
                uuid: (
                    byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3), byte(high, 4), byte(high, 5),
                    byte(high, 6), byte(high, 7), byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3), byte(low, 4),
                    byte(low, 5), byte(low, 6), byte(low, 7)
                )
            )
        )
    }

    private func party(_ dice: inout SeededGenerator) throws -> Party {
        var party = Party()
        for _ in 0..<Int.random(in: 1...5, using: &dice) {
            let household: Household.ID = id(&dice)
            party.households.append(household)
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                let year = Int.random(in: 1950...2026, using: &dice)
                party.travellers.append(
                    Traveller(
                        id: id(&dice),
                        householdId: household,
                        name: "T",
                        role: nil,
                        birthDate: Bool.random(using: &dice) ? nil : LocalDate(year: year, month: 5, day: 2),
                        guardianId: nil,
                        version: 1
                    )
                )
            }
        }
        return party
    }

    private func bill(_ party: Party, _ dice: inout SeededGenerator) throws -> Bill {
        let cottages: [Cottage.ID] = (0..<Int.random(in: 1...3, using: &dice)).map { _ in id(&dice) }
        var lines: [ChargeLine] = []
        for cottage in cottages {
            let nights = Int.random(in: 1...9, using: &dice)
            let price = Int64.random(in: 1...30000, using: &dice)
            lines.append(ChargeLine(.night, cottage: cottage, quantity: nights, unitAmount: price))
            lines.append(ChargeLine(.cleaning, cottage: cottage, unitAmount: Int64.random(in: 0...9000, using: &dice)))
        }
        lines.append(ChargeLine(.earlyBooking, unitAmount: -Int64.random(in: 0...500, using: &dice)))
        for traveller in party.travellers where Bool.random(using: &dice) {
            lines.append(ChargeLine(.touristTax, traveller: traveller.id, quantity: 3, unitAmount: 168))
        }
        for household in party.households where Bool.random(using: &dice) {
            lines.append(ChargeLine(.extra, household: household, extraOrder: id(&dice), unitAmount: 1250))
        }
        let stay = try #require(
            Stay(
                from: LocalDate(daysSince1970: 20_900),
                to: LocalDate(daysSince1970: 20_900 + Int.random(in: 1...9, using: &dice))
            )
        )
        var homes: [Cottage.ID: [Household.ID]] = [:]
        for cottage in cottages where Bool.random(using: &dice) {
            homes[cottage] = party.households.filter { _ in Bool.random(using: &dice) }
        }
        return Bill(stay: stay, lines: lines, travellers: party.travellers, homes: homes)
    }

    private func rule(_ party: Party, _ dice: inout SeededGenerator) -> SplitRule {
        switch SplitRule.Way.allCases.filter({ $0 != .exactly }).randomElement(using: &dice) ?? .equally {
        case .byWeights:
            return SplitRule(
                .byWeights,
                weights: party.households.map { .init(householdId: $0, weight: Int64.random(in: 0...7, using: &dice)) }
            )
        case .byNights:
            return SplitRule(
                .byNights,
                nights: party.travellers.filter { _ in Bool.random(using: &dice) }.map {
                    .init(travellerId: $0.id, nights: Int.random(in: 0...9, using: &dice))
                }
            )
        case let way: return SplitRule(way, freeBelowAge: Bool.random(using: &dice) ? 12 : nil)
        }
    }

    @Test func `The shares always add up to the price`() throws {
        var dice = SeededGenerator(seed: 7)
        var divided = 0
        for _ in 0..<4000 {
            let party = try party(&dice)
            var bill = try bill(party, &dice)
            let rule = rule(party, &dice)
            let shares: [Household.ID: Int64]
            do {
                shares = try rule.shares(of: bill)
            } catch {
                #expect(error == .nobodyPays)
                continue
            }
            divided += 1
            #expect(shares.values.reduce(0, +) == bill.total)
            #expect(Set(shares.keys) == Set(party.households))
            bill.lines.shuffle(using: &dice)
            bill.travellers.shuffle(using: &dice)
            #expect(try rule.shares(of: bill) == shares)
            // A household with weight 0 pays only its own lines.
            for weight in rule.weights ?? [] where weight.weight == 0 {
                let own = bill.lines.filter { line in
                    line.householdId == weight.householdId
                        || party.travellers.contains {
                            $0.id == line.travellerId && $0.householdId == weight.householdId
                        }
                }
                #expect(shares[weight.householdId] == own.total)
            }
            let amounts = shares.map { SplitRule.Amount(householdId: $0.key, amount: $0.value) }
            #expect(try SplitRule(.exactly, amounts: amounts).shares(of: bill) == shares)
        }
        #expect(divided > 3500)
    }

    @Test func `Tourist tax and extras are charged to their own household`()
        throws
    {
        var dice = SeededGenerator(seed: 3)
        let (first, second): (Household.ID, Household.ID) = (id(&dice), id(&dice))
        func person(_ household: Household.ID, born: Int?) -> Traveller {
            Traveller(
                id: id(&dice),
                householdId: household,
                name: "T",
                role: nil,
                birthDate: born.flatMap { LocalDate(year: $0, month: 1, day: 1) },
                guardianId: nil,
                version: 1
            )
        }
        let people = [person(first, born: nil), person(first, born: 2020), person(second, born: 1980)]
        let stay = try #require(Stay(from: LocalDate(daysSince1970: 20_900), to: LocalDate(daysSince1970: 20_903)))
        let lines = [
            ChargeLine(.night, quantity: 3, unitAmount: 10_000),
            ChargeLine(.touristTax, traveller: people[2].id, quantity: 3, unitAmount: 168),
            ChargeLine(.extra, household: first, extraOrder: id(&dice), unitAmount: 1250),
        ]
        let bill = Bill(stay: stay, lines: lines, travellers: people)
        #expect(try SplitRule(.equally).shares(of: bill) == [first: 20_000 + 1250, second: 10_000 + 504])
        let free = SplitRule(.equally, freeBelowAge: 12)
        #expect(try free.shares(of: bill) == [first: 15_000 + 1250, second: 15_000 + 504])
        let nights = SplitRule(.byNights, nights: [.init(travellerId: people[2].id, nights: 0)])
        #expect(try nights.shares(of: bill) == [first: 30_000 + 1250, second: 504])
        #expect(throws: Refusal.nobodyPays) { try SplitRule(.equally, freeBelowAge: 120).shares(of: bill.grown()) }
        let stranger: Household.ID = id(&dice)
        let foreign = SplitRule(.byWeights, weights: [.init(householdId: stranger, weight: 1)])
        #expect(throws: Refusal.splitNamesStranger) { try foreign.shares(of: bill) }
        let less = SplitRule(.exactly, amounts: [.init(householdId: first, amount: bill.total - 1)])
        #expect(throws: Refusal.splitDiffers) { try less.shares(of: bill) }
    }
}

extension Bill {
    /// Everybody with a birth date.
    fileprivate func grown() -> Bill {
        var bill = self
        for index in bill.travellers.indices {
            bill.travellers[index].birthDate = LocalDate(year: 1990, month: 1, day: 1)
        }
        return bill
    }
}
