import Foundation
import GuestModels
import Testing

@Suite struct ChoosePayeesTests {
    /// Attempts in the order in which they were made, as their identifiers sort.
    let attempts = (1...3).map { Attempt.ID(UUID(uuidString: "00000000-0000-7000-8000-00000000000\($0)") ?? UUID()) }

    private func chosen(_ due: Int64, from left: [Refund.Source]) -> [Refund.Source] {
        choosePayees(covering: due, from: left).map { Refund.Source(attempt: $0.attempt, amount: $0.amount) }
    }

    @Test func `A refund goes first to the latest payer`() {
        let left = attempts.map { Refund.Source(attempt: $0, amount: 100) }

        #expect(chosen(100, from: left) == [.init(attempt: attempts[2], amount: 100)])
    }

    @Test func `A refund goes first to payers outside the household`() {
        let left = [
            Refund.Source(attempt: attempts[0], amount: 100, isFromOutside: true),
            Refund.Source(attempt: attempts[1], amount: 100),
        ]

        #expect(chosen(100, from: left) == [.init(attempt: attempts[0], amount: 100)])
    }

    @Test func `A refund is divided among several payers if one paid too little`() {
        let left = attempts.map { Refund.Source(attempt: $0, amount: 100) }

        #expect(
            chosen(150, from: left) == [
                .init(attempt: attempts[2], amount: 100), .init(attempt: attempts[1], amount: 50),
            ]
        )
    }

    @Test func `A refund skips a payment attempt with nothing left to refund`() {
        let left = [Refund.Source(attempt: attempts[0], amount: 100), .init(attempt: attempts[1], amount: 0)]

        #expect(chosen(40, from: left) == [.init(attempt: attempts[0], amount: 40)])
    }

    @Test func `A refund never exceeds what the payment attempts have left`() {
        let left = [Refund.Source(attempt: attempts[0], amount: 100)]

        #expect(chosen(500, from: left) == [.init(attempt: attempts[0], amount: 100)])
    }

    @Test func `Nothing is refunded when no refund is due`() {
        let left = [Refund.Source(attempt: attempts[0], amount: 100)]

        #expect(chosen(0, from: left).isEmpty)
    }
}
