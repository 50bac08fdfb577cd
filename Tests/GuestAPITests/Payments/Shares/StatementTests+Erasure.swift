import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension StatementTests {
    @Test func `A guest who erases the account hears which records stay`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, tax: true)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            struct Remains: Decodable {
                struct Item: Decodable {
                    let kind: String
                    let bookingNumber: String
                    let open: Money?
                }
                let items: [Item]
            }
            let owed = try await stage.owed(of: stage.member)
            let gone = try await api.send("DELETE", "/v1/me", as: stage.member).decode(Remains.self).items
            #expect(Set(gone.map(\.kind)) == ["debt", "stay"])
            #expect(gone.allSatisfy { $0.bookingNumber == stage.booking.number })
            #expect(gone.first { $0.kind == "debt" }?.open?.amount == owed)
            // No traveller of the household is left, so the desk gets a task about the debt.
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'payment' AND state = 'open'") == 1)
            try await stage.expectRight()
        }
    }

    /// A firm stay whose member has erased their account.
    private func withErasedMember(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await stage(api, tax: true)
        _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
        #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 200)
        return stage
    }

    @Test func `An empty booking change after a member's erasure costs nothing`() async throws {
        try await withGuestAPI { api in
            let stage = try await withErasedMember(api)
            let quote = try await api.post("\(stage.path)/quotes", BookingChange(), as: stage.organiser).decode(
                Quote.self
            )
            #expect(quote.lines.isEmpty)
        }
    }

    @Test func `Staff can move a stay after a member's erasure`() async throws {
        try await withGuestAPI { api in
            let stage = try await withErasedMember(api)
            let move = MoveRequest(from: stage.world.cottages[0].id, to: stage.world.cottages[1].id, reason: "heating")
            let moved = try await api.change(
                "POST",
                "/v1/admin/bookings/\(stage.booking.id)/move",
                move,
                as: stage.reception,
                match: try await stage.seen().version,
                key: "m"
            )
            #expect(moved.status == 200)
            try await stage.expectRight()
        }
    }

    @Test func `A lone parent's erasure also erases the children's rows`() async throws {
        try await withGuestAPI { api in
            let parent = try await api.given.guest("Vera")
            let group = try await api.given.group(of: parent)
            let child = try await api.given.child(of: group, guardian: parent)
            #expect(try await api.send("DELETE", "/v1/me", as: parent).status == 204)
            let kept: SQL = """
                SELECT count(*) FROM traveller
                WHERE group_id = \(group.id) AND (name <> '—' OR birth_date IS NOT NULL OR left_at IS NULL)
                """
            #expect(try await api.count(kept) == 0)
            #expect(
                try await api.count("SELECT count(*) FROM household WHERE group_id = \(group.id) AND name <> '—'") == 0
            )
            let told: SQL = "SELECT count(*) FROM scope_row WHERE position(\(child.name) IN body) > 0"
            #expect(try await api.count(told) == 0)
        }
    }

    @Test func `A child loses its guardian when that guest is erased`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.organiser)
            let member = try #require(stage.group.travellers.first { $0.role == .member })
            let child = try await api.post(
                "/v1/groups/\(stage.group.id)/travellers",
                TravellerRequest(
                    name: "Kim",
                    birthDate: try day("2019-06-01"),
                    householdId: own.householdId,
                    guardianId: member.id
                ),
                as: stage.organiser
            ).decode(Traveller.self)
            #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 200)
            let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.organiser).decode(TravelGroup.self)
            let left = try #require(page.travellers.first { $0.id == child.id })
            #expect(left.name == "Kim" && left.guardianId == nil)
        }
    }

    @Test func `Travellers without account are forgotten after their last stay`() async throws {
        try await withGuestAPI { api in
            let parent = try await api.given.guest()
            let group = try await api.given.group(of: parent)
            let child = try await api.given.child(of: group, guardian: parent)
            func isKnown() async throws -> Bool {
                try await api.count("SELECT count(*) FROM traveller WHERE id = \(child.id) AND birth_date IS NOT NULL")
                    == 1
            }
            api.clock.advance(by: 399 * 86400)
            try await Scheduler(app: api.app).tick()
            try await api.work()
            #expect(try await isKnown())
            api.clock.advance(by: 3 * 86400)
            try await Scheduler(app: api.app).tick()
            try await api.work()
            #expect(try await !isKnown())
        }
    }
}
