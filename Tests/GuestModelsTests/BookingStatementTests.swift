import Foundation
import GuestModels
import Testing

/// Random histories of a booking's money, compared after every step with a model.
///
/// The model keeps its own books: agreements, money that came in, and money that the park may keep.
@Suite struct BookingStatementTests {
    /// The number of histories; `make check` sets a larger one.
    private static var histories: Int {
        ProcessInfo.processInfo.environment["VOORPRET_HISTORIES"].flatMap { Int($0) } ?? 60
    }

    @Test func `A booking statement's invariants hold after every step of random histories`() throws {
        var tally: [String: Int] = [:]
        for seed in 1...Self.histories {
            var history = StatementHistory(seed: UInt64(seed))
            for _ in 0..<60 {
                let deed = history.step()
                tally[deed, default: 0] += 1
                let broken = history.broken()
                #expect(
                    broken.isEmpty,
                    "seed \(seed), step \(history.told.count), \(history.told.last ?? ""): \(broken)"
                )
                guard broken.isEmpty else { return }
            }
        }
        // Every deed must have happened, because a deed that never happened proves nothing.
        for deed in StatementHistory.deeds { #expect(tally[deed, default: 0] > 0, "\(deed) never happened: \(tally)") }
    }

    @Test func `A household that fronted others' fee is refunded once they pay`() {
        var stage = Stage(households: 2)
        stage.charge(100_000)
        stage.statement.deposit = 30_000
        stage.settle(joining: true)
        stage.statement.receive(30_000, for: stage.households[0], agrees: true)
        stage.statement.state = .cancelled
        stage.statement.bill.lines = [ChargeLine(.cancellation, unitAmount: 30_000)]
        stage.settle()
        #expect(stage.owed == [15_000, 15_000])
        #expect(stage.statement.refundable.isEmpty)
        stage.statement.receive(15_000, for: stage.households[1], agrees: true)
        stage.settle()
        #expect(stage.statement.refundable == [stage.households[0]: 15_000])
    }

    @Test func `Dropping out keeps the deposit until others pay it`() throws {
        var stage = Stage(households: 2)
        stage.charge(60_000)
        stage.statement.deposit = 18_000
        stage.settle(joining: true)
        stage.statement.receive(18_000, for: stage.households[1], agrees: true)
        stage.statement.state = .confirmed
        try stage.statement.giveUp(stage.households[1], .init(by: stage.households[0], kept: 0))
        stage.settle()
        #expect(stage.owed == [60_000, 0])
        #expect(stage.statement.refundable.isEmpty)
        stage.statement.receive(18_000, for: stage.households[0], agrees: true)
        #expect(stage.statement.refundable == [stage.households[1]: 18_000])
    }

    @Test func `A cancellation leaves the fee for dropping out as it was`() throws {
        var stage = Stage(households: 2)
        stage.charge(107_482)
        stage.settle(joining: true)
        stage.statement.state = .confirmed
        let kept = stage.statement.kept(of: stage.households[1], percent: 30)
        #expect(kept == 16_122)
        try stage.statement.giveUp(stage.households[1], .init(by: stage.households[0], kept: kept))
        stage.settle()
        #expect(stage.owed == [91_360, 16_122])
        stage.statement.state = .cancelled
        stage.statement.bill.lines = [ChargeLine(.cancellation, unitAmount: 32_245)]
        stage.settle()
        #expect(stage.owed == [16_123, 16_122])
    }

    @Test func `The giver of a share owes a fee until the taker agrees`() throws {
        var stage = Stage(households: 3)
        stage.charge(90_000)
        stage.settle(joining: true)
        stage.statement.state = .confirmed
        let (own, taker) = (stage.households[1], stage.households[2])
        try stage.statement.giveUp(own, .init(by: taker, kept: 0, keptMeanwhile: 9_000))
        stage.settle()
        #expect(stage.owed == [51_000, 9_000, 30_000])
        #expect(stage.statement.share(of: taker)?.asked == 60_000)
        // A household owes only the amount that it has agreed to.
        stage.statement.receive(55_000, for: taker, agrees: true)
        stage.settle()
        #expect(stage.owed == [30_000, 5_000, 55_000])
        stage.statement.agree(taker)
        stage.settle()
        #expect(stage.owed == [30_000, 0, 60_000])
        // A rise that the taker has not agreed to does not return to the first household.
        stage.charge(3_000)
        stage.settle()
        #expect(stage.owed == [33_000, 0, 60_000])
    }

    @Test func `A household that drops out returns the share it took over`() throws {
        var stage = Stage(households: 3)
        stage.charge(90_000)
        stage.settle(joining: true)
        stage.statement.state = .confirmed
        let (own, taker) = (stage.households[1], stage.households[2])
        try stage.statement.giveUp(own, .init(by: taker, kept: 0, keptMeanwhile: 9_000))
        stage.statement.agree(taker)
        stage.settle()
        #expect(stage.owed == [30_000, 0, 60_000])
        try stage.statement.giveUp(taker, .init(by: stage.households[0], kept: 3_000))
        stage.settle()
        #expect(stage.owed == [57_000, 30_000, 3_000])
        #expect(stage.statement.share(of: own)?.cover == nil)
    }

