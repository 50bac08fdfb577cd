import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Refusals that no other test covers.
@Suite struct RefusalTests {
    private struct Stage {
        let world: Given.World
        let organiser: Given.Person
        let group: TravelGroup

        func path(_ rest: String) -> String { "/v1/groups/\(group.id)/\(rest)" }
    }

    private func stage(_ api: GuestAPITestService) async throws -> Stage {
        let organiser = try await api.given.guest()
        return Stage(
            world: try await api.given.park(),
            organiser: organiser,
            group: try await api.given.group(of: organiser)
        )
    }

    /// The problem code of the answer to a request.
    private func code(
        _ method: String,
        _ path: String,
        _ json: String,
        as who: Given.Person,
        match: Int? = nil,
        _ api: GuestAPITestService
    ) async throws -> String? {
        let key = method == "POST" ? UUID().uuidString : nil
        return try await api.send(method, path, raw: Data(json.utf8), as: who, key: key, match: match).code
    }

    private func share(of booking: Booking, as who: Given.Person, _ api: GuestAPITestService) async throws -> Share.ID {
        struct Page: Decodable {
            struct Item: Decodable { let id: Share.ID }
            let items: [Item]
        }
        let page = try await api.get("/v1/bookings/\(booking.id)/shares", as: who).decode(Page.self)
        return try #require(page.items.first).id
    }

    // MARK: Parks

    @Test func `A park's slug, type codes and cottage numbers are unique`() async throws {
        try await withGuestAPI { api in
            let (world, other) = (try await api.given.park(), try await api.given.park())
            let office = try await api.given.headOffice()
            let admin = "/v1/admin/parks/\(world.park.id)"
            let place = #""longitude": 5.8, "latitude": 52.2"#

            let request = ParkRequest(
                slug: other.park.slug,
                name: "Park",
                timeZone: "Europe/Amsterdam",
                currency: "EUR",
                country: "NL",
                longitude: 5.8,
                latitude: 52.2,
                rules: Given.rules
            )
            #expect(try await api.post("/v1/admin/parks", request, as: office).code == "slug_taken")

            let type = """
                {"code": "A", "name": "A", "capacity": 4, "bedrooms": 2, "pets": 0, "isStepFree": false, "cleaningFee": 0}
                """
            #expect(try await code("POST", "\(admin)/cottage-types", type, as: office, api) == "code_taken")

            let same = #"{"typeId": "\#(world.type.id)", "number": "1", "isOpen": true, \#(place)}"#
            #expect(try await code("POST", "\(admin)/cottages", same, as: office, api) == "number_taken")

            let foreign = #"{"typeId": "\#(other.type.id)", "number": "9", "isOpen": true, \#(place)}"#
            #expect(try await code("POST", "\(admin)/cottages", foreign, as: office, api) == "type_of_other_park")

            let rate = """
                {"season": {"arrival": "2027-01-01", "departure": "2027-02-01"}, "night": 1, "weekendNight": 1}
                """
            let rates = "/v1/admin/cottage-types/\(world.type.id)/rates"
            #expect(try await code("POST", rates, rate, as: office, api) == "season_overlaps")
        }
    }

