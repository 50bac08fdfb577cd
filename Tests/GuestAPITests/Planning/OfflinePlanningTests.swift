import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

/// Planning on phones that are mostly offline.
@Suite struct OfflinePlanningTests {
    private struct Stage {
        let group: TravelGroup.ID
        let hers: Phone
        let his: Phone

        func items(_ phone: Phone) throws -> [PlanItem] {
            try phone.store.entities("planItem").map { try $0.decode(PlanItem.self) }
                .sorted { ($0.rank, $0.id) < ($1.rank, $1.id) }
        }

        func add(_ title: String, on phone: Phone, at now: Date) throws -> PlanItem.ID {
            let id = PlanItem.ID(UUID())
            let last = try items(phone).last?.rank
            let request = PlanItemRequest(
                id: id,
                list: .shopping,
                title: title,
                rank: try Rank.between(last, nil)
            )
            try phone.store.perform("planItem.add@1", GroupArguments(groupId: group, request: request), at: now)
            return id
        }

        func change(_ id: PlanItem.ID, _ change: PlanItemChange, on phone: Phone, at now: Date) throws {
            let arguments = ChangeArguments(groupId: group, id: id, request: change)
            try phone.store.perform("planItem.change@1", arguments, at: now)
        }

        func meet() async throws {
            for _ in 0..<2 {
                try await hers.engine.sync()
                try await his.engine.sync()
            }
            #expect(try hers.store.pending().isEmpty && his.store.pending().isEmpty)
            #expect(try items(hers) == items(his))
        }
    }

    private func stage(_ api: GuestAPITestService) async throws -> Stage {
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        let member = try await api.given.member(of: group, invitedBy: organiser)
        let stage = Stage(
            group: group.id,
            hers: try Phone(of: organiser, api, mutators: Mutator.all),
            his: try Phone(of: member, api, mutators: Mutator.all)
        )
        try await stage.meet()
        return stage
    }

