import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

/// Compares mutations that a phone pushes together with the same mutations pushed one by one.
@Suite struct PushTests {
    /// A group with items, and a device of its member.
    private struct Camp: Sendable {
        let group: TravelGroup
        let items: [PlanItem.ID]
        let own: Traveller.ID
        let member: Given.Person
        let device = UUID()
    }

    private func camp(of organiser: Given.Person, _ api: GuestAPITestService) async throws -> Camp {
        struct Device: Encodable {
            let id: UUID
        }
        let group = try await api.given.group(of: organiser)
        let member = try await api.given.member(of: group, invitedBy: organiser)
        var items: [PlanItem.ID] = []
        for number in 0..<6 {
            let request = PlanItemRequest(list: .plan, title: "Item \(number)")
            let added = try await api.post("/v1/groups/\(group.id)/plan-items", request, as: member)
            items.append(try added.decode(PlanItem.self).id)
        }
        // One item is deleted, and one the organiser has changed since.
        let path = "/v1/groups/\(group.id)/plan-items/"
        let gone = try await api.send("DELETE", path + items[5].description, as: organiser)
        #expect(gone.status == 204)
        let change = PlanItemChange(base: 1, title: "Hers", quantity: "2")
        let changed = try await api.change("PATCH", path + items[0].description, change, as: organiser)
        #expect(changed.status == 200)
        let own = try await api.get("/v1/groups/\(group.id)", as: member).decode(TravelGroup.self)
            .travellers.first { $0.name == "Member" }?.id
        let camp = Camp(group: group, items: items, own: try #require(own), member: member)
        #expect(try await api.post("/v1/sync/devices", Device(id: camp.device), as: member).status == 204)
        return camp
    }

    /// A wished change in terms that fit any camp.
    private struct Wish: Sendable {
        var item: Int
        var isElsewhere = false
        var bringer: Bringer?
        var change: PlanItemChange

        enum Bringer { case own, nobody }

        static func random(_ count: Int, seed: UInt64) -> [Wish] {
            var dice = SeededGenerator(seed: seed)
            // One wish of each kind is always included.
            let sure = [
                Wish(item: 0, change: PlanItemChange(base: 1, title: "Mine")),
                Wish(item: 1, change: PlanItemChange(base: 1, isDone: false)),
                Wish(item: 5, change: PlanItemChange(base: 1, isDone: true)),
                Wish(item: 6, change: PlanItemChange(base: 1, isDone: true)),
                Wish(item: 2, bringer: .nobody, change: PlanItemChange(base: 1, title: "Nobody's")),
                Wish(item: 2, change: PlanItemChange(base: 1, title: "")),
                Wish(item: 2, isElsewhere: true, change: PlanItemChange(base: 1, title: "Elsewhere")),
                Wish(item: 2, bringer: .own, change: PlanItemChange(base: 1, note: "Two\nlines", place: "{\"a\", \\}")),
                Wish(
                    item: 3,
                    change: PlanItemChange(base: 1, day: LocalDate(daysSince1970: 20_000), time: LocalTime("07:05"))
                ),
                Wish(item: 3, change: PlanItemChange(base: 1, clear: [.day, .time])),
            ]
            return sure + (sure.count..<count).map { _ in random(&dice) }
        }

        /// New titles, one of which is `Never`.
        static func titles(_ count: Int, never: Int) -> [Wish] {
            (1...count).map { number in
                let title = number == never ? "Never" : "Title \(number)"
                return Wish(item: number % 5, change: PlanItemChange(base: 1, title: title))
            }
        }

        private static func random(_ dice: inout SeededGenerator) -> Wish {
            let number = Int.random(in: 1...4, using: &dice)
            var change = PlanItemChange(base: Int.random(in: 1...3, using: &dice))
            var wish = Wish(item: Int.random(in: 0..<7, using: &dice), change: change)
            switch Int.random(in: 0..<8, using: &dice) {
            case 0: change.quantity = "\(number) l"
            case 1: change.clear = [.quantity, .bringerId]
            case 2: change.isDone = Bool.random(using: &dice)
            case 3: wish.bringer = number > 1 ? .own : .nobody
            case 4: change.title = number == 1 ? "" : "Title \(number)"
            case 5:
                change.day = LocalDate(daysSince1970: 20_000 + number)
                change.time = LocalTime("1\(number):30")
            case 6: wish.isElsewhere = number == 1
            default: change.title = "Title \(number)"
            }
            wish.change = change
            return wish
        }

        func mutation(_ sequence: Int, in camp: Camp, at now: Date) throws -> Mutation {
            var change = change
            switch bringer {
            case .own: change.bringerId = camp.own
            case .nobody: change.bringerId = .init(UUID())
            case nil: break
            }
            let arguments = ChangeArguments<PlanItem, PlanItemChange>(
                groupId: isElsewhere ? .init(UUID()) : camp.group.id,
                id: item < camp.items.count ? camp.items[item] : .init(UUID()),
                request: change
            )
            return Mutation(
                sequence: Int64(sequence),
                id: UUID(),
                name: "planItem.change@1",
                arguments: String(decoding: try JSONEncoder().encode(arguments), as: UTF8.self),
                at: now
            )
        }
    }

    private func mutations(_ wishes: [Wish], in camp: Camp, at now: Date) throws -> [Mutation] {
        try wishes.enumerated().map { index, wish in try wish.mutation(index + 1, in: camp, at: now) }
    }

    /// The outcomes of the mutations, without the ids.
    private func push(
        _ mutations: [Mutation],
        from camp: Camp,
        _ api: GuestAPITestService
    ) async throws -> [String] {
        let request = SyncRequest(deviceId: camp.device, mutations: mutations)
        let answer = try await api.change("POST", "/v1/sync", request, as: camp.member)
        #expect(answer.status == 200)
        var results: [String] = []
        for line in try SyncEngine.lines(of: answer.body) {
            guard case .outcome(_, let outcome) = line else { continue }
            #expect(outcome.id == mutations[results.count].id)
            let words = outcome.result == .rejected ? [outcome.code, outcome.detail] : [outcome.result.rawValue]
            results.append(words.compactMap { $0 }.joined(separator: ": "))
        }
        return results
    }

    @Test func `A phone's later attendance reply wins even with a wrong clock`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let camp = try await camp(of: organiser, api)
            func said(_ sequence: Int64, _ title: String, at: Date) throws -> Mutation {
                let change = ChangeArguments<PlanItem, PlanItemChange>(
                    groupId: camp.group.id,
                    id: camp.items[1],
                    request: PlanItemChange(base: 1, title: title)
                )
                return Mutation(
                    sequence: sequence,
                    id: UUID(),
                    name: "planItem.change@1",
                    arguments: String(decoding: try JSONEncoder().encode(change), as: UTF8.self),
                    at: at
                )
            }
            func attending(_ sequence: Int64, _ reply: Reply, at: Date) throws -> Mutation {
                let change = ChangeArguments<PlanItem, ReplyRequest>(
                    groupId: camp.group.id,
                    id: camp.items[2],
                    request: ReplyRequest(reply: reply)
                )
                return Mutation(
                    sequence: sequence,
                    id: UUID(),
                    name: "planItem.attend@1",
                    arguments: String(decoding: try JSONEncoder().encode(change), as: UTF8.self),
                    at: at
                )
            }
            // The phone's battery was empty, so its clock says 2001.
            let old = try #require(Date(rfc3339: "2001-01-01T00:00:00Z"))
            #expect(try await push([attending(1, .yes, at: api.now)], from: camp, api) == ["applied"])
            #expect(try await push([attending(2, .no, at: old)], from: camp, api) == ["applied"])
            let both = [try attending(3, .yes, at: api.now.addingTimeInterval(86400)), try attending(4, .no, at: old)]
            #expect(try await push(both, from: camp, api) == ["applied", "applied"])
            let replies = try await api.count(
                "SELECT count(*) FROM reply WHERE item_id = \(camp.items[2]) AND said = 'no'"
            )
            #expect(replies == 1)
            #expect(try await push([said(5, "Mine", at: old)], from: camp, api).count == 1)
        }
    }

    private func pushEach(
        _ mutations: [Mutation],
        from camp: Camp,
        _ api: GuestAPITestService
    ) async throws -> [String] {
        var results: [String] = []
        for mutation in mutations {
            let one = try await push([mutation], from: camp, api)
            results += one
        }
        return results
    }

    /// The items and their histories, without details that differ between camps.
    private func plan(of camp: Camp, _ api: GuestAPITestService) async throws -> [String] {
        let lines = try await api.transaction { tx in
            try await tx.all(
                Query(
                    """
                    SELECT concat_ws('|', place, title, note, day, time, quantity, bringer_id IS NOT NULL, is_done, rank,
                        version, (SELECT string_agg(concat_ws('/', key, value ->> 'version', value ->> 'by' = \(camp.own)::text),
                            ' ' ORDER BY key) FROM jsonb_each(revisions)),
                        (SELECT string_agg(concat_ws('/', number, field, CASE WHEN field <> 'bringerId' THEN former END,
                            CASE WHEN field <> 'bringerId' THEN value END, is_overwriting, traveller_id = \(camp.own)::uuid),
                            ' ' ORDER BY number, field) FROM plan_event WHERE item_id = plan_item.id)) AS line
                    FROM plan_item WHERE group_id = \(camp.group.id) ORDER BY rank
                    """
                ) { try $0.decode("line", as: String.self) }
            )
        }
        return lines
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `A batch of changes ends like the same changes sent singly`(_ seed: UInt64) async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let together = try await camp(of: organiser, api)
            let alone = try await camp(of: organiser, api)
            let wishes = Wish.random(50, seed: seed)
            let atOnce = try await push(mutations(wishes, in: together, at: api.now), from: together, api)
            let oneByOne = try await pushEach(mutations(wishes, in: alone, at: api.now), from: alone, api)
            #expect(atOnce == oneByOne)
            let ends = try await plan(of: together, api)
            let expected = try await plan(of: alone, api)
            #expect(ends == expected)
            for word in [
                "applied", "merged", "noop", "not_found", "item_deleted", "unknown_traveller", "invalid_request",
            ] {
                #expect(atOnce.contains { $0.hasPrefix(word) })
            }
        }
    }

    @Test func `A mutation refused by the database does not stop the others`() async throws {
        try await withGuestAPI { api in
            let camp = try await camp(of: try await api.given.guest(), api)
            let limit = Command("ALTER TABLE plan_item ADD CONSTRAINT never CHECK (title <> 'Never')")
            try await api.transaction { tx in _ = try await tx.run(limit) }
            let wishes = Wish.titles(50, never: 48)
            let outcomes = try await push(mutations(wishes, in: camp, at: api.now), from: camp, api)
            let refused = outcomes.enumerated().filter { $0.element.hasPrefix("internal") }.map(\.offset)
            #expect(outcomes.count == 50)
            #expect(refused == [47])
            // No mutation was done twice: there is one event for each, and two of the organiser's.
            let rest = outcomes.filter { $0 == "applied" || $0 == "merged" }
            #expect(rest.count == 49)
            let events = try await api.count("SELECT count(*) FROM plan_event")
            #expect(events == 49 + 2)
            let titles = try await plan(of: camp, api)
            // The last possible change of each item is in place.
            for number in [43, 46, 47, 49, 50] { #expect(titles.contains { $0.contains("Title \(number)|") }) }
        }
    }

    @Test func `A mutation refused by a limit does not stop the next`() async throws {
        try await withGuestAPI { api in
            struct Device: Encodable {
                let id: UUID
            }
            let organiser = try await api.given.guest()
            let camp = try await camp(of: organiser, api)
            let world = try await api.given.park(cottages: Booking.maximumHolds + 1)
            for cottage in world.cottages.dropLast() {
                let request = try api.given.request(camp.group, world, cottages: [cottage])
                #expect(try await api.post("/v1/bookings", request, as: organiser, key: "\(cottage.id)").status == 201)
            }
            let proposal = StayOptionRequest(
                parkId: world.park.id,
                stay: try stay("2027-05-14", "2027-05-17"),
                cottages: [.init(anyOf: world.type.id)]
            )
            let path = "/v1/groups/\(camp.group.id)/options"
            let option = try await api.post(path, proposal, as: organiser).decode(StayOption.self)
            let comes = ReplyRequest(reply: .yes)
            let attending = try await api.change("PUT", "\(path)/\(option.id)/attendance", comes, as: organiser)
            #expect(attending.status == 200)
            let phone = UUID()
            #expect(try await api.post("/v1/sync/devices", Device(id: phone), as: organiser).status == 204)
            let promotion = ChangeArguments<StayOption, PromotionRequest>(
                groupId: camp.group.id,
                id: option.id,
                request: PromotionRequest()
            )
            let promote = Mutation(
                sequence: 1,
                id: UUID(),
                name: "option.promote@1",
                arguments: String(decoding: try JSONEncoder().encode(promotion), as: UTF8.self),
                at: api.now
            )
            let rename = try Wish(item: 1, change: PlanItemChange(base: 1, title: "Behind it")).mutation(
                2,
                in: camp,
                at: api.now
            )
            let request = SyncRequest(deviceId: phone, mutations: [promote, rename])
            let answer = try await api.change("POST", "/v1/sync", request, as: organiser)
            #expect(answer.status == 200)
            let lines = try SyncEngine.lines(of: answer.body)
            let outcomes = lines.compactMap { line -> Outcome? in
                guard case .outcome(_, let outcome) = line else { return nil }
                return outcome
            }
            #expect(outcomes.map(\.result) == [.rejected, .applied])
            #expect(outcomes.first?.code == "too_many_holds")
            // New rows still come.
            #expect(answer.text.contains("Behind it"))
        }
    }

    @Test func `Two phones changing two groups in opposite orders both succeed`()
        async throws
    {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let (one, two) = (try await camp(of: organiser, api), try await camp(of: organiser, api))
            struct Device: Encodable {
                let id: UUID
            }
            // One guest is in both groups, with two phones.
            let phones = [UUID(), UUID()]
            for phone in phones {
                let added = try await api.post("/v1/sync/devices", Device(id: phone), as: organiser)
                #expect(added.status == 204)
            }
            for round in 0..<20 {
                async let first = change([one, two], round, from: phones[0], of: organiser, api)
                async let second = change([two, one], round, from: phones[1], of: organiser, api)
                let counts = try await [first, second]
                #expect(counts == [10, 10])
            }
        }
    }

    /// Changes all items of the camps in turn; returns the number of outcomes.
    private func change(
        _ camps: [Camp],
        _ round: Int,
        from device: UUID,
        of guest: Given.Person,
        _ api: GuestAPITestService
    ) async throws -> Int {
        var mutations: [Mutation] = []
        for number in 0..<5 {
            for camp in camps {
                let wish = Wish(item: number, change: PlanItemChange(base: 1, title: "\(device) \(round)"))
                mutations.append(try wish.mutation(round * 10 + mutations.count + 1, in: camp, at: api.now))
            }
        }
        let request = SyncRequest(deviceId: device, mutations: mutations)
        let answer = try await api.change("POST", "/v1/sync", request, as: guest)
        let lines = try SyncEngine.lines(of: answer.body)
        return lines.filter { line in
            if case .outcome = line { return true }
            return false
        }.count
    }
}
