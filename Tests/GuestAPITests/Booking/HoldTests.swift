import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct HoldTests {
    @Test func `An expired hold frees its cottage`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            api.clock.advance(by: 20 * 60 - 1)
            try await api.work()
            #expect(try await api.get("/v1/bookings/\(booking.id)", as: organiser).decode(Booking.self).state == .held)
            api.clock.advance(by: 1)
            try await api.work()
            let after = try await api.get("/v1/bookings/\(booking.id)", as: organiser).decode(Booking.self)
            #expect(after.state == .expired)
            #expect(after.total.amount == 0)
            #expect(try api.mails(to: organiser.email).count == 1)
            let again = try await api.post("/v1/bookings", api.given.request(group, world), as: organiser, key: "k")
            #expect(again.status == 201, "\(again.text)")
            let late = try await api.post("/v1/bookings/\(booking.id)/confirm", as: organiser, key: "c")
            #expect(late.code == "hold_expired")
        }
    }

    @Test func `A running worker frees an expired hold within a second`() async throws {
        try await withGuestAPI(workers: 1, clock: .machine, turn: .alone) { api in
            var rules = Given.rules
            rules.holdMinutes = 1
            let world = try await api.given.park(rules: rules)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let booking = try await api.given.booking(
                of: group,
                by: organiser,
                in: world,
                from: "2027-05-14",
                to: "2027-05-17"
            )
            // The deadline is moved to the next second, to keep the test short.
            let deadline = Date().addingTimeInterval(1)
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE booking SET hold_until = \(deadline) WHERE id = \(booking.id)"))
                try await tx.run(Command("UPDATE job SET run_at = \(deadline) WHERE kind = 'expireHold'"))
            }
            try await Task.sleep(for: .seconds(2))
            let path = "/v1/parks/\(world.park.id)/availability?from=2027-05-14&to=2027-05-17"
            #expect(try await api.get(path).decode(Availability.self).offers.first?.free == 3)
        }
    }

    @Test func `An overdue hold frees its cottage before its expiry job runs`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let first = try await api.given.booking(of: group, by: organiser, in: world)
            api.clock.advance(by: 20 * 60)
            let second = try await api.post("/v1/bookings", api.given.request(group, world), as: organiser, key: "k")
            #expect(second.status == 201, "\(second.text)")
            #expect(try await api.get("/v1/bookings/\(first.id)", as: organiser).decode(Booking.self).state == .expired)
        }
    }

    @Test func `A hold expires exactly when its last-moment extension is refused`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let world = try await api.given.park(cottages: 1)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            for round in 0..<20 {
                let booking = try await api.given.booking(of: group, by: organiser, in: world)
                api.clock.advance(by: 20 * 60 - 0.004)
                async let extending = api.post("/v1/bookings/\(booking.id)/extend", as: organiser, key: "e\(round)")
                async let working: Void = {
                    for _ in 0..<4 {
                        api.clock.advance(by: 0.002)
                        try await api.work()
                    }
                }()
                let (response, _) = try await (extending, working)
                let isExtended = response.status == 200
                // The extension was refused, because it was too late or the machine was busy. Then the hold ends as if
                // no extension had been asked, at the latest after a waiting worker comes back.
                #expect(isExtended || ["hold_expired", "unavailable"].contains(response.code))
                if !isExtended { api.clock.advance(by: 30) }
                for _ in 0..<50 where try await live(booking, api) > 0 && !isExtended {
                    try await api.work()
                    try await Task.sleep(for: .milliseconds(100))
                }
                let after = try await api.get("/v1/bookings/\(booking.id)", as: organiser).decode(Booking.self)
                #expect(after.state == (isExtended ? .held : .expired))
                #expect(try await live(booking, api) == (isExtended ? 1 : 0))
                if isExtended {
                    _ = try await api.post("/v1/bookings/\(booking.id)/cancel", as: organiser, key: "x\(round)")
                }
            }
        }
    }

    private func live(_ booking: Booking, _ api: GuestAPITestService) async throws -> Int {
        try await api.count("SELECT count(*) FROM allocation WHERE is_live AND booking_id = \(booking.id)")
    }

    @Test func `A guest holds at most twenty stays at a time`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park(cottages: Booking.maximumHolds + 1)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            func hold(_ cottage: Cottage, key: String = UUID().uuidString) async throws -> GuestAPITestService.Response
            {
                let request = try api.given.request(group, world, cottages: [cottage])
                return try await api.post("/v1/bookings", request, as: organiser, key: key)
            }
            var bookings: [Booking] = []
            for cottage in world.cottages.dropLast() { bookings.append(try await hold(cottage).decode(Booking.self)) }
            let last = try #require(world.cottages.last)
            let refused = try await hold(last, key: "last")
            #expect(refused.status == 429)
            #expect(refused.headers["retry-after"] != nil)
            _ = try await api.post("/v1/bookings/\(bookings[0].id)/cancel", as: organiser, key: "free")
            // The answer asked to try again, so the same request is repeated with the same idempotency key.
            #expect(try await hold(last, key: "last").status == 201)
            #expect(try await hold(last, key: "last").status == 201)
        }
    }

    @Test func `A hold can be extended only once`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            let once = try await api.post("/v1/bookings/\(booking.id)/extend", as: organiser, key: "1")
            #expect(try once.decode(Booking.self).holdUntil == api.now.addingTimeInterval(30 * 60))
            #expect(
                try await api.post("/v1/bookings/\(booking.id)/extend", as: organiser, key: "2").code
                    == "already_extended"
            )
            api.clock.advance(by: 25 * 60)
            try await api.work()
            #expect(try await api.get("/v1/bookings/\(booking.id)", as: organiser).decode(Booking.self).state == .held)
            api.clock.advance(by: 5 * 60)
            try await api.work()
            #expect(
                try await api.get("/v1/bookings/\(booking.id)", as: organiser).decode(Booking.self).state == .expired
            )
        }
    }

    @Test func `A guest cannot confirm a booking while its deposit is open`()
        async throws
    {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.depositPercent = 30
            let world = try await api.given.park(rules: rules)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            #expect(booking.deposit.amount == 11700)
            let path = "/v1/bookings/\(booking.id)/confirm"
            #expect(try await api.post(path, as: organiser, key: "1").code == "deposit_open")
            let reception = try await api.given.staff([.reception], at: world.park.id)
            #expect(try await api.post(path, as: reception, key: "2").code == "reason_needed")
            let reason = ReasonRequest(reason: "paid at the desk")
            #expect(try await api.post(path, reason, as: reception, key: "3").status == 200)
            #expect(
                try await api.count(
                    """
                    SELECT count(*) FROM audit WHERE action = 'booking.confirm' AND reason = 'paid at the desk'
                        AND principal LIKE 'staff:%'
                    """
                ) == 1
            )
        }
    }

    @Test func `A cancellation ten days before arrival costs half the price`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            // Ten days before arrival the fee is half of 24,000 + 10,000 + 5,000.
            let booking = try await api.given.booking(
                of: group,
                by: organiser,
                in: world,
                from: "2026-12-04",
                to: "2026-12-07"
            )
            _ = try await api.post("/v1/bookings/\(booking.id)/confirm", as: organiser, key: "1")
            api.clock.advance(by: 4 * 86400)
            let cancelled = try await api.post("/v1/bookings/\(booking.id)/cancel", as: organiser, key: "2")
            #expect(cancelled.status == 200, "\(cancelled.text)")
            let after = try cancelled.decode(Booking.self)
            #expect(after.state == .cancelled)
            #expect(after.total.amount == 19500)
            let again = try await api.post("/v1/bookings/\(booking.id)/cancel", as: organiser, key: "3")
            #expect(try again.decode(Booking.self) == after)
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE is_live") == 0)
        }
    }
}
