import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

@Suite struct PlanningTests {
    private struct Stage {
        let world: Given.World
        let organiser: Given.Person
        let member: Given.Person
        let group: TravelGroup
        /// A traveller of the organiser's household without account.
        let child: Traveller
        let own: Traveller.ID
        let theirs: Traveller.ID

        func path(_ rest: String) -> String { "/v1/groups/\(group.id)/\(rest)" }
    }

    private func stage(_ api: GuestAPITestService) async throws -> Stage {
        let world = try await api.given.park()
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        let member = try await api.given.member(of: group, invitedBy: organiser)
        let child = try await api.given.child(of: group, guardian: organiser)
        let page = try await api.get("/v1/groups/\(group.id)", as: member).decode(TravelGroup.self)
        return Stage(
            world: world,
            organiser: organiser,
            member: member,
            group: group,
            child: child,
            own: try #require(page.travellers.first { $0.role == .organiser }).id,
            theirs: try #require(page.travellers.first { $0.role == .member }).id
        )
    }

    private func propose(
        _ stage: Stage,
        _ api: GuestAPITestService,
        from arrival: String = "2027-05-14",
        to departure: String = "2027-05-17"
    ) async throws -> StayOption {
        let request = StayOptionRequest(
            parkId: stage.world.park.id,
            stay: try stay(arrival, departure),
            cottages: [.init(cottage: stage.world.cottages[0].id), .init(anyOf: stage.world.type.id)],
            note: "By the lake"
        )
        let response = try await api.post(stage.path("options"), request, as: stage.member)
        #expect(response.status == 201)
        return try response.decode(StayOption.self)
    }

    private func option(_ id: StayOption.ID, _ stage: Stage, _ api: GuestAPITestService) async throws -> StayOption? {
        struct Options: Decodable {
            let items: [StayOption]
        }
        return try await api.get(stage.path("options"), as: stage.member).decode(Options.self).items.first {
            $0.id == id
        }
    }

    private struct Items: Decodable {
        let items: [PlanItem]
    }

    private func listed(_ stage: Stage, _ api: GuestAPITestService) async throws -> [PlanItem] {
        try await api.get(stage.path("plan-items"), as: stage.member).decode(Items.self).items
    }

    private func reply(
        _ question: String,
        _ request: ReplyRequest,
        to option: StayOption,
        as who: Given.Person,
        _ stage: Stage,
        _ api: GuestAPITestService
    ) async throws -> Int {
        try await api.change("PUT", stage.path("options/\(option.id)/\(question)"), request, as: who).status
    }

    @Test func `The last vote of a member counts`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let option = try await propose(stage, api)

            for vote in [ReplyRequest(reply: .maybe), ReplyRequest(reply: .yes)] {
                #expect(try await reply("vote", vote, to: option, as: stage.member, stage, api) == 200)
            }
            // A vote can be taken back.
            for vote in [ReplyRequest(reply: .no), ReplyRequest(reply: nil)] {
                #expect(try await reply("vote", vote, to: option, as: stage.organiser, stage, api) == 200)
            }

