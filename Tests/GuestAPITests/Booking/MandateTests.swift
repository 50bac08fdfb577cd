import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Gifts of the staff without a second person: goodwill, extras and cancellation fees.
@Suite struct MandateTests {
    private struct Shares: Decodable {
        let items: [ShareView]
    }

    private struct Stage {
        let api: GuestAPITestService
        let world: Given.World
        let organiser: Given.Person
        let group: TravelGroup
        let clerk: Given.Person
        let finance: Given.Person

        func firm(from: String = "2027-05-14", to: String = "2027-05-17") async throws -> Booking {
            let booking = try await api.given.booking(of: group, by: organiser, in: world, from: from, to: to)
            let path = "/v1/bookings/\(booking.id)"
            #expect(try await api.post("\(path)/confirm", as: organiser, key: UUID().uuidString).status == 200)
            return booking
        }

        func share(of booking: Booking) async throws -> Share.ID {
            let shares = try await api.get("/v1/bookings/\(booking.id)/shares", as: organiser).decode(Shares.self)
            return try #require(shares.items.first).id
        }

        func give(
            _ amount: Int64,
            on booking: Booking,
            as who: Given.Person? = nil
        ) async throws
            -> GuestAPITestService.Response
        {
            try await api.post(
                "/v1/admin/shares/\(share(of: booking))/goodwill",
                GoodwillRequest(amount: amount, reason: "the rain"),
                as: who ?? clerk,
                key: UUID().uuidString
            )
        }

        func expectRight() async throws {
            #expect(try await Office(api.app).checkLedger(withProvider: false) == [])
        }
    }

    private func stage(_ api: GuestAPITestService) async throws -> Stage {
        var rules = Given.rules
        rules.goodwillLimit = 5_000
        rules.goodwillDayLimit = 7_000
        rules.cancellation = [.init(days: 28, percent: 10), .init(days: 0, percent: 90)]
        let world = try await api.given.park(cottages: 6, rules: rules)
        let organiser = try await api.given.guest()
        return Stage(
            api: api,
            world: world,
            organiser: organiser,
            group: try await api.given.group(of: organiser),
            clerk: try await api.given.staff([.reception, .host], at: world.park.id),
            finance: try await api.given.staff([.finance], at: world.park.id)
        )
    }