    @Test func `An offline plan change shows at once on the phone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let milk = try stage.add("Milk", on: stage.hers, at: api.now)
            _ = try stage.add("Bread", on: stage.hers, at: api.now)
            try stage.change(milk, PlanItemChange(base: 1, isDone: true), on: stage.hers, at: api.now)
            #expect(try stage.items(stage.hers).map(\.title) == ["Milk", "Bread"])
            #expect(try stage.items(stage.hers).map(\.isDone) == [true, false])
            _ = try stage.add("Wood", on: stage.his, at: api.now)
            try await stage.meet()
            // Both put their items at the first place, so the ids decide, in the same way on both phones.
            #expect(Set(try stage.items(stage.his).map(\.title)) == ["Milk", "Bread", "Wood"])
            #expect(try stage.items(stage.his).contains { $0.id == milk && $0.isDone })
        }
    }

    @Test func `Two offline changes of different plan item fields both survive`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let id = try stage.add("Milk", on: stage.hers, at: api.now)
            try await stage.meet()
            try stage.change(id, PlanItemChange(base: 1, title: "Oat milk"), on: stage.hers, at: api.now)
            try stage.change(id, PlanItemChange(base: 1, quantity: "2 l"), on: stage.hers, at: api.now)
            try stage.change(id, PlanItemChange(base: 1, title: "Goat milk", note: "fresh"), on: stage.his, at: api.now)
            try await stage.meet()
            let item = try #require(try stage.items(stage.hers).first)
            #expect(item.title == "Goat milk" && item.quantity == "2 l" && item.note == "fresh")
            let events = try await api.app.database.read(as: "test") { try await $0.all(PlanningSQL.history(of: id)) }
            #expect(events.filter(\.isOverwriting).map(\.former) == ["Oat milk"])
        }
    }

    @Test func `A deletion beats a concurrent edit`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let id = try stage.add("Milk", on: stage.hers, at: api.now)
            try await stage.meet()
            let deletion = ThingArguments<PlanItem>(groupId: stage.group, id: id)
            try stage.hers.store.perform("planItem.delete@1", deletion, at: api.now)
            #expect(try stage.items(stage.hers).isEmpty)
            try stage.change(id, PlanItemChange(base: 1, title: "Goat milk"), on: stage.his, at: api.now)
            _ = try stage.add("Bread", on: stage.his, at: api.now)
            try await stage.meet()
            #expect(try stage.items(stage.his).map(\.title) == ["Bread"])
            let refused = try stage.his.store.refused()
            #expect(refused.map(\.code) == ["item_deleted"])
            #expect(refused.first?.deed.arguments.contains("Goat milk") == true)
        }
    }

    @Test func `A person's later vote counts even if it arrives first`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let world = try await api.given.park()
            let id = StayOption.ID(UUID())
            let option = StayOptionRequest(
                id: id,
                parkId: world.park.id,
                stay: try stay("2027-05-14", "2027-05-17"),
                cottages: [.init(anyOf: world.type.id)]
            )
            let proposal = GroupArguments(groupId: stage.group, request: option)
            try stage.hers.store.perform("option.propose@1", proposal, at: api.now)
            #expect(try stage.hers.store.entities("option").count == 1)
            try await stage.meet()
            let tablet = try Phone(of: stage.his.owner, api, mutators: Mutator.all)
            try await tablet.engine.sync()
            func vote(_ reply: Reply, on phone: Phone, at instant: Date) throws {
                let request = ReplyRequest(reply: reply)
                let arguments = ChangeArguments<StayOption, ReplyRequest>(
                    groupId: stage.group,
                    id: id,
                    request: request
                )
                try phone.store.perform("option.vote@1", arguments, at: instant)
            }
            // The phone's earlier vote arrives last; a time in the future counts as now.
            try vote(.no, on: stage.his, at: api.now.addingTimeInterval(-600))
            try vote(.yes, on: tablet, at: api.now.addingTimeInterval(-60))
            try await tablet.engine.sync()
            try await stage.meet()
            func votes() throws -> [Reply] {
                let shown = try #require(try stage.hers.store.entities("option").first)
                return try shown.decode(StayOption.self).votes.map(\.reply)
            }
            #expect(try votes() == [.yes])
            try vote(.maybe, on: tablet, at: api.now.addingTimeInterval(86400))
            try await tablet.engine.sync()
            try vote(.no, on: stage.his, at: api.now.addingTimeInterval(1))
            try await stage.meet()
            #expect(try votes() == [.no])
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `Two phones agree after random offline planning`(
        _ seed: UInt64
    )
        async throws
    {
        try await withGuestAPI { api in
            var dice = SeededGenerator(seed: seed)
            let stage = try await stage(api)
            var added: Set<PlanItem.ID> = []
            var deleted: Set<PlanItem.ID> = []
            for round in 0..<60 {
                let phone = Bool.random(using: &dice) ? stage.hers : stage.his
                let items = try stage.items(phone)
                let item = items.randomElement(using: &dice)
                switch (Int.random(in: 0..<8, using: &dice), item) {
                case (0...2, _), (_, nil): added.insert(try stage.add("Item \(round)", on: phone, at: api.now))
                case (3, let item?):
                    let change = PlanItemChange(base: item.version, title: "Title \(round)")
                    try stage.change(item.id, change, on: phone, at: api.now)
                case (4, let item?):
                    let place = Int.random(in: 0...items.count, using: &dice)
                    let lower = place > 0 ? items[place - 1].rank : nil
                    // The new place is behind all items with the same rank.
                    let upper = items.dropFirst(place).map(\.rank).first { rank in lower.map { $0 < rank } ?? true }
                    let change = PlanItemChange(base: item.version, rank: try Rank.between(lower, upper))
                    try stage.change(item.id, change, on: phone, at: api.now)
                case (5, let item?):
                    let deletion = ThingArguments<PlanItem>(groupId: stage.group, id: item.id)
                    try phone.store.perform("planItem.delete@1", deletion, at: api.now)
                    deleted.insert(item.id)
                default:
                    phone.line.fail([.answerLost])
                    _ = try? await phone.engine.sync()
                    try await phone.engine.sync()
                }
            }
            try await stage.meet()
            #expect(Set(try stage.items(stage.hers).map(\.id)) == added.subtracting(deleted))
            #expect(try stage.hers.shown().count > 5)
            let refused = try stage.hers.store.refused() + stage.his.store.refused()
            #expect(refused.allSatisfy { $0.code == "item_deleted" })
        }
    }
}