            let known = try await self.option(option.id, stage, api)
            #expect(known?.votes == [TravellerReply(travellerId: stage.theirs, reply: .yes)])
        }
    }

    @Test func `A member cannot vote for another member`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let option = try await propose(stage, api)

            let forOther = ReplyRequest(travellerId: stage.theirs, reply: .yes)

            #expect(try await reply("vote", forOther, to: option, as: stage.organiser, stage, api) == 403)
        }
    }

    @Test func `A member can report attendance of household travellers without an account`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let option = try await propose(stage, api)
            func attend(_ traveller: Traveller.ID?, as who: Given.Person) async throws -> Int {
                let request = ReplyRequest(travellerId: traveller, reply: .yes)
                return try await reply("attendance", request, to: option, as: who, stage, api)
            }

            // Not for a traveller with an account, for another household, or for nobody.
            #expect(try await attend(stage.theirs, as: stage.organiser) == 403)
            #expect(try await attend(stage.child.id, as: stage.member) == 403)
            #expect(try await attend(Traveller.ID(UUID()), as: stage.organiser) == 404)
            #expect(try await attend(stage.child.id, as: stage.organiser) == 200)
            #expect(try await attend(nil, as: stage.organiser) == 200)

            let coming = try #require(try await self.option(option.id, stage, api)).attendance.map(\.travellerId)
            #expect(Set(coming) == [stage.own, stage.child.id])
        }
    }

    @Test func `Only the organiser can turn an option into a hold`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let option = try await propose(stage, api)
            let promote = stage.path("options/\(option.id)/promote")
            let request = PromotionRequest(travellerIds: [stage.own])

            #expect(try await api.post(promote, request, as: stage.member, key: "m").status == 403)
            #expect(try await api.post(promote, request, as: stage.organiser, key: "p").status == 201)
        }
    }

    @Test func `An option becomes a hold for those who come`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let option = try await propose(stage, api)
            #expect(option.state == .open && option.proposedBy == stage.theirs && option.cottages.count == 2)
            for traveller in [nil, stage.child.id] {
                let yes = ReplyRequest(travellerId: traveller, reply: .yes)
                #expect(try await reply("attendance", yes, to: option, as: stage.organiser, stage, api) == 200)
            }
            let maybe = ReplyRequest(reply: .maybe)
            #expect(try await reply("attendance", maybe, to: option, as: stage.member, stage, api) == 200)

            let promote = stage.path("options/\(option.id)/promote")
            let held = try await api.post(promote, PromotionRequest(), as: stage.organiser, key: "p")
                .decode(Booking.self)

            #expect(held.state == .held && held.cottages.count == 2)
            #expect(Set(held.travellerIds) == [stage.own, stage.child.id])
            #expect(try await self.option(option.id, stage, api)?.bookingId == held.id)
        }
    }

    @Test func `A promoted option is closed until its booking has ended`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let option = try await propose(stage, api)
            let promote = stage.path("options/\(option.id)/promote")
            func again(_ key: String) async throws -> GuestAPITestService.Response {
                try await api.post(promote, PromotionRequest(travellerIds: [stage.own]), as: stage.organiser, key: key)
            }
            let held = try await again("p").decode(Booking.self)

            #expect(try await again("q").code == "option_closed")
            #expect(try await reply("vote", ReplyRequest(reply: .no), to: option, as: stage.member, stage, api) == 409)

            #expect(try await api.post("/v1/bookings/\(held.id)/cancel", as: stage.organiser, key: "c").status == 200)
            #expect(try await again("r").status == 201)
        }
    }

    @Test func `A stranger cannot see a group's options`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let option = try await propose(stage, api)
            let other = try await api.given.park()
            let wrong = StayOptionRequest(
                parkId: other.park.id,
                stay: try stay("2027-05-14", "2027-05-17"),
                cottages: [.init(cottage: stage.world.cottages[0].id)]
            )
            #expect(try await api.post(stage.path("options"), wrong, as: stage.member).code == "unknown_cottage")
            let nobody = PromotionRequest()
            let promote = stage.path("options/\(option.id)/promote")
            #expect(try await api.post(promote, nobody, as: stage.organiser, key: "n").code == "nobody_comes")
            let stranger = try await api.given.guest()
            #expect(try await api.get(stage.path("options"), as: stranger).status == 404)
            // The proposer and the organiser may withdraw the option; another member may not.
            let third = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
            let path = stage.path("options/\(option.id)")
            #expect(try await api.send("DELETE", path, as: third).status == 403)
            #expect(try await api.send("DELETE", path, as: stage.member).status == 204)
            #expect(try await api.send("DELETE", path, as: stage.member).status == 404)
            #expect(try await self.option(option.id, stage, api) == nil)
        }
    }

    private func add(_ title: String, _ stage: Stage, _ api: GuestAPITestService) async throws -> PlanItem {
        let request = PlanItemRequest(list: .shopping, title: title)
        return try await api.post(stage.path("plan-items"), request, as: stage.member).decode(PlanItem.self)
    }

    private func change(
        _ item: PlanItem,
        _ change: PlanItemChange,
        as who: Given.Person,
        _ stage: Stage,
        _ api: GuestAPITestService
    ) async throws -> GuestAPITestService.Response {
        try await api.change("PATCH", stage.path("plan-items/\(item.id)"), change, as: who)
    }

    @Test func `A plan item moves between two others`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            var items: [PlanItem] = []
            for title in ["Milk", "Bread", "Wood"] { items.append(try await add(title, stage, api)) }
            #expect(try await listed(stage, api) == items)

            let moved = PlanItemChange(base: 1, rank: try Rank.between(items[0].rank, items[1].rank))
            #expect(try await change(items[2], moved, as: stage.organiser, stage, api).status == 200)

            #expect(try await listed(stage, api).map(\.title) == ["Milk", "Wood", "Bread"])
        }
    }

    /// Two members change the same first version of an item.
    private func milkChangedByTwo(_ stage: Stage, _ api: GuestAPITestService) async throws -> PlanItem {
        let milk = try await add("Milk", stage, api)
        let hers = PlanItemChange(base: 1, title: "Oat milk", quantity: "2 l")
        #expect(try await change(milk, hers, as: stage.organiser, stage, api).status == 200)
        let his = PlanItemChange(base: 1, title: "Goat milk", bringerId: stage.theirs)
        return try await change(milk, his, as: stage.member, stage, api).decode(PlanItem.self)
    }

    @Test func `Concurrent changes of a plan item merge by field`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)

            let merged = try await milkChangedByTwo(stage, api)

            #expect(merged.title == "Goat milk" && merged.quantity == "2 l" && merged.bringerId == stage.theirs)
        }
    }

    @Test func `An overwritten value of a plan item can be restored`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let path = stage.path("plan-items/\(try await milkChangedByTwo(stage, api).id)")
            struct Events: Decodable {
                let items: [PlanEvent]
            }
            let events = try await api.get("\(path)/history", as: stage.organiser).decode(Events.self).items
            let lost = try #require(events.first { $0.isOverwriting })
            #expect(events.count == 4 && lost.field == .title && lost.former == "Oat milk")

            let undo = UndoRequest(number: lost.number, field: .title)
            let back = try await api.post("\(path)/undo", undo, as: stage.organiser).decode(PlanItem.self)

            #expect(back.title == "Oat milk")
            let nothing = UndoRequest(number: 9, field: .title)
            #expect(try await api.post("\(path)/undo", nothing, as: stage.organiser).status == 404)
        }
    }

    @Test func `A deleted plan item comes back whole`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let milk = try await milkChangedByTwo(stage, api)
            let path = stage.path("plan-items/\(milk.id)")

            #expect(try await api.send("DELETE", path, as: stage.member).status == 204)
            #expect(try await listed(stage, api).isEmpty)
            let late = PlanItemChange(base: 1, title: "Oat milk")
            #expect(try await change(milk, late, as: stage.organiser, stage, api).code == "item_deleted")

            #expect(try await api.post(path + "/restore", as: stage.organiser).status == 200)
            let restored = try await listed(stage, api).first
            #expect(restored?.title == "Goat milk" && restored?.quantity == "2 l")
        }
    }

    @Test func `A change of a plan item that says nonsense is refused`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let item = try await add("Bread", stage, api)
            for bad in [
                PlanItemChange(base: 0), PlanItemChange(base: 1, title: " "), PlanItemChange(base: 1, clear: [.title]),
                PlanItemChange(base: 1, clear: [.day, .day]),
            ] {
                #expect(try await change(item, bad, as: stage.member, stage, api).status == 400)
            }
            let stranger = PlanItemChange(base: 1, bringerId: Traveller.ID(UUID()))
            #expect(try await change(item, stranger, as: stage.member, stage, api).code == "unknown_traveller")
            let badRank = Data(#"{"list": "shopping", "title": "T", "rank": "a00"}"#.utf8)
            let refused = try await api.send("POST", stage.path("plan-items"), raw: badRank, as: stage.member)
            #expect(refused.status == 400)
        }
    }

    @Test func `A child's phone can see the group's plan`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let other = try await api.given.guest()
            let theirs = try await api.given.group(of: other)
            let foreign = try await api.given.booking(of: theirs, by: other, in: stage.world)
            let wrong = PlanItemRequest(list: .plan, bookingId: foreign.id, title: "Swim")
            #expect(try await api.post(stage.path("plan-items"), wrong, as: stage.member).status == 404)
            let item = PlanItemRequest(list: .plan, title: "Swim", day: try day("2027-05-15"), time: LocalTime("10:00"))
            let added = try await api.post(stage.path("plan-items"), item, as: stage.member).decode(PlanItem.self)
            let attendance = stage.path("plan-items/\(added.id)/attendance")
            let comes = ReplyRequest(travellerId: stage.child.id, reply: .yes)
            #expect(try await api.change("PUT", attendance, comes, as: stage.organiser).status == 200)
            let phone = try await api.given.phone(of: stage.child.id)
            let seen = try await api.get("/v1/child/plan-items", as: phone).decode(Items.self).items
            #expect(seen.map(\.attendance) == [[TravellerReply(travellerId: stage.child.id, reply: .yes)]])
            #expect(try await api.get(stage.path("plan-items"), as: phone).status == 403)
        }
    }

    @Test func `A leaving member's votes are removed`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let option = try await propose(stage, api)
            let vote = stage.path("options/\(option.id)/vote")
            #expect(try await api.change("PUT", vote, ReplyRequest(reply: .yes), as: stage.member).status == 200)
            let request = PlanItemRequest(list: .packing, title: "Tent", bringerId: stage.theirs)
            let item = try await api.post(stage.path("plan-items"), request, as: stage.member).decode(PlanItem.self)
            let phone = try Phone(of: stage.organiser, api)
            try await phone.engine.sync()
            #expect(try await api.post("/v1/groups/\(stage.group.id)/leave", as: stage.member).status == 204)
            try await phone.engine.sync()
            let voted = try #require(try phone.store.entities("option").first).decode(StayOption.self)
            #expect(voted.votes == [])
            let tent = try #require(try phone.store.entities("planItem").first).decode(PlanItem.self)
            #expect(tent.id == item.id && tent.bringerId == nil && tent.version == 2)
            let path = stage.path("plan-items/\(item.id)")
            let again = PlanItemChange(base: 2, bringerId: stage.theirs)
            #expect(try await api.change("PATCH", path, again, as: stage.organiser).code == "unknown_traveller")
            // Erasing the former member finds no more of their replies.
            #expect(try await api.get("/v1/me/export", as: stage.member).text.contains("By the lake"))
            #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 204)
            #expect(try await api.count("SELECT count(*) FROM reply") == 0)
        }
    }

    @Test func `Long-deleted items are removed with their history`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let request = PlanItemRequest(list: .plan, title: "Sauna")
            let item = try await api.post(stage.path("plan-items"), request, as: stage.member).decode(PlanItem.self)
            let path = stage.path("plan-items/\(item.id)")
            let change = PlanItemChange(base: 1, title: "Steam")
            #expect(try await api.change("PATCH", path, change, as: stage.member).status == 200)
            let attendance = ReplyRequest(reply: .yes)
            #expect(try await api.change("PUT", path + "/attendance", attendance, as: stage.member).status == 200)
            #expect(try await api.send("DELETE", path, as: stage.member).status == 204)
            try await api.transaction { try await $0.run(PlanningSQL.deleteOld(before: api.now.addingTimeInterval(1))) }
            #expect(try await api.count("SELECT count(*) FROM plan_item") == 0)
            #expect(try await api.count("SELECT count(*) FROM plan_event") == 0)
        }
    }
}
