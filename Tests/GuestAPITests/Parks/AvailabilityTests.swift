import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct AvailabilityTests {
    /// A slow and obviously correct search: a cottage is free when no live allocation shares a night with the stay.
    private func truth(_ api: GuestAPITestService, _ park: Park.ID, _ stay: Stay) async throws -> Set<Cottage.ID> {
        try await api.app.database.read(as: "test") { reader in
            Set(
                try await reader.all(
                    Query(
                        """
                        SELECT id FROM cottage WHERE park_id = \(park) AND is_open AND NOT EXISTS (
                            SELECT FROM allocation WHERE cottage_id = cottage.id AND is_live AND stay && \(stay)
                        )
                        """
                    ) { try $0.decode("id") }
                )
            )
        }
    }

    @Test func `The availability search always agrees with a slow, simple query`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park(cottages: 12)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let reception = try await api.given.staff([.reception], at: world.park.id)
            var random = SeededGenerator(seed: 7)
            var bookings: [Booking.ID] = []
            var closures: [String] = []
            // The stays are around New Year, so that some are in the old year, some in the new, and some in both.
            let start = try day("2026-12-10")
            for step in 0..<150 {
                let arrival = start.adding(days: Int(random.next() % 40))
                let nights = 1 + Int(random.next() % 12)
                let span = try #require(Stay(from: arrival, to: arrival.adding(days: nights)))
                let cottage = world.cottages[Int(random.next() % 12)]
                switch random.next() % 6 {
                case 0...2:
                    let wanted = [cottage, world.cottages[Int(random.next() % 12)]]
                    let request = BookingRequest(
                        parkId: world.park.id,
                        groupId: group.id,
                        stay: span,
                        cottages: Set(wanted.map(\.id)).map { .init(cottage: $0) },
                        travellerIds: group.travellers.map(\.id)
                    )
                    let placed = try await api.post("/v1/bookings", request, as: organiser, key: "b\(step)")
                    if placed.status == 201 { bookings.append(try placed.decode(Booking.self).id) }
                case 3 where !bookings.isEmpty:
                    let id = bookings.remove(at: Int(random.next() % UInt64(bookings.count)))
                    _ = try await api.post("/v1/bookings/\(id)/cancel", as: organiser, key: "c\(step)")
                case 4:
                    let closed = try await api.post(
                        "/v1/admin/cottages/\(cottage.id)/closures",
                        ClosureRequest(stay: span, reason: "roof"),
                        as: reception
                    )
                    if closed.status == 201 { closures.append("\(try closed.decode(Closure.self).id)") }
                case 5 where !closures.isEmpty:
                    let id = closures.remove(at: Int(random.next() % UInt64(closures.count)))
                    _ = try await api.send("DELETE", "/v1/admin/closures/\(id)", as: reception)
                default:
                    api.clock.advance(by: 400)
                    try await api.work()
                }
                let expected = try await truth(api, world.park.id, span)
                let path = "/v1/parks/\(world.park.id)/availability?from=\(span.arrival)&to=\(span.departure)"
                let found = try await api.get(path).decode(Availability.self)
                #expect(Set(found.offers.first?.cottages ?? []) == expected, "step \(step): \(span)")
                let all = try await api.get("/v1/availability?from=\(span.arrival)&to=\(span.departure)").text
                #expect(all.contains(#""free":\#(expected.count),"#) == !expected.isEmpty)
            }
            #expect(bookings.count > 5)
            let wrong = try await api.app.database.read(as: "test") {
                try await $0.all(AvailabilitySQL.wrongOccupancy(of: nil))
            }
            #expect(wrong.isEmpty)
        }
    }

    @Test func `The occupancy check finds cottages with wrong night bits`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            _ = try await api.given.booking(of: group, by: organiser, in: world)
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE cottage SET nights = ~nights"))
            }
            let wrong = try await api.app.database.read(as: "test") {
                try await $0.all(AvailabilitySQL.wrongOccupancy(of: nil))
            }
            #expect(wrong == [world.cottages[0].id])
        }
    }

    @Test func `Neighbours are the closest free cottages with beds for all`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park(cottages: 6, capacity: 4)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            _ = try await api.given.booking(of: group, by: organiser, in: world, cottages: [world.cottages[1]])
            let path =
                "/v1/parks/\(world.park.id)/availability?from=2027-05-14&to=2027-05-17&adults=8&cottages=2&adjacent=true"
            let found = try await api.get(path).decode(Availability.self)
            let sets = try #require(found.neighbours)
            #expect(sets.first?.spreadMetres ?? 0 < 11)
            #expect(sets.allSatisfy { $0.cottageIds.count == 2 && !$0.cottageIds.contains(world.cottages[1].id) })
            let tooMany = path.replacing("adults=8", with: "adults=9")
            #expect(try await api.get(tooMany).decode(Availability.self).neighbours?.isEmpty == true)
            #expect(try await api.get(tooMany).decode(Availability.self).offers.isEmpty)
        }
    }

    @Test func `A park's texts are shown in English when no translation exists`() async throws {
        try await withGuestAPI { api in
            let office = try await api.given.headOffice()
            let world = try await api.given.park()
            var park = try await api.get("/v1/parks/\(world.park.id)", as: office).decode(Detail.self).park
            park.texts = ["en": ["welcome": "Welcome", "wifi": "Ask us"], "nl": ["welcome": "Welkom"]]
            let request = ParkRequest(
                slug: park.slug,
                name: park.name,
                timeZone: park.timeZone,
                currency: park.currency,
                country: park.country,
                longitude: park.longitude,
                latitude: park.latitude,
                texts: park.texts,
                rules: park.rules
            )
            let path = "/v1/admin/parks/\(park.id)"
            #expect(try await api.change("PUT", path, request, as: office, match: park.version).status == 200)
            func texts(_ language: String, as who: Given.Person? = nil) async throws -> [String: [String: String]] {
                let headers = ["accept-language": language]
                return try await api.send("GET", "/v1/parks/\(park.id)", as: who, headers: headers)
                    .decode(Detail.self).park.texts
            }
            #expect(try await texts("nl") == ["nl": ["welcome": "Welkom", "wifi": "Ask us"]])
            #expect(try await texts("de, en;q=0.5") == ["de": ["welcome": "Welcome", "wifi": "Ask us"]])
            #expect(try await texts("en", as: office) == park.texts)
        }
    }

    private struct Detail: Decodable {
        let park: Park
    }

    @Test func `The park's own calendar decides whether an arrival day has passed`() async throws {
        // 23:30 on 31 December in Amsterdam is already the new year in Tokyo and still noon in Honolulu.
        let clock = TestClock(try #require(ISO8601DateFormatter().date(from: "2026-12-31T22:30:00Z")))
        try await withGuestAPI(clock: clock) { api in
            func search(_ zone: String) async throws -> String? {
                let world = try await api.given.park(timeZone: zone)
                return try await api.get("/v1/parks/\(world.park.id)/availability?from=2026-12-31&to=2027-01-02").code
            }
            let here = try await search("Europe/Amsterdam")
            #expect(here == nil)
            #expect(try await search("Pacific/Honolulu") == nil)
            #expect(try await search("Asia/Tokyo") == "arrival_passed")
            clock.advance(by: 30 * 60 - 1)
            #expect(try await search("Europe/Amsterdam") == nil)
            clock.advance(by: 1)
            #expect(try await search("Europe/Amsterdam") == "arrival_passed")
        }
    }
}