    @Test func `A joining household agrees to an equal part at most`() {
        var stage = Stage(households: 1, people: 2)
        stage.charge(90_000)
        stage.statement.rule = SplitRule(.byHousehold)
        stage.settle(joining: true)
        let joining = Household.ID(UUID())
        stage.statement.bill.travellers.append(traveller(in: joining))
        stage.settle(joining: true)
        #expect(stage.statement.share(of: joining)?.amount == 30_000)
        #expect(stage.statement.share(of: joining)?.asked == 45_000)
        #expect(stage.owed == [60_000])
    }

    @Test func `Money paid twice goes back although the deposit is uncovered`() {
        var stage = Stage(households: 2)
        stage.charge(100_000)
        stage.statement.deposit = 60_000
        stage.settle(joining: true)
        stage.statement.state = .confirmed
        for _ in 0..<2 { stage.statement.receive(50_000, for: stage.households[1], agrees: true) }
        #expect(stage.statement.refundable == [stage.households[1]: 50_000])
    }

    @Test func `Money paid twice covers no deposit`() {
        var stage = Stage(households: 2)
        stage.charge(100_000)
        stage.statement.deposit = 60_000
        stage.settle(joining: true)
        for _ in 0..<2 { stage.statement.receive(50_000, for: stage.households[1], agrees: true) }
        #expect(stage.statement.paid == 100_000)
        #expect(!stage.statement.isDepositCovered)
        stage.statement.heldDeposit = 60_000
        #expect(!stage.statement.isHeldChangeCovered)
        stage.statement.receive(10_000, for: stage.households[0], agrees: true)
        #expect(stage.statement.isDepositCovered && stage.statement.isHeldChangeCovered)
    }

    @Test(arguments: [Booking.State.checkedIn, .checkedOut])
    func `After check-in, fronted money goes back only once others pay`(
        _ state: Booking.State
    ) {
        var stage = Stage(households: 2)
        stage.charge(60_000)
        stage.settle(joining: true)
        stage.statement.receive(30_000, for: stage.households[1], agrees: true)
        stage.statement.state = state
        stage.statement.rule = SplitRule(
            .byWeights,
            weights: [.init(householdId: stage.households[0], weight: 1)]
        )
        stage.settle()
        #expect(stage.owed == [60_000, 0])
        #expect(stage.statement.refundable.isEmpty)
        // Once the others have paid, the fronted money goes back.
        stage.statement.receive(60_000, for: stage.households[0], agrees: true)
        #expect(stage.statement.refundable == [stage.households[1]: 30_000])
    }

    @Test func `Money from a won dispute first covers the deposit again`() {
        var stage = Stage(households: 2)
        stage.charge(60_000)
        stage.statement.deposit = 20_000
        stage.settle(joining: true)
        stage.statement.receive(30_000, for: stage.households[1], agrees: true)
        stage.statement.state = .confirmed
        stage.settle()
        stage.statement.receive(-30_000, for: stage.households[1], agrees: false)
        stage.statement.rule = SplitRule(
            .byWeights,
            weights: [.init(householdId: stage.households[0], weight: 1)]
        )
        stage.settle()
        stage.statement.receive(30_000, for: stage.households[1], agrees: false, isReturned: true)
        stage.settle()
        #expect(stage.statement.refundable == [stage.households[1]: 10_000])
        #expect(stage.statement.isDepositCovered)
    }

    @Test func `A household's refund changes nothing for the others`() {
        var stage = Stage(households: 3)
        stage.charge(600)
        stage.settle(joining: true)
        for household in stage.households[..<2] { stage.statement.receive(200, for: household, agrees: true) }
        stage.statement.state = .cancelled
        stage.statement.bill.lines = [ChargeLine(.cancellation, unitAmount: 300)]
        stage.settle()
        #expect(stage.statement.refundable == [stage.households[0]: 50, stage.households[1]: 50])
        stage.statement.receive(-50, for: stage.households[0], agrees: false)
        stage.settle()
        #expect(stage.statement.refundable == [stage.households[1]: 50])
    }

    @Test func `Money that a failed refund returns counts as no agreement`() {
        var stage = Stage(households: 2)
        stage.charge(20_000)
        stage.settle(joining: true)
        stage.charge(10_000)
        stage.settle()
        #expect(stage.statement.share(of: stage.households[1])?.asked == 15_000)
        // A failed refund or a won dispute brings the money back.
        stage.statement.receive(15_000, for: stage.households[1], agrees: false)
        stage.settle()
        #expect(stage.owed == [20_000, 10_000])
    }