    @Test func `A park with bookings keeps its currency`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let park = stage.world.park
            let request = ParkRequest(
                slug: park.slug,
                name: park.name,
                timeZone: park.timeZone,
                currency: "GBP",
                country: park.country,
                longitude: park.longitude,
                latitude: park.latitude,
                rules: park.rules
            )
            let raw = try JSONEncoder().encode(request)
            let office = try await api.given.headOffice()
            let path = "/v1/admin/parks/\(park.id)"
            #expect(
                try await api.send("PUT", path, raw: raw, as: office, match: park.version).code == "currency_fixed"
            )
        }
    }

    @Test func `A park has a limit of system credentials`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let world = try await api.given.park()
            try await api.transaction { tx in
                try await tx.run(
                    Command(
                        """
                        INSERT INTO system_credential (id, park_id, name, purpose, place, token_hash, created_at)
                        SELECT gen_random_uuid(), \(world.park.id), 'S' || n, 'feed', 1, sha256(n::text::bytea), \(api.now)
                        FROM generate_series(1, 200) AS n
                        """
                    )
                )
            }
            let office = try await api.given.headOffice()
            let path = "/v1/admin/parks/\(world.park.id)/credentials"
            let request = #"{"name": "One more", "purpose": "feed"}"#
            #expect(try await code("POST", path, request, as: office, api) == "too_many_credentials")
        }
    }

    // MARK: Bookings

    @Test func `A hold cannot be checked in`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let path = "/v1/bookings/\(booking.id)"
            #expect(try await code("POST", "\(path)/check-in", "{}", as: stage.organiser, api) == "not_confirmed")
            #expect(try await api.post("\(path)/confirm", as: stage.organiser, key: "confirm").status == 200)
            #expect(try await code("POST", "\(path)/extend", "{}", as: stage.organiser, api) == "not_held")
        }
    }

    @Test func `Guests cannot cancel a stay that should have begun`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(
                of: stage.group,
                by: stage.organiser,
                in: stage.world,
                from: "2026-11-23",
                to: "2026-11-27"
            )
            let path = "/v1/bookings/\(booking.id)"
            #expect(try await api.post("\(path)/confirm", as: stage.organiser, key: "confirm").status == 200)
            api.clock.advance(by: 3 * 86_400)
            #expect(try await code("POST", "\(path)/cancel", "{}", as: stage.organiser, api) == "too_late_to_cancel")
        }
    }

    @Test func `A booking needs a new id, a rate and an adult`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)

            var request = try api.given.request(stage.group, stage.world, cottages: [stage.world.cottages[1]])
            request.id = booking.id
            #expect(try await api.post("/v1/bookings", request, as: stage.organiser, key: "1").code == "id_taken")

            request.id = nil
            let child = try await api.given.child(of: stage.group, guardian: stage.organiser)
            request.travellerIds = [child.id]
            #expect(try await api.post("/v1/bookings", request, as: stage.organiser, key: "2").code == "no_adult")

            try await api.transaction { try await $0.run(Command("DELETE FROM rate")) }
            request.travellerIds = stage.group.travellers.map(\.id)
            #expect(try await api.post("/v1/bookings", request, as: stage.organiser, key: "3").code == "no_rate")
        }
    }

    @Test func `An extra that the park does not offer cannot be ordered`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let order = #"{"extraId": "\#(UUID())", "from": "2027-05-14", "quantity": 1}"#
            let path = "/v1/bookings/\(booking.id)/extras"
            #expect(try await code("POST", path, order, as: stage.organiser, api) == "extra_not_offered")
        }
    }

    // MARK: Money

    @Test func `The share of a hold cannot be invoiced`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let share = "/v1/shares/\(try await share(of: booking, as: stage.organiser, api))"
            #expect(try await code("POST", "\(share)/invoices", "{}", as: stage.organiser, api) == "not_payable")
            // Without a provider, no payment method is accepted.
            let card = #"{"method": "card"}"#
            #expect(try await code("POST", "\(share)/payments", card, as: stage.organiser, api) == "method_not_taken")
        }
    }

    @Test func `A share of zero cannot be invoiced`() async throws {
        let seller = HouseRules.Seller(name: "S", address: "A 1", vatNumber: "NL1")
        var rules = Given.rules
        rules.seller = seller
        try await withGuestAPI { [rules] api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let world = try await api.given.park(rules: rules)
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            let path = "/v1/bookings/\(booking.id)"
            #expect(try await api.post("\(path)/confirm", as: organiser, key: "confirm").status == 200)
            let share = try await share(of: booking, as: organiser, api)
            let office = try await api.given.headOffice()
            let byPark = #"{"isByPark": true, "reason": "Storm."}"#
            #expect(try await code("POST", "\(path)/cancel", byPark, as: office, api) == nil)
            let invoices = "/v1/shares/\(share)/invoices"
            #expect(try await code("POST", invoices, "{}", as: organiser, api) == "nothing_to_invoice")
        }
    }

    @Test func `The till cannot be closed for a future day`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let counts = TillPayment.Method.allCases.map { TillCloseRequest.Count(method: $0, counted: 0) }
            let close = TillCloseRequest(day: try day("2026-12-24"), counts: counts)
            let path = "/v1/admin/parks/\(world.park.id)/till/close"
            #expect(try await api.post(path, close, as: reception, key: "close").code == "day_not_come")
        }
    }

    // MARK: Groups

    @Test func `A member cannot join the same group again`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let invitation = try await api.post(stage.path("invitations"), InvitationRequest(), as: stage.organiser)
                .decode(Invitation.self)
            let accept = "/v1/invitations/\(invitation.code)/accept"
            #expect(try await api.post(accept, as: stage.organiser).code == "already_member")

            let child = try await api.given.child(of: stage.group, guardian: stage.organiser)
            let handover = #"{"travellerId": "\#(child.id)"}"#
            let path = stage.path("organiser")
            #expect(try await code("POST", path, handover, as: stage.organiser, api) == "not_a_member")
        }
    }

    @Test func `A group has limits for travellers, lists, options, photos and messages`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let stage = try await stage(api)
            let group = stage.group.id
            let own = try #require(stage.group.travellers.first)
            let park = stage.world.park.id
            try await api.transaction { tx in
                try await tx.run([
                    Command(
                        """
                        INSERT INTO traveller (id, group_id, household_id, name, joined_at)
                        SELECT gen_random_uuid(), \(group), \(own.householdId), 'T', \(api.now) FROM generate_series(1, 199)
                        """
                    ),
                    Command(
                        """
                        INSERT INTO plan_item (id, group_id, list, title, rank, added_by, added_at)
                        SELECT gen_random_uuid(), \(group), 'plan', 'I', 'a1', \(own.id), \(api.now)
                        FROM generate_series(1, 1000)
                        """
                    ),
                    Command(
                        """
                        INSERT INTO stay_option (id, group_id, park_id, stay, proposed_by, proposed_at)
                        SELECT gen_random_uuid(), \(group), \(park), daterange('2027-05-14', '2027-05-17'), \(own.id),
                            \(api.now)
                        FROM generate_series(1, 50)
                        """
                    ),
                    Command(
                        """
                        INSERT INTO message_photo (group_id, name, size, sent_by, at)
                        SELECT \(group), encode(sha256(n::text::bytea), 'hex'), 1, \(own.id), \(api.now)
                        FROM generate_series(1, 500) AS n
                        """
                    ),
                    Command("UPDATE scope SET count = 20000 WHERE name = \("group:\(group)")"),
                ])
            }

            let who = stage.organiser
            #expect(try await code("POST", stage.path("travellers"), #"{"name": "T"}"#, as: who, api) == "group_full")
            let item = #"{"list": "plan", "title": "I"}"#
            #expect(try await code("POST", stage.path("plan-items"), item, as: who, api) == "list_full")
            let option = """
                {"parkId": "\(park)", "stay": {"arrival": "2027-05-14", "departure": "2027-05-17"},
                "cottages": [{"cottageId": "\(stage.world.cottages[0].id)"}]}
                """
            #expect(try await code("POST", stage.path("options"), option, as: who, api) == "too_many_options")
            #expect(try await code("POST", stage.path("messages"), #"{"text": "M"}"#, as: who, api) == "thread_full")
            let photo = stage.path("photos/\(String(repeating: "a", count: 64))")
            let jpeg = ["content-type": "image/jpeg"]
            let more = try await api.send("PUT", photo, raw: SamplePhoto.baseline, as: who, headers: jpeg)
            #expect(more.code == "too_many_photos")
        }
    }

    // MARK: The desk

    @Test func `A task is not reopened while its subject has another open task`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let world = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let done = UUID()
            try await api.transaction { tx in
                for (id, state) in [(done, "done"), (UUID(), "open")] {
                    try await tx.run(
                        Command(
                            """
                            INSERT INTO task (id, park_id, title, source, subject, state, created_at)
                            VALUES (\(id), \(world.park.id), 'T', 'report', 'R-1', \(state), \(api.now))
                            """
                        )
                    )
                }
            }
            let path = "/v1/admin/tasks/\(done.uuidString.lowercased())"
            #expect(
                try await code("PATCH", path, #"{"state": "open"}"#, as: reception, match: 1, api) == "task_open"
            )
        }
    }
}
