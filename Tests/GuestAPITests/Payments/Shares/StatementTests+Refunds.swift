import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension StatementTests {
    /// A cancelled stay whose organiser had paid the deposit, which equals the fee of both households.
    private func withFrontedFee(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await stage(api, deposit: 30)
        let deposit = stage.booking.deposit.amount
        try await stage.pay(deposit, for: stage.organiser)
        #expect(try await stage.seen().state == .confirmed)
        let cancelled = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x").decode(Booking.self)
        #expect(cancelled.total.amount == deposit)
        try await api.work()
        return stage
    }

    private func refundAtTill(_ stage: Stage, _ key: String) async throws -> GuestAPITestService.Response {
        let share = try await stage.own(of: stage.organiser).id
        let request = TillPaymentRequest(method: .cash, amount: 1)
        return try await stage.api.post(
            "/v1/admin/shares/\(share)/till-refunds",
            request,
            as: stage.reception,
            key: key
        )
    }

    @Test func `A fee paid for other households is held back while they owe`() async throws {
        try await withGuestAPI { api in
            let stage = try await withFrontedFee(api)
            #expect(try await stage.own(of: stage.organiser).state == .paid)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund'") == 0)
            #expect(try await refundAtTill(stage, "r").code == "more_than_due")
            try await stage.expectRight()
        }
    }

    @Test func `A fee paid for other households goes back once they pay`() async throws {
        try await withGuestAPI { api in
            let stage = try await withFrontedFee(api)
            try await stage.pay(try await stage.owed(of: stage.member), for: stage.member)
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund'") == 1)
            #expect(try await refundAtTill(stage, "s").status == 201)
            try await stage.expectRight()
        }
    }

    /// The member has paid a firm stay's deposit and dropped out; returns the member's share before.
    private func withDropout(_ api: GuestAPITestService) async throws -> (stage: Stage, before: Int64) {
        let stage = try await stage(api, deposit: 30)
        try await stage.pay(stage.booking.deposit.amount, for: stage.member)
        let own = try await stage.own(of: stage.member)
        #expect(try await api.post("/v1/shares/\(own.id)/withdrawal", as: stage.member, key: "w").status == 200)
        try await api.work()
        return (stage, try #require(own.amount).amount)
    }

    @Test func `Dropping out of a firm stay returns none of its deposit`() async throws {
        try await withGuestAPI { api in
            let (stage, _) = try await withDropout(api)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund'") == 0)
            #expect(try await stage.seen().isDepositCovered)
            try await stage.expectRight()
        }
    }

    @Test func `A cancellation leaves the fee for dropping out as it was`() async throws {
        try await withGuestAPI { api in
            let (stage, before) = try await withDropout(api)
            let kept = try await stage.owed(of: stage.member)
            #expect(kept == before.percentage(30))
            _ = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x")
            #expect(try await stage.owed(of: stage.member) == kept)
            try await stage.expectRight()
        }
    }

    @Test func `Goodwill shrinks with the share it was given on`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            let cover = ReassignmentRequest(householdId: try await stage.own(of: stage.organiser).householdId)
            _ = try await api.post("/v1/shares/\(own.id)/reassignment", cover, as: stage.member, key: "g")
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            var orders: [ExtraOrder] = []
            for _ in 0..<4 {
                orders = try await stage.order(by: stage.member, for: own.householdId).decode(Booking.self).extras
            }
            #expect(try await stage.owed(of: stage.member) == 5_000)
            let goodwill = "/v1/admin/shares/\(own.id)/goodwill"
            let tooMuch = GoodwillRequest(amount: 5_001, reason: "rain")
            #expect(try await api.post(goodwill, tooMuch, as: stage.reception, key: "1").code == "more_than_owed")
            let given = GoodwillRequest(amount: 4_500, reason: "rain")
            #expect(try await api.post(goodwill, given, as: stage.reception, key: "2").status == 201)
            let others = try await stage.owed(of: stage.organiser)
            for order in orders {
                _ = try await api.send("DELETE", "\(stage.path)/extras/\(order.id)", as: stage.member)
                #expect(try await stage.owed(of: stage.member) >= 0)
                #expect(try await stage.owed(of: stage.organiser) == others)
            }
            #expect(try await stage.owed(of: stage.member) == 0)
            try await stage.expectRight()
        }
    }

    @Test func `A household that stays home saves only its tourist tax`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, tax: true)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let alone = BookingChange(
                travellerIds: stage.group.travellers.filter { $0.role == .organiser }.map(\.id)
            )
            let quote = try await api.post("\(stage.path)/quotes", alone, as: stage.organiser).decode(Quote.self)
            #expect(quote.lines.map(\.kind) == [.touristTax])
        }
    }

    @Test func `A cancellation fee leaves out tourist tax`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, tax: true)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let cancelled = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x").decode(
                Booking.self
            )
            #expect(cancelled.total.amount == Int64(39_000).percentage(30))
        }
    }
}
