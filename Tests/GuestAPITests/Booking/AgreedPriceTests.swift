import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// A lower price that the desk agrees on, within its mandate.
@Suite struct AgreedPriceTests {
    private struct Stage {
        let api: GuestAPITestService
        let world: Given.World
        let organiser: Given.Person
        let reception: Given.Person
        let booking: Booking

        func agree(_ total: Int64, version: Int? = nil) async throws -> GuestAPITestService.Response {
            let present = try await seen().version
            return try await api.change(
                "POST",
                "/v1/admin/bookings/\(booking.id)/price",
                AgreedPriceRequest(total: total, reason: "The pool is closed."),
                as: reception,
                match: version ?? present,
                key: UUID().uuidString
            )
        }

        func seen() async throws -> Booking {
            try await api.get("/v1/bookings/\(booking.id)", as: organiser).decode(Booking.self)
        }

        func change(_ change: BookingChange) async throws -> Booking {
            let path = "/v1/bookings/\(booking.id)"
            let quote = try await api.post("\(path)/quotes", change, as: organiser).decode(Quote.self)
            return try await api.change(
                "POST",
                "\(path)/changes",
                QuotedChange(quoteId: quote.id),
                as: organiser,
                match: quote.bookingVersion,
                key: UUID().uuidString
            ).decode(Booking.self)
        }

        func expectRight() async throws { #expect(try await Office(api.app).checkLedger() == []) }
    }

    /// Two cottages for three nights: 39,000 each.
    private func stage(
        _ api: GuestAPITestService,
        _ adjust: (inout HouseRules) -> Void = { _ in }
    ) async throws -> Stage {
        var rules = Given.rules
        rules.goodwillLimit = 20_000
        adjust(&rules)
        let world = try await api.given.park(rules: rules)
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        let booking = try await api.given.booking(
            of: group,
            by: organiser,
            in: world,
            cottages: Array(world.cottages.prefix(2))
        )
        return Stage(
            api: api,
            world: world,
            organiser: organiser,
            reception: try await api.given.staff([.reception], at: world.park.id),
            booking: booking
        )
    }

    @Test func `The desk agrees on a lower price within its mandate`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let total = stage.booking.total.amount
            #expect(try await stage.agree(total).code == "price_not_lower")
            #expect(try await stage.agree(total - 20_001).code == "second_person_needed")
            #expect(try await stage.agree(total - 10_000, version: 99).status == 412)
            let agreed = try await stage.agree(total - 10_000).decode(Booking.self)
            #expect(agreed.total.amount == total - 10_000)
            // A second gift counts against the same mandate.
            #expect(try await stage.agree(total - 20_001).code == "second_person_needed")
            let path = "/v1/admin/bookings/\(stage.booking.id)/price"
            let request = AgreedPriceRequest(total: 1, reason: "mine")
            let own = try await api.change(
                "POST",
                path,
                request,
                as: stage.organiser,
                match: agreed.version,
                key: "own"
            )
            #expect(own.status == 403)
            try await stage.expectRight()
        }
    }

    @Test func `Giving up a cottage gives up its reduction`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await stage.agree(stage.booking.total.amount - 10_000)
            let one = try await stage.change(BookingChange(cottages: [.init(cottage: stage.world.cottages[0].id)]))
            #expect(one.total.amount == stage.booking.total.amount / 2 - 5000)
            try await stage.expectRight()
        }
    }

    @Test func `A reduction never exceeds the price of the cottages`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await stage.agree(stage.booking.total.amount - 20_000)
            // One night in a cottage costs 10,000 plus 5,000 for cleaning; each cottage has a reduction of 10,000.
            let short = BookingChange(
                stay: try stay("2027-05-16", "2027-05-17"),
                cottages: [.init(cottage: stage.world.cottages[0].id)]
            )
            let left = try await stage.change(short)
            #expect(left.total.amount == 15_000 - 10_000)
            try await stage.expectRight()
        }
    }

    @Test func `A reduction follows its guests into another cottage`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let agreed = try await stage.agree(stage.booking.total.amount - 10_000).decode(Booking.self)
            let move = MoveRequest(
                from: stage.world.cottages[0].id,
                to: stage.world.cottages[2].id,
                reason: "The heating is broken."
            )
            _ = try await api.post("/v1/bookings/\(stage.booking.id)/confirm", as: stage.organiser, key: "firm")
            let path = "/v1/admin/bookings/\(stage.booking.id)/move"
            let version = try await stage.seen().version
            let moved = try await api.change("POST", path, move, as: stage.reception, match: version, key: "move")
            #expect(try moved.decode(Booking.self).total.amount == agreed.total.amount)
            try await stage.expectRight()
        }
    }

    @Test func `A hold becomes firm once its reduced price is paid`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api) { $0.depositPercent = 100 }
            let total = stage.booking.total.amount
            _ = try await stage.agree(total - 10_000)
            struct Shares: Decodable {
                let items: [ShareView]
            }
            let shares = try await api.get("/v1/bookings/\(stage.booking.id)/shares", as: stage.organiser)
            let share = try #require(try shares.decode(Shares.self).items.first)
            let path = "/v1/admin/shares/\(share.id)/till-payments"
            let paid = TillPaymentRequest(method: .cash, amount: total - 10_000)
            #expect(try await api.post(path, paid, as: stage.reception, key: "pay").status == 201)
            #expect(try await stage.seen().state == .confirmed)
            // The price falls again: the surplus goes back, and no deposit is due.
            _ = try await stage.agree(total - 20_000)
            #expect(try await stage.seen().isDepositCovered)
            #expect(try await api.count("SELECT count(*) FROM booking WHERE deposit_due IS NOT NULL") == 0)
            try await stage.expectRight()
        }
    }

    @Test func `A quote shows the reduction lost with a cottage`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await stage.agree(stage.booking.total.amount - 20_000)
            let one = BookingChange(cottages: [.init(cottage: stage.world.cottages[0].id)])
            let path = "/v1/bookings/\(stage.booking.id)"
            let quote = try await api.post("\(path)/quotes", one, as: stage.organiser).decode(Quote.self)
            #expect(quote.total.amount == stage.booking.total.amount / 2 - 10_000)
            #expect(try await stage.change(one).total == quote.total)
        }
    }

    @Test func `Undoing a booking change restores the removed cottage's reduction`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let agreed = try await stage.agree(stage.booking.total.amount - 20_000).decode(Booking.self)
            let path = "/v1/bookings/\(stage.booking.id)"
            _ = try await api.post("\(path)/confirm", as: stage.organiser, key: "firm")
            api.clock.advance(by: 60)
            _ = try await stage.change(BookingChange(cottages: [.init(cottage: stage.world.cottages[0].id)]))
            let undone = try await api.post("\(path)/undo", MistakeRequest(.change), as: stage.organiser, key: "undo")
            #expect(try undone.decode(Booking.self).total == agreed.total)
            try await stage.expectRight()
        }
    }
}
