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

    @Test func `A share's state follows from its amount, payments and due day`() {
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
        #expect(state(90, 100, today) == .paid)
        var over = shares([90], paid: [100])[0]
        over.refundable = 10
        #expect(over.state(today: today) == .refundDue)
    }
}