    @Test func `Surplus money stops being surplus once it is owed`() {
        var stage = Stage(households: 2)
        stage.settle(joining: true)
        stage.statement.receive(30_000, for: stage.households[0], agrees: true)
        #expect(stage.statement.refundable == [stage.households[0]: 30_000])
        stage.charge(60_000)
        stage.settle()
        #expect(stage.statement.share(of: stage.households[0])?.surplus == 0)
    }

    @Test func `Moving people into a household raises its part only when it agrees`() {
        var stage = Stage(households: 2, people: 2)
        stage.charge(80_000)
        stage.settle(joining: true)
        #expect(stage.owed == [40_000, 40_000])
        stage.statement.bill.travellers[1].householdId = stage.households[1]
        stage.settle(by: stage.households[0])
        #expect(stage.owed == [40_000, 40_000])
        #expect(stage.statement.share(of: stage.households[1])?.asked == 60_000)
        let bicycle = ExtraOrder.ID(UUID())
        stage.statement.bill.lines.append(
            ChargeLine(.extra, household: stage.households[1], extraOrder: bicycle, unitAmount: 1_250)
        )
        stage.statement.ownOrders.insert(bicycle)
        stage.settle()
        #expect(stage.owed == [40_000, 41_250])
    }

    @Test func `Goodwill shrinks with the share it was given on`() {
        var stage = Stage(households: 2)
        stage.charge(0)
        stage.settle(joining: true)
        let order = ExtraOrder.ID(UUID())
        let line = ChargeLine(.extra, household: stage.households[1], extraOrder: order, unitAmount: 5_504)
        stage.statement.bill.lines.append(line)
        stage.statement.ownOrders.insert(order)
        stage.settle()
        stage.statement.bill.lines.append(ChargeLine(.goodwill, household: stage.households[1], unitAmount: -5_000))
        stage.settle()
        #expect(stage.owed == [0, 504])
        stage.statement.bill.lines.append(line.reversal)
        stage.settle()
        #expect(stage.owed == [0, 0])
        #expect(stage.statement.price == 0)
    }

    @Test func `One household's order changes no other household's exact amount`() throws {
        var stage = Stage(households: 2)
        stage.charge(90_000)
        stage.settle(joining: true)
        let halves = stage.households.map { SplitRule.Amount(householdId: $0, amount: 45_000) }
        stage.statement.rule = try SplitRule(.exactly, amounts: halves).kept(for: stage.statement.bill)
        let order = ExtraOrder.ID(UUID())
        stage.statement.ownOrders.insert(order)
        stage.statement.bill.lines.append(
            ChargeLine(.extra, household: stage.households[0], extraOrder: order, unitAmount: 1_250)
        )
        stage.settle()
        #expect(stage.owed == [46_250, 45_000])
        #expect(stage.statement.shares.allSatisfy { $0.asked == nil })
        let low = SplitRule(
            .exactly,
            amounts: [
                .init(householdId: stage.households[0], amount: 1_249),
                .init(householdId: stage.households[1], amount: 90_001),
            ]
        )
        #expect(throws: Refusal.splitBelowOwn) { try low.kept(for: stage.statement.bill) }
    }
}

/// A booking of a few households with facts set by hand.
private struct Stage {
    var households: [Household.ID]
    var statement: BookingStatement

    init(households count: Int, people: Int = 1) {
        households = (0..<count).map { _ in Household.ID(UUID()) }.sorted()
        let travellers = households.flatMap { household in
            (0..<people).map { _ in traveller(in: household) }
        }
        statement = BookingStatement(
            state: .held,
            bill: Bill(stay: threeNights, lines: [], travellers: travellers),
            rule: SplitRule(.equally),
            backstop: households[0],
            shares: [],
            deposit: 0
        )
    }

    mutating func charge(_ amount: Int64) {
        statement.bill.lines.append(ChargeLine(.night, unitAmount: amount))
    }

    mutating func settle(joining: Bool = false, by author: Household.ID? = nil) {
        _ = statement.settle(joining: joining, by: author, make: newShare)
    }

    var owed: [Int64] { households.map { statement.share(of: $0)?.amount ?? -1 } }
}

func traveller(in household: Household.ID, _ id: UUID = UUID()) -> Traveller {
    Traveller(
        id: Traveller.ID(id),
        householdId: household,
        name: "T",
        role: nil,
        birthDate: nil,
        guardianId: nil,
        version: 1
    )
}

let threeNights: Stay = {
    let arrival = LocalDate(daysSince1970: 20_900)
    guard let stay = Stay(from: arrival, to: arrival.adding(days: 3)) else {
        preconditionFailure("three nights are a stay")
    }
    return stay
}()

func newShare(_ household: Household.ID) -> Share {
    Share(
        id: Share.ID(UUID()),
        bookingId: Booking.ID(UUID()),
        householdId: household,
        amount: 0,
        due: LocalDate(daysSince1970: 20_880)
    )
}
