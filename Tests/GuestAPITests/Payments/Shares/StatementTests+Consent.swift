import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension StatementTests {
    /// A child of the organiser's household moves to the member's household, whose share was paid; returns the share
    /// before.
    private func withMovedChild(_ api: GuestAPITestService) async throws -> (stage: Stage, before: Int64) {
        let stage = try await stage(api)
        let own = try await stage.own(of: stage.member)
        let child = try await api.given.child(of: stage.group, guardian: stage.organiser)
        let change = BookingChange(travellerIds: stage.booking.travellerIds + [child.id])
        #expect(try await stage.change(change, as: stage.organiser).status == 200)
        try await stage.pay(try await stage.owed(of: stage.member), for: stage.member)
        let before = try await stage.owed(of: stage.member)
        let moved = try await api.change(
            "PATCH",
            "/v1/groups/\(stage.group.id)/travellers/\(child.id)",
            TravellerChange(householdId: own.householdId),
            as: stage.organiser,
            match: child.version
        )
        #expect(moved.status == 200)
        return (stage, before)
    }

    @Test func `Moving a traveller raises no household's share without its agreement`() async throws {
        try await withGuestAPI { api in
            let (stage, before) = try await withMovedChild(api)
            let own = try await stage.own(of: stage.member)
            #expect(own.amount?.amount == before && (own.asked?.amount ?? 0) > before)
            try await stage.expectRight()
        }
    }

    @Test func `An order of an extra is an agreement to its price only`() async throws {
        try await withGuestAPI { api in
            let (stage, before) = try await withMovedChild(api)
            let own = try await stage.own(of: stage.member)
            #expect(try await stage.order(by: stage.member, for: own.householdId).status == 201)
            #expect(try await stage.owed(of: stage.member) == before + 1250)
            try await stage.expectRight()
        }
    }

    @Test func `A new organiser owes only their part until accepting the backstop`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let half = try await stage.owed(of: stage.member)
            try await stage.pay(half, for: stage.member)
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-19"))
            #expect(try await stage.change(longer, as: stage.organiser).status == 200)
            let successor = try #require(stage.group.travellers.first { $0.role == .member })
            let hand = try await api.post(
                "/v1/groups/\(stage.group.id)/organiser",
                HandOver(travellerId: successor.id),
                as: stage.organiser
            )
            #expect(hand.status == 204)
            let total = try await stage.seen().total.amount
            #expect(try await stage.owed(of: stage.member) == half)
            #expect(try await stage.owed(of: stage.organiser) == total - half)
            // A more expensive stay would add to the former organiser's debt, so the new organiser must accept first.
            let one = BookingChange(stay: try stay("2027-05-14", "2027-05-20"))
            #expect(try await stage.change(one, as: stage.member).code == "backing_open")
            #expect(try await stage.order(by: stage.member, for: nil).code == "backing_open")
            #expect(try await stage.order(by: stage.organiser, for: nil).status == 403)
            let statement = try await api.get("\(stage.path)/statement", as: stage.member).decode(StatementView.self)
            #expect(!statement.isOrganiserAnswering && statement.parts.count == 2)
            func accept(_ who: Given.Person, _ version: Int, _ key: String) async throws -> Int {
                try await api.send("POST", "\(stage.path)/backing", as: who, key: key, match: version).status
            }
            let version = try await stage.seen().version
            #expect(try await accept(stage.organiser, version, "1") == 403)
            #expect(try await accept(stage.member, version - 1, "2") == 412)
            #expect(try await accept(stage.member, version, "3") == 200)
            #expect(try await stage.owed(of: stage.organiser) == total / 2)
            #expect(try await stage.owed(of: stage.member) == total - total / 2)
            #expect(try await stage.change(one, as: stage.member).status == 200)
            try await stage.expectRight()
        }
    }

    /// The organiser has lengthened the stay and erased the account; returns the member's share before.
    private func withErasedOrganiser(_ api: GuestAPITestService) async throws -> (stage: Stage, before: Int64) {
        let stage = try await stage(api)
        let before = try await stage.owed(of: stage.member)
        let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-19"))
        #expect(try await stage.change(longer, as: stage.organiser).status == 200)
        #expect(try await api.send("DELETE", "/v1/me", as: stage.organiser).status == 200)
        return (stage, before)
    }

    @Test func `An organiser's erasure raises no other household's share`() async throws {
        try await withGuestAPI { api in
            let (stage, before) = try await withErasedOrganiser(api)
            #expect(try await stage.owed(of: stage.member) == before)
            try await stage.expectRight()
        }
    }

    @Test func `An organiser's erasure leaves a task until a successor accepts the backstop`() async throws {
        try await withGuestAPI { api in
            let (stage, _) = try await withErasedOrganiser(api)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'backstop'") == 1)
            let version = try await api.get(stage.path, as: stage.member).decode(Booking.self).version
            let accepted = try await api.send(
                "POST",
                "\(stage.path)/backing",
                as: stage.member,
                key: "a",
                match: version
            )
            #expect(accepted.status == 200)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'backstop' AND state = 'open'") == 0)
            try await stage.expectRight()
        }
    }

    /// A member has asked a third household to take over its share.
    private struct Cover {
        let stage: Stage
        let taker: Given.Person
        /// The amounts before, minor units.
        let given: Int64
        let takers: Int64
        let request: ReassignmentRequest
        let path: String
    }

    private func withCover(_ api: GuestAPITestService) async throws -> Cover {
        let stage = try await stage(api)
        let taker = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
        let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.organiser).decode(TravelGroup.self)
        let join = BookingChange(travellerIds: page.travellers.map(\.id))
        #expect(try await stage.change(join, as: stage.organiser).status == 200)
        let (own, third) = (try await stage.own(of: stage.member), try await stage.own(of: taker))
        let cover = Cover(
            stage: stage,
            taker: taker,
            given: try #require(own.amount).amount,
            takers: try #require(third.amount).amount,
            request: ReassignmentRequest(householdId: third.householdId),
            path: "/v1/shares/\(own.id)"
        )
        let given = try await api.post("\(cover.path)/reassignment", cover.request, as: stage.member, key: "g")
        #expect(given.status == 200)
        return cover
    }

    @Test func `The taker of a given-away share is asked to agree`() async throws {
        try await withGuestAPI { api in
            let cover = try await withCover(api)
            let asked = try await cover.stage.own(of: cover.taker)
            #expect(asked.amount?.amount == cover.takers && asked.asked?.amount == cover.given + cover.takers)
            #expect(try await cover.stage.owed(of: cover.stage.member) == 0)
            try await cover.stage.expectRight()
        }
    }

    @Test func `Only the two households of a share's takeover can end it`() async throws {
        try await withGuestAPI { api in
            let cover = try await withCover(api)
            let (stage, path) = (cover.stage, "\(cover.path)/cover")
            #expect(try await api.send("DELETE", path, as: stage.organiser).status == 403)
            #expect(try await api.send("DELETE", path, as: cover.taker).status == 200)
            #expect(try await api.send("DELETE", path, as: stage.member).code == "not_covered")
            #expect(try await stage.owed(of: stage.member) == cover.given)
            let again = try await api.post("\(cover.path)/reassignment", cover.request, as: stage.member, key: "h")
            #expect(again.status == 200)
            #expect(try await api.send("DELETE", path, as: stage.member).status == 200)
            try await stage.expectRight()
        }
    }

    @Test func `A share's takeover cannot be ended once the taker has paid`() async throws {
        try await withGuestAPI { api in
            let cover = try await withCover(api)
            let stage = cover.stage
            // A payment is an agreement; the taker's own part is filled first.
            try await stage.pay(cover.takers, for: cover.taker)
            #expect(try await stage.owed(of: cover.taker) == cover.takers)
            try await stage.pay(cover.given, for: cover.taker)
            #expect(try await stage.own(of: cover.taker).state == .paid)
            #expect(try await api.send("DELETE", "\(cover.path)/cover", as: stage.member).code == "cover_is_paid")
            // The taker cannot avoid the share by giving up its own share.
            let own = try await stage.own(of: cover.taker)
            let out = try await api.post("/v1/shares/\(own.id)/withdrawal", as: cover.taker, key: "w")
            #expect(out.code == "cover_is_paid")
            try await stage.expectRight()
        }
    }

    @Test func `The organiser's household cannot give its share away`() async throws {
        try await withGuestAPI { api in
            let cover = try await withCover(api)
            let own = try await cover.stage.own(of: cover.stage.organiser)
            let path = "/v1/shares/\(own.id)/reassignment"
            let away = try await api.post(path, cover.request, as: cover.stage.organiser, key: "o")
            #expect(away.code == "organiser_answers")
            try await cover.stage.expectRight()
        }
    }

    @Test func `An extra ordered for everybody needs the other households' agreement`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            try await stage.pay(try #require(own.amount).amount, for: stage.member)
            #expect(try await stage.order(by: stage.organiser, for: nil).status == 201)
            let asked = try await stage.own(of: stage.member)
            #expect(asked.amount == own.amount && asked.asked?.amount == (own.amount?.amount ?? 0) + 625)
            try await stage.expectRight()
        }
    }

    @Test func `Taking back an order of an extra leaves the share as before`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            try await stage.pay(try #require(own.amount).amount, for: stage.member)
            // The request to agree to the organiser's order also stays as it is.
            #expect(try await stage.order(by: stage.organiser, for: nil).status == 201)
            let asked = try await stage.own(of: stage.member)
            let ordered = try await stage.order(by: stage.member, for: own.householdId).decode(Booking.self)
            #expect(try await stage.owed(of: stage.member) == (own.amount?.amount ?? 0) + 1250)
            let order = try #require(ordered.extras.last { $0.householdId == own.householdId })
            #expect(try await api.send("DELETE", "\(stage.path)/extras/\(order.id)", as: stage.organiser).status == 403)
            #expect(try await api.send("DELETE", "\(stage.path)/extras/\(order.id)", as: stage.member).status == 200)
            let after = try await stage.own(of: stage.member)
            #expect(after.amount == own.amount && after.asked == asked.asked)
            try await stage.expectRight()
        }
    }

    @Test func `Undoing a booking change revives no agreement that has ended since`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            func split(_ rule: SplitRule) async throws {
                #expect(try await api.change("PUT", "\(stage.path)/shares", rule, as: stage.organiser).status == 200)
            }
            let all = SplitRule(.byWeights, weights: [.init(householdId: own.householdId, weight: 1)])
            try await split(all)
            let asked = try await stage.own(of: stage.member)
            let path = "/v1/shares/\(own.id)/agreement"
            let agreed = try await api.send("POST", path, as: stage.member, key: "a", match: asked.version)
            #expect(agreed.status == 200)
            api.clock.advance(by: 1)
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            #expect(try await stage.change(longer, as: stage.organiser).status == 200)
            api.clock.advance(by: 1)
            try await split(SplitRule(.equally))
            api.clock.advance(by: 1)
            try await split(all)
            let before = try await stage.owed(of: stage.member)
            struct Undo: Encodable { let what = "change" }
            #expect(try await api.post("\(stage.path)/undo", Undo(), as: stage.organiser, key: "u").status == 200)
            #expect(try await stage.owed(of: stage.member) <= before)
            try await stage.expectRight()
        }
    }

    @Test func `Only the organiser can order extras for other households`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            try await stage.pay(try #require(own.amount).amount, for: stage.member)
            let organisers = try await stage.own(of: stage.organiser).householdId
            #expect(try await stage.order(by: stage.member, for: organisers).status == 403)
            #expect(try await stage.order(by: stage.member, for: nil).status == 403)
            #expect(try await stage.order(by: stage.organiser, for: own.householdId).status == 201)
            #expect(try await stage.own(of: stage.member).amount == own.amount)
            try await stage.expectRight()
        }
    }

    @Test func `One household's order changes no other household's exact amount`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (first, second) = (try await stage.own(of: stage.organiser), try await stage.own(of: stage.member))
            let half = stage.booking.total.amount / 2
            let rule = SplitRule(
                .exactly,
                amounts: [
                    .init(householdId: first.householdId, amount: half),
                    .init(householdId: second.householdId, amount: half),
                ]
            )
            #expect(try await api.change("PUT", "\(stage.path)/shares", rule, as: stage.organiser).status == 200)
            try await stage.pay(half, for: stage.member)
            #expect(try await stage.order(by: stage.organiser, for: first.householdId).status == 201)
            let after = try await stage.own(of: stage.member)
            #expect(after.amount?.amount == half && after.asked == nil && after.state == .paid)
            #expect(try await stage.owed(of: stage.organiser) == half + 1250)
            try await stage.expectRight()
        }
    }

    /// A guest who has moved in with the organiser.
    private func partner(in stage: Stage) async throws -> Given.Person {
        let api = stage.api
        let partner = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
        let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.organiser).decode(TravelGroup.self)
        let known = Set(stage.group.travellers.map(\.id))
        let row = try #require(page.travellers.first { !known.contains($0.id) })
        let moved = try await api.change(
            "PATCH",
            "/v1/groups/\(stage.group.id)/travellers/\(row.id)",
            TravellerChange(householdId: try await stage.own(of: stage.organiser).householdId),
            as: stage.organiser,
            match: row.version
        )
        #expect(moved.status == 200)
        return partner
    }

    @Test func `The organiser's partner sees only their household's part`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let partner = try await partner(in: stage)
            let own = try await stage.own(of: stage.organiser).householdId
            let seen = try await api.get("\(stage.path)/statement", as: partner).decode(StatementView.self)
            #expect(seen.parts.map(\.householdId) == [own] && seen.paid == nil)
        }
    }

    @Test func `The organiser's partner acts only for their household`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let partner = try await partner(in: stage)
            let own = try await stage.own(of: stage.organiser).householdId
            #expect(try await stage.order(by: partner, for: nil).status == 403)
            #expect(try await stage.order(by: partner, for: own).status == 201)
            let other = try await stage.own(of: stage.member)
            #expect(try await api.post("/v1/shares/\(other.id)/withdrawal", as: partner, key: "w").status == 403)
            try await stage.expectRight()
        }
    }

    @Test func `Staff waive a deposit that is due again`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, deposit: 30)
            try await stage.pay(stage.booking.deposit.amount, for: stage.organiser)
            let more = BookingChange(stay: try stay("2027-05-14", "2027-05-20"))
            #expect(try await stage.change(more, as: stage.reception, reason: "by phone").status == 200)
            #expect(try await statement(stage).depositDue != nil)
            let waived = ReasonRequest(reason: "regulars")
            #expect(try await api.post("\(stage.path)/confirm", waived, as: stage.reception, key: "w").status == 200)
            #expect(try await statement(stage).depositDue == nil)
            try await stage.expectRight()
        }
    }
}
