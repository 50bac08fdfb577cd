import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// No act of others makes a household owe their debt: moving, handing over, dividing anew, dropping out.
@Suite struct AnsweringTests {
    private typealias Stage = StatementTests.Stage

    private func stage(_ api: GuestAPITestService) async throws -> Stage { try await StatementTests().stage(api) }

    private func put(
        _ rule: SplitRule,
        _ stage: Stage,
        as who: Given.Person
    ) async throws -> GuestAPITestService.Response {
        try await stage.api.change("PUT", "\(stage.path)/shares", rule, as: who)
    }

    private func all(on household: Household.ID) -> SplitRule {
        SplitRule(.byWeights, weights: [.init(householdId: household, weight: 1)])
    }

    private func handOver(_ stage: Stage) async throws {
        let heir = try #require(stage.group.travellers.first { $0.role == .member })
        let path = "/v1/groups/\(stage.group.id)/organiser"
        let done = try await stage.api.post(path, HandOver(travellerId: heir.id), as: stage.organiser)
        #expect(done.status == 204)
    }

    private struct HandOver: Encodable {
        let travellerId: Traveller.ID
    }

    private func move(
        _ traveller: Traveller,
        to household: Household.ID,
        _ stage: Stage
    ) async throws -> GuestAPITestService.Response {
        try await stage.api.change(
            "PATCH",
            "/v1/groups/\(stage.group.id)/travellers/\(traveller.id)",
            TravellerChange(householdId: household),
            as: stage.organiser,
            match: traveller.version
        )
    }

    /// Makes the stay firm and checks the guests in; with `isOver` it checks them out again.
    private func live(_ stage: Stage, through isOver: Bool = true) async throws {
        let (api, path) = (stage.api, stage.path)
        #expect(try await api.post("\(path)/confirm", as: stage.organiser, key: "confirm").status == 200)
        let arrival = try #require(Date(rfc3339: "2027-05-14T14:00:00Z"))
        api.clock.advance(by: arrival.timeIntervalSince(api.now))
        #expect(try await api.post("\(path)/check-in", as: stage.reception, key: "in").status == 200)
        guard isOver else { return }
        api.clock.advance(by: 3 * 86400 - 6 * 3600)
        #expect(try await api.post("\(path)/check-out", as: stage.reception, key: "out").status == 200)
    }