    @Test func `A booking's goodwill limit counts the goodwill of all colleagues`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firm()
            #expect(try await stage.give(3_000, on: booking).status == 201)
            #expect(try await stage.give(2_000, on: booking).status == 201)
            #expect(try await stage.give(1, on: booking).status == 202)
            // Another colleague still has a mandate for the day, but the booking's mandate is used up.
            let other = try await api.given.staff([.host], at: stage.world.park.id)
            #expect(try await stage.give(1, on: booking, as: other).status == 202)
            try await stage.expectRight()
        }
    }

    @Test func `A colleague's daily goodwill limit counts the goodwill on all bookings`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            #expect(try await stage.give(5_000, on: try await stage.firm()).status == 201)
            let second = try await stage.firm(from: "2027-06-04", to: "2027-06-07")
            #expect(try await stage.give(2_001, on: second).status == 202)
            #expect(try await stage.give(2_000, on: second).status == 201)
            let other = try await api.given.staff([.host], at: stage.world.park.id)
            #expect(try await stage.give(2_000, on: second, as: other).status == 201)
            api.clock.advance(by: 86400)
            #expect(try await stage.give(1_000, on: second).status == 201)
            try await stage.expectRight()
        }
    }

    @Test func `Parallel goodwill of one colleague stays within the mandate`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firm()
            let share = try await stage.share(of: booking)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await api.post(
                            "/v1/admin/shares/\(share)/goodwill",
                            GoodwillRequest(amount: 2_500, reason: "the rain"),
                            as: stage.clerk,
                            key: "g\(number)"
                        ).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 201 }.count == 2, "\(statuses)")
            try await stage.expectRight()
        }
    }

    @Test func `Finance sees a list of goodwill that waits for approval`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let asked = try await stage.give(5_001, on: try await stage.firm()).decode(Goodwill.self)
            let list = "/v1/admin/parks/\(stage.world.park.id)/goodwill"
            #expect(try await api.get(list, as: stage.finance).text.contains("\(asked.id)"))
        }
    }

    @Test func `Finance refuses goodwill with a reason`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let asked = try await stage.give(5_001, on: try await stage.firm()).decode(Goodwill.self)
            let path = "/v1/admin/goodwill/\(asked.id)"
            let other = try await api.given.staff([.reception], at: stage.world.park.id)
            let no = ReasonRequest(reason: "It did not rain.")
            #expect(try await api.post("\(path)/refusal", no, as: other, key: "1").status == 403)
            #expect(try await api.post("\(path)/refusal", as: stage.finance, key: "2").code == "reason_needed")
            #expect(try await api.post("\(path)/refusal", no, as: stage.finance, key: "3").status == 200)
            let late = try await api.post("\(path)/approval", as: stage.finance, key: "4").decode(Goodwill.self)
            #expect(late.state == .refused)
            #expect(try await api.count("SELECT count(*) FROM charge_line WHERE kind = 'goodwill'") == 0)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'goodwill' AND state = 'open'") == 0)
            try await stage.expectRight()
        }
    }

    @Test func `The colleague who asked for goodwill can withdraw it`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let asked = try await stage.give(5_001, on: try await stage.firm()).decode(Goodwill.self)
            let no = ReasonRequest(reason: "It did not rain.")
            let path = "/v1/admin/goodwill/\(asked.id)/refusal"
            #expect(try await api.post(path, no, as: stage.clerk, key: "5").status == 200)
            try await stage.expectRight()
        }
    }

    /// A stay with two spas on its first day, which is close, and one spa on its last day.
    private struct Late {
        let stage: Stage
        let path: String
        let orders: [ExtraOrder.ID]

        func takeOff(_ index: Int, _ reason: String?) async throws -> GuestAPITestService.Response {
            let query = reason.map { "?reason=\($0)" } ?? ""
            return try await stage.api.send("DELETE", "\(path)/\(orders[index])\(query)", as: stage.clerk)
        }
    }

    private func withLateExtras(_ api: GuestAPITestService) async throws -> Late {
        let stage = try await stage(api)
        let booking = try await stage.firm(from: "2026-11-21", to: "2026-11-24")
        let office = try await api.given.headOffice()
        let spa = try await api.post(
            "/v1/admin/parks/\(stage.world.park.id)/extras",
            ExtraRequest(code: "spa", names: ["en": "Spa"], isDaily: false, price: 3_000, stock: 9),
            as: office
        ).decode(Extra.self)
        let path = "/v1/bookings/\(booking.id)/extras"
        var orders: [ExtraOrder.ID] = []
        for date in ["2026-11-21", "2026-11-21", "2026-11-24"] {
            let order = ExtraOrderRequest(extraId: spa.id, from: try day(date))
            let answer = try await api.post(path, order, as: stage.organiser, key: UUID().uuidString)
            orders = try answer.decode(Booking.self).extras.sorted { $0.from < $1.from }.map(\.id)
        }
        api.clock.advance(by: 86400)
        return Late(stage: stage, path: path, orders: orders)
    }

    @Test func `An extra cancelled by staff after the free period counts as goodwill`() async throws {
        try await withGuestAPI { api in
            let late = try await withLateExtras(api)
            #expect(try await late.takeOff(0, "cold").status == 200)
            // The second spa costs 3,000, which is more than the rest of the booking's 5,000.
            #expect(try await late.takeOff(1, "cold").code == "second_person_needed")
            // A guest could still cancel this order without a fee, so cancelling it is no gift.
            #expect(try await late.takeOff(2, "cold").status == 200)
            #expect(try await api.count("SELECT count(*) FROM goodwill WHERE kind = 'extra'") == 1)
            try await late.stage.expectRight()
        }
    }

    @Test func `Staff need a reason to take off an extra`() async throws {
        try await withGuestAPI { api in
            let late = try await withLateExtras(api)
            #expect(try await late.takeOff(0, nil).code == "reason_needed")
            #expect(try await late.takeOff(0, "cold").status == 200)
            #expect(try await late.takeOff(2, "cold").status == 200)
            #expect(
                try await api.count("SELECT count(*) FROM audit WHERE action = 'extra.cancel' AND reason = 'cold'") == 2
            )
        }
    }

    @Test func `A stay that the park cancels costs the guest nothing`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firm()
            let path = "/v1/bookings/\(booking.id)/cancel"
            let byPark = CancellationRequest(reason: "the cottage burnt down", isByPark: true)
            #expect(try await api.post(path, byPark, as: stage.organiser, key: "1").status == 403)
            #expect(
                try await api.post(path, CancellationRequest(isByPark: true), as: stage.clerk, key: "2").code
                    == "reason_needed"
            )
            let cancelled = try await api.post(path, byPark, as: stage.clerk, key: "3").decode(Booking.self)
            #expect(cancelled.state == .cancelled && cancelled.total.amount == 0)
            #expect(try await api.count("SELECT count(*) FROM audit WHERE action = 'booking.cancelByPark'") == 1)
            // The letter names the park's other free cottage types.
            try await api.work()
            #expect(try api.mails(to: stage.organiser.email).contains { $0.contains("it has free: Type A.") })
            // The gift is the fee that the guest does not pay; a fee above the mandate needs a second person.
            let near = try await stage.firm(from: "2026-11-21", to: "2026-11-24")
            let other = "/v1/bookings/\(near.id)/cancel"
            #expect(try await api.post(other, byPark, as: stage.clerk, key: "4").code == "second_person_needed")
            try await stage.expectRight()
        }
    }
}
