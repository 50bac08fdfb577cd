import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct ChangeBookingTests {
    struct Stage {
        let api: GuestAPITestService
        let world: Given.World
        let organiser: Given.Person
        let group: TravelGroup
    }

    func stage(
        _ api: GuestAPITestService,
        cottages: Int = 4,
        rules: HouseRules = Given.rules
    ) async throws -> Stage {
        let world = try await api.given.park(cottages: cottages, rules: rules)
        let organiser = try await api.given.guest()
        return Stage(api: api, world: world, organiser: organiser, group: try await api.given.group(of: organiser))
    }

    func quote(
        _ stage: Stage,
        _ booking: Booking,
        _ change: BookingChange,
        as who: Given.Person? = nil
    ) async throws -> GuestAPITestService.Response {
        try await stage.api.post("/v1/bookings/\(booking.id)/quotes", change, as: who ?? stage.organiser)
    }

    func apply(
        _ stage: Stage,
        _ quote: Quote,
        version: Int,
        as who: Given.Person? = nil,
        reason: String? = nil
    ) async throws -> GuestAPITestService.Response {
        try await stage.api.change(
            "POST",
            "/v1/bookings/\(quote.bookingId)/changes",
            QuotedChange(quoteId: quote.id, reason: reason),
            as: who ?? stage.organiser,
            match: version,
            key: UUID().uuidString
        )
    }

    /// Quotes an empty change, to check that the booking has the price that a new quote gives.
    func isPricedRight(_ stage: Stage, _ booking: Booking) async throws -> Bool {
        let fresh = try await quote(stage, booking, BookingChange()).decode(Quote.self)
        return fresh.lines.isEmpty && fresh.difference.amount == 0
    }

    @Test func `A change of a booking costs exactly what its quote said`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let longer = BookingChange(
                stay: try stay("2027-05-14", "2027-05-19"),
                cottages: [stage.world.cottages[0], stage.world.cottages[1]].map { .init(cottage: $0.id) }
            )
            let quote = try await quote(stage, booking, longer).decode(Quote.self)
            #expect(quote.difference.amount > 0)
            #expect(quote.lines.total == quote.difference.amount)
            #expect(quote.total.amount == booking.total.amount + quote.difference.amount)
            // The quote alone changes nothing.
            let before = try await api.get("/v1/bookings/\(booking.id)", as: stage.organiser).decode(Booking.self)
            #expect(before == booking.seen(before))
            let changed = try await apply(stage, quote, version: booking.version).decode(Booking.self)
            #expect(changed.total == quote.total)
            #expect(changed.stay == longer.stay)
            #expect(
                changed.cottages.map(\.id).sorted()
                    == [stage.world.cottages[0].id, stage.world.cottages[1].id].sorted()
            )
            #expect(changed.version == 2)
            #expect(try await isPricedRight(stage, changed))
            // A quote can be used only once.
            #expect(try await apply(stage, quote, version: 2).code == "quote_over")
        }
    }

    @Test func `Giving up a cottage costs that cottage's part of the cancellation fee`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let three = Array(stage.world.cottages.prefix(3))
            let held = try await api.given.booking(
                of: stage.group,
                by: stage.organiser,
                in: stage.world,
                cottages: three
            )
            let two = BookingChange(cottages: three.prefix(2).map { .init(cottage: $0.id) })
            // While the booking is only held, removing a cottage costs no fee.
            let free = try await quote(stage, held, two).decode(Quote.self)
            #expect(!free.lines.contains { $0.kind == .cancellation })
            let path = "/v1/bookings/\(held.id)"
            let booking = try await api.post("\(path)/confirm", as: stage.organiser, key: "c").decode(Booking.self)
            // Ten days before arrival the fee is half of the difference.
            api.clock.advance(by: try #require(secondsUntil("2027-05-04", from: api.now)))
            let quote = try await quote(stage, booking, two).decode(Quote.self)
            let fee = try #require(quote.lines.first { $0.kind == .cancellation })
            #expect(fee.amount == -(quote.difference.amount - fee.amount) / 2)
            let changed = try await apply(stage, quote, version: booking.version).decode(Booking.self)
            #expect(changed.cottages.count == 2)
            #expect(try await isPricedRight(stage, changed))
            // The third cottage is free for others at once.
            let other = try await api.given.guest()
            let group = try await api.given.group(of: other)
            _ = try await api.given.booking(of: group, by: other, in: stage.world, cottages: [three[2]])
        }
    }

    @Test func `A postponed stay keeps its cancellation percentage`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let two = Array(stage.world.cottages.prefix(2))
            let held = try await api.given.booking(
                of: stage.group,
                by: stage.organiser,
                in: stage.world,
                cottages: two
            )
            let path = "/v1/bookings/\(held.id)"
            let booking = try await api.post("\(path)/confirm", as: stage.organiser, key: "c").decode(Booking.self)
            // Ten days before arrival a cancellation costs half; a year before it would cost a tenth.
            api.clock.advance(by: try #require(secondsUntil("2027-05-04", from: api.now)))
            let one = BookingChange(cottages: [.init(cottage: two[0].id)])
            let less = try await quote(stage, booking, one).decode(Quote.self)
            let fee = try #require(less.lines.first { $0.kind == .cancellation }).amount
            let smaller = try await apply(stage, less, version: booking.version).decode(Booking.self)
            #expect(smaller.leastFeePercent == 0)
            let off = BookingChange(stay: try stay("2028-03-03", "2028-03-06"))
            let later = try await quote(stage, smaller, off).decode(Quote.self)
            let moved = try await apply(stage, later, version: smaller.version).decode(Booking.self)
            #expect(moved.leastFeePercent == 50)
            #expect(try await isPricedRight(stage, moved))
            let cancelled = try await api.post("\(path)/cancel", as: stage.organiser, key: "x").decode(Booking.self)
            let lodging = moved.charges.filter { $0.kind != .cancellation }.total
            let earlier = moved.charges.filter { $0.kind == .cancellation }.total
            #expect(earlier >= fee && fee > 0)
            #expect(cancelled.total.amount == earlier + lodging / 2)
        }
    }

    private func secondsUntil(_ day: String, from now: Date) -> TimeInterval? {
        LocalDate(day).map { Double($0.daysSince1970) * 86400 + 43200 - now.timeIntervalSince1970 }
    }

    @Test func `A new rate does not change the price of existing bookings`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let office = try await api.given.headOffice()
            api.clock.advance(by: 60)
            struct Rates: Decodable { let items: [Rate] }
            let path = "/v1/admin/cottage-types/\(stage.world.type.id)/rates"
            let rate = try #require(try await api.get(path, as: office).decode(Rates.self).items.first)
            let dearer = RateRequest(season: rate.season, night: 99_000, weekendNight: 99_000)
            #expect(
                try await api.change("PUT", "/v1/admin/rates/\(rate.id)", dearer, as: office, match: 1).status == 200
            )
            #expect(try await isPricedRight(stage, booking))
            // An added night has the price of the day of booking.
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            let quote = try await quote(stage, booking, longer).decode(Quote.self)
            #expect(quote.difference.amount == 10_000)
            // A new booking pays the new price.
            let other = try await api.given.booking(
                of: stage.group,
                by: stage.organiser,
                in: stage.world,
                cottages: [stage.world.cottages[1]]
            )
            #expect(other.total.amount > 3 * 99_000)
            #expect(try await api.send("DELETE", "/v1/admin/rates/\(rate.id)", as: office).status == 204)
            #expect(try await isPricedRight(stage, booking))
        }
    }

    @Test func `Only one of three simultaneous changes of a booking succeeds`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, cottages: 6)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let hosts = [
                try await api.given.staff([.reception], at: stage.world.park.id),
                try await api.given.staff([.host], at: stage.world.park.id),
            ]
            let people: [(who: Given.Person, reason: String?)] =
                hosts.map { ($0, "asked by phone") } + [(stage.organiser, nil)]
            var quotes: [Quote] = []
            for (index, person) in people.enumerated() {
                let change = BookingChange(cottages: [.init(cottage: stage.world.cottages[index + 1].id)])
                quotes.append(try await quote(stage, booking, change, as: person.who).decode(Quote.self))
            }
            let made = quotes
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for (index, person) in people.enumerated() {
                    group.addTask {
                        try await apply(stage, made[index], version: 1, as: person.who, reason: person.reason).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200, 412, 412])
            let after = try await api.get("/v1/bookings/\(booking.id)", as: stage.organiser).decode(Booking.self)
            #expect(after.version == 2)
            #expect(after.cottages.count == 1)
            #expect(try await isPricedRight(stage, after))
        }
    }

    @Test func `A quote cannot be applied once its cottage is taken`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let stranger = try await api.given.guest()
            let member = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
            let wish = BookingChange(cottages: [.init(cottage: stage.world.cottages[1].id)])
            #expect(try await quote(stage, booking, wish, as: stranger).status == 404)
            #expect(try await quote(stage, booking, wish, as: member).status == 403)
            let quote1 = try await quote(stage, booking, wish).decode(Quote.self)
            let group = try await api.given.group(of: stranger)
            _ = try await api.given.booking(
                of: group,
                by: stranger,
                in: stage.world,
                cottages: [stage.world.cottages[1]]
            )
            #expect(try await apply(stage, quote1, version: 1).code == "cottage_taken")
            #expect(try await quote(stage, booking, wish).code == "cottage_taken")
            let shorter = try await quote(stage, booking, BookingChange(stay: try stay("2027-05-14", "2027-05-16")))
                .decode(Quote.self)
            api.clock.advance(by: Quote.validSeconds)
            #expect(try await apply(stage, shorter, version: 1).code == "quote_over")
            let tooMany = BookingChange(pets: 2)
            #expect(try await quote(stage, booking, tooMany).code == "party_too_large")
        }
    }
}

extension Booking {
    /// The booking as the service returns it: with its cottages' numbers and its lines in their order.
    fileprivate func seen(_ other: Booking) -> Booking {
        var booking = self
        booking.cottages = other.cottages
        booking.charges = other.charges
        return booking
    }
}
