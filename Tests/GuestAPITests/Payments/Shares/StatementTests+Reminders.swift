import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension StatementTests {
    /// Runs the scheduler at noon of a day.
    private func noon(_ stage: Stage, of day: LocalDate) async throws {
        let api = stage.api
        let noon = Double(day.daysSince1970) * 86400 + 12 * 3600
        api.clock.advance(by: noon - api.now.timeIntervalSince1970)
        for _ in 0..<2 {
            try await Scheduler(app: api.app).tick()
            try await api.work()
        }
    }

    private func letters(_ stage: Stage, to who: Given.Person, with text: String) throws -> Int {
        try stage.api.mails(to: who.email).filter { $0.contains(text) }.count
    }

    /// The member has paid, and afterwards the organiser has lengthened the stay.
    private func withDearerStay(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await stage(api, deposit: 30)
        try await stage.pay(try await stage.owed(of: stage.member), for: stage.member)
        let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
        #expect(try await stage.change(longer, as: stage.organiser).status == 200)
        try await api.work()
        return stage
    }

    @Test func `Only the household that paid hears of its payment`() async throws {
        try await withGuestAPI { api in
            let stage = try await withDearerStay(api)
            #expect(try letters(stage, to: stage.member, with: "has come in for booking") == 1)
            #expect(try letters(stage, to: stage.organiser, with: "has come in for booking") == 0)
        }
    }

    @Test func `Only the household that is asked for more hears of it`() async throws {
        try await withGuestAPI { api in
            let stage = try await withDearerStay(api)
            #expect(try letters(stage, to: stage.member, with: "would make your share") == 1)
            #expect(try letters(stage, to: stage.organiser, with: "would make your share") == 0)
        }
    }

    @Test func `Every household gets a letter about a cancellation`() async throws {
        try await withGuestAPI { api in
            let stage = try await withDearerStay(api)
            _ = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x")
            try await api.work()
            for who in [stage.organiser, stage.member] {
                #expect(try letters(stage, to: who, with: "is cancelled") == 1)
            }
        }
    }

    @Test func `A missed payment reminder is sent once by a later run`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let due = try await stage.own(of: stage.member).due
            try await noon(stage, of: due.adding(days: -4))
            #expect(try letters(stage, to: stage.member, with: "It is due by") == 1)
            try await noon(stage, of: due.adding(days: -3))
            #expect(try letters(stage, to: stage.member, with: "It is due by") == 1)
            try await noon(stage, of: due.adding(days: 3))
            #expect(try letters(stage, to: stage.member, with: "was due on") == 1)
            // Two shares are late; each household gets a reminder of its own share, and the organiser of both.
            #expect(try letters(stage, to: stage.organiser, with: "was due on") == 2)
        }
    }

    @Test func `Reminders of a debt go on after a cancellation`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let due = try await stage.own(of: stage.member).due
            try await noon(stage, of: due.adding(days: 3))
            #expect(try letters(stage, to: stage.member, with: "was due on") == 1)
            _ = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x")
            try await noon(stage, of: due.adding(days: 10))
            #expect(try letters(stage, to: stage.member, with: "was due on") == 2)
        }
    }

    @Test func `Staff see the shares that are late`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let due = try await stage.own(of: stage.member).due
            try await noon(stage, of: due.adding(days: 3))
            struct Debts: Decodable {
                struct Debt: Decodable {
                    let shareId: Share.ID
                    let daysLate: Int
                    let open: Money
                }
                let items: [Debt]
            }
            let path = "/v1/admin/parks/\(stage.world.park.id)/debts"
            let debts = try await api.get(path, as: stage.reception).decode(Debts.self).items
            #expect(debts.map(\.daysLate) == [3, 3])
            #expect(debts.reduce(0) { $0 + $1.open.amount } == stage.booking.total.amount)
        }
    }

    /// A stay on the day after its deposit had to be covered again, in a park with that rule.
    private func withLapsedDeposit(_ api: GuestAPITestService, _ rule: HouseRules.DepositLapse) async throws -> Stage {
        let stage = try await stage(api, deposit: 30, lapse: rule)
        try await stage.pay(stage.booking.deposit.amount, for: stage.organiser)
        let more = BookingChange(stay: try stay("2027-05-14", "2027-05-20"))
        #expect(try await stage.change(more, as: stage.reception, reason: "by phone").status == 200)
        let due = try #require(try await statement(stage).depositDue)
        try await noon(stage, of: due)
        #expect(try await stage.seen().state == .confirmed)
        try await noon(stage, of: due.adding(days: 1))
        return stage
    }

    @Test func `A deposit that is not covered in time becomes a task`() async throws {
        try await withGuestAPI { api in
            let stage = try await withLapsedDeposit(api, .asks)
            #expect(try await stage.seen().state == .confirmed)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'deposit'") == 1)
            try await stage.expectRight()
        }
    }

    @Test func `An uncovered deposit ends the stay where the park says so`() async throws {
        try await withGuestAPI { api in
            let stage = try await withLapsedDeposit(api, .cancels)
            #expect(try await stage.seen().state == .cancelled)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'deposit'") == 0)
            try await stage.expectRight()
        }
    }
}
