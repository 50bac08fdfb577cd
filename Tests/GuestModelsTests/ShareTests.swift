import Foundation
import GuestModels
import Testing

@Suite struct ShareTests {
    private let households: [Household.ID] = (0..<4).map { _ in Household.ID(UUID()) }

    private func shares(_ amounts: [Int64], paid: [Int64]) -> [Share] {
        zip(households, zip(amounts, paid)).map { household, money in
            Share(
                id: Share.ID(UUID()),
                bookingId: Booking.ID(UUID()),
                householdId: household,
                amount: money.0,
                paid: money.1,
                due: LocalDate(daysSince1970: 20_000)
            )
        }
    }

    @Test func `After the first payment nobody owes more than they agreed to, and the sum stays the price`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let old = (0..<3).map { _ in Int64.random(in: 0...5000, using: &random) }
            let paid = old.map { Bool.random(using: &random) ? $0 : 0 }
            let present = shares(old, paid: paid)
            let new = (0..<4).map { _ in Int64.random(in: 0...5000, using: &random) }
            let division = Dictionary(uniqueKeysWithValues: zip(households, new))
            let author = Bool.random(using: &random) ? households[2] : nil
            let result = present.divided(division, backstop: households[0], by: author)
            #expect(result.values.reduce(0) { $0 + $1.amount } == new.reduce(0, +))
            let isPaid = paid.contains { $0 > 0 }
            for (index, household) in households.enumerated().dropFirst() {
                let amount = result[household]?.amount ?? -1
                guard isPaid, household != author else {
                    #expect(amount == new[index])
                    continue
                }
                let agreed = index < old.count ? old[index] : 0
                #expect(amount == min(agreed, new[index]))
                #expect(result[household]?.asked == (new[index] > agreed ? new[index] : nil))
            }
        }
    }

    @Test func `A share says how it stands`() {
        let today = LocalDate(daysSince1970: 20_000)
        func state(_ amount: Int64, _ paid: Int64, _ day: LocalDate) -> Share.State {
            shares([amount], paid: [paid])[0].state(today: day)
        }
        #expect(state(100, 0, today) == .open)
        #expect(state(100, 0, today.adding(days: 1)) == .overdue)
        #expect(state(100, 40, today) == .partlyPaid)
        #expect(state(100, 40, today.adding(days: 1)) == .overdue)
        #expect(state(100, 100, today.adding(days: 1)) == .paid)
        #expect(state(0, 0, today.adding(days: 1)) == .paid)
        #expect(state(90, 100, today) == .refundDue)
    }
}