    @Test func `An organiser cannot move alone into another member's household`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (own, other) = (try await stage.own(of: stage.organiser), try await stage.own(of: stage.member))
            #expect(try await put(all(on: own.householdId), stage, as: stage.organiser).status == 200)
            let mover = try #require(stage.group.travellers.first { $0.role == .organiser })
            let refused = try await move(mover, to: other.householdId, stage)
            #expect(refused.status == 403)
            struct Household: Decodable { let id: GuestModels.Household.ID }
            struct Name: Encodable { let name: String }
            let path = "/v1/groups/\(stage.group.id)/households"
            let empty = try await api.post(path, Name(name: "Alone"), as: stage.organiser).decode(Household.self)
            #expect(try await move(mover, to: empty.id, stage).status == 200)
            #expect(try await stage.owed(of: stage.member) == 0)
            let statement = try await api.get("\(stage.path)/statement", as: stage.organiser).decode(StatementView.self)
            #expect(!statement.isOrganiserAnswering)
            #expect(statement.parts.first { $0.householdId == own.householdId }?.owed == stage.booking.total)
            try await stage.expectRight()
        }
    }

    @Test func `A handover of the organiser role after the stay moves no debt`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            for who in [stage.organiser, stage.member] { try await stage.pay(try await stage.owed(of: who), for: who) }
            try await live(stage)
            let (own, other) = (try await stage.own(of: stage.organiser), try await stage.own(of: stage.member))
            let before = try #require(other.amount)
            #expect(try await put(all(on: other.householdId), stage, as: stage.organiser).status == 200)
            try await handOver(stage)
            // Any later write settles the shares.
            let gift = GoodwillRequest(amount: 1, reason: "Rain")
            let given = try await api.post(
                "/v1/admin/shares/\(other.id)/goodwill",
                gift,
                as: stage.reception,
                key: "g"
            )
            #expect(given.status < 300)
            #expect(try await stage.owed(of: stage.member) == before.amount - 1)
            #expect(try await stage.owed(of: stage.organiser) == stage.booking.total.amount - before.amount)
            #expect(try await put(all(on: own.householdId), stage, as: stage.member).code == "backing_open")
            #expect(try await api.count("SELECT sum(refundable)::bigint AS count FROM share") == 1)
            try await stage.expectRight()
        }
    }

    @Test func `A new organiser cannot raise the backstop's debt before accepting`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let answering = try await stage.owed(of: stage.organiser)
            let own = try await stage.own(of: stage.organiser)
            try await handOver(stage)
            let organiser = try #require(stage.group.travellers.first { $0.role == .organiser })
            let fewer = BookingChange(travellerIds: [organiser.id])
            #expect(try await stage.change(fewer, as: stage.member).code == "backing_open")
            let mine = try await stage.own(of: stage.member)
            let away = ReassignmentRequest(householdId: own.householdId)
            let path = "/v1/shares/\(mine.id)"
            #expect(try await api.post("\(path)/reassignment", away, as: stage.member, key: "a").code == "backing_open")
            #expect(try await api.post("\(path)/withdrawal", as: stage.member, key: "w").code == "backing_open")
            #expect(try await put(all(on: own.householdId), stage, as: stage.member).code == "backing_open")
            #expect(try await stage.owed(of: stage.organiser) == answering)
            try await stage.expectRight()
        }
    }

    @Test func `A split rule cannot be changed after a cancellation`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            #expect(try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c").status == 200)
            let late = try #require(Date(rfc3339: "2027-05-04T12:00:00Z"))
            api.clock.advance(by: late.timeIntervalSince(api.now))
            let gone = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x").decode(Booking.self)
            #expect(gone.total.amount > 0)
            let before = try await stage.own(of: stage.member)
            let rule = all(on: before.householdId)
            #expect(try await put(rule, stage, as: stage.organiser).code == "not_changeable")
            #expect(try await stage.own(of: stage.member).amount == before.amount)
            // A second cancellation does not waive the fee; the refusal makes this clear.
            let spared = CancellationRequest(reason: "Flood", isByPark: true)
            let again = try await api.post("\(stage.path)/cancel", spared, as: stage.reception, key: "park")
            #expect(again.code == "not_changeable")
            try await stage.expectRight()
        }
    }

    @Test func `A shortened stay still owes the extras already used`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let order = ExtraOrderRequest(
                extraId: stage.bicycle.id,
                from: try day("2027-05-14"),
                through: try day("2027-05-17")
            )
            let ordered = try await api.post("\(stage.path)/extras", order, as: stage.organiser, key: "o")
            #expect(ordered.status == 201)
            try await live(stage, through: false)
            let cost = try await stage.seen().charges.filter { $0.kind == .extra }.total
            let shorter = BookingChange(stay: try stay("2027-05-14", "2027-05-16"))
            #expect(try await stage.change(shorter, as: stage.organiser).status == 200)
            #expect(try await stage.seen().charges.filter { $0.kind == .extra }.total == cost)
            struct Undo: Encodable { let what = "change" }
            #expect(try await api.post("\(stage.path)/undo", Undo(), as: stage.organiser, key: "u").status == 200)
            let back = try await stage.seen()
            #expect(back.stay.departure == stage.booking.stay.departure && back.extras.contains { !$0.isCancelled })
            #expect(back.charges.filter { $0.kind == .extra }.total == cost)
            try await stage.expectRight()
        }
    }

    @Test func `A given-up share keeps its fee when it is reassigned`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            #expect(try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c").status == 200)
            let late = try #require(Date(rfc3339: "2027-05-04T12:00:00Z"))
            api.clock.advance(by: late.timeIntervalSince(api.now))
            let own = try await stage.own(of: stage.member)
            let organiser = try await stage.own(of: stage.organiser)
            #expect(try await api.post("/v1/shares/\(own.id)/withdrawal", as: stage.member, key: "w").status == 200)
            let fee = try await stage.owed(of: stage.member)
            #expect(fee > 0)
            let away = ReassignmentRequest(householdId: organiser.householdId)
            let path = "/v1/shares/\(own.id)/reassignment"
            #expect(try await api.post(path, away, as: stage.member, key: "r").status == 200)
            #expect(try await stage.owed(of: stage.member) == fee)
            try await stage.expectRight()
        }
    }

    @Test func `An offered firm share costs its fee until the taker agrees`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let taker = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
            let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.organiser).decode(TravelGroup.self)
            let join = BookingChange(travellerIds: page.travellers.map(\.id))
            #expect(try await stage.change(join, as: stage.organiser).status == 200)
            #expect(try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c").status == 200)
            let late = try #require(Date(rfc3339: "2027-05-04T12:00:00Z"))
            api.clock.advance(by: late.timeIntervalSince(api.now))
            let own = try await stage.own(of: stage.member)
            let before = try #require(own.amount).amount
            let away = ReassignmentRequest(householdId: try await stage.own(of: taker).householdId)
            let path = "/v1/shares/\(own.id)/reassignment"
            #expect(try await api.post(path, away, as: stage.member, key: "r").status == 200)
            #expect(try await stage.owed(of: stage.member) == before.percentage(60))
            try await stage.expectRight()
            // The taker alone owes the amount that it has agreed to.
            let asked = try await stage.own(of: taker)
            #expect(asked.asked?.amount == (asked.amount?.amount ?? 0) + before)
            let agreement = "/v1/shares/\(asked.id)/agreement"
            let agreed = try await api.send("POST", agreement, as: taker, key: "a", match: asked.version)
            #expect(agreed.status == 200)
            #expect(try await stage.owed(of: stage.member) == 0)
            #expect(try await stage.owed(of: taker) == asked.asked?.amount)
            try await stage.expectRight()
            // When the taker gives up its own share too, it returns the share that it took over.
            let out = try await api.post("/v1/shares/\(asked.id)/withdrawal", as: taker, key: "w")
            #expect(out.status == 200)
            #expect(try await stage.owed(of: stage.member) == before)
            try await stage.expectRight()
        }
    }

    @Test func `A partly refunded payment cannot be reversed`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let total = stage.booking.total.amount
            let own = try await stage.own(of: stage.member)
            #expect(try await put(all(on: own.householdId), stage, as: stage.organiser).status == 200)
            let first = try await stage.pay(total, for: stage.member).decode(TillPayment.self)
            #expect(try await put(SplitRule(.equally), stage, as: stage.organiser).status == 200)
            let half = total - (try await stage.owed(of: stage.member))
            func at(_ place: String, _ request: TillPaymentRequest) async throws -> GuestAPITestService.Response {
                try await api.post("/v1/admin/shares/\(own.id)/\(place)", request, as: stage.reception, key: place)
            }
            #expect(try await at("till-refunds", .init(method: .cash, amount: half)).status == 201)
            #expect(try await put(all(on: own.householdId), stage, as: stage.organiser).status == 200)
            let card = TillPaymentRequest(method: .terminal, amount: half, reference: "slip 1")
            #expect(try await at("till-payments", card).status == 201)
            // The share is paid as much as then, but not all of the money is in the till.
            let path = "/v1/admin/till-payments/\(first.id)/reversal"
            let reversal = try await api.post(path, as: stage.reception, key: "back")
            #expect(reversal.status == 409 && reversal.code == "more_than_due")
            try await stage.expectRight()
        }
    }

    @Test func `A reversed payment no longer counts as an agreement`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (own, other) = (try await stage.own(of: stage.organiser), try await stage.own(of: stage.member))
            let before = try #require(other.amount)
            #expect(try await put(all(on: other.householdId), stage, as: stage.organiser).status == 200)
            let paid = try await stage.pay(stage.booking.total.amount, for: stage.member).decode(TillPayment.self)
            #expect(try await stage.owed(of: stage.member) == stage.booking.total.amount)
            api.clock.advance(by: 1)
            let nearly = SplitRule(
                .byWeights,
                weights: [
                    .init(householdId: own.householdId, weight: 1), .init(householdId: other.householdId, weight: 999),
                ]
            )
            #expect(try await put(nearly, stage, as: stage.organiser).status == 200)
            let reversal = "/v1/admin/till-payments/\(paid.id)/reversal"
            #expect(try await api.post(reversal, as: stage.reception, key: "back").status == 201)
            #expect(try await stage.owed(of: stage.member) == before.amount)
            try await stage.expectRight()
        }
    }
}
