import Foundation
import GuestModels
import Testing

@Suite struct PlanningTests {
    @Test func `Between any two ranks there is room, and the order is that of the list`() throws {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var list: [Rank] = []
            for _ in 0..<400 {
                // Mostly at a few places, as people do.
                let place =
                    [0, list.count, list.count / 2, Int.random(in: 0...list.count, using: &random)]
                    .randomElement(using: &random) ?? 0
                let lower = place > 0 ? list[place - 1] : nil
                let upper = place < list.count ? list[place] : nil
                let rank = try Rank.between(lower, upper)
                #expect(lower.map { $0 < rank } ?? true)
                #expect(upper.map { rank < $0 } ?? true)
                #expect(Rank(rank.text) == rank)
                list.insert(rank, at: place)
            }
            #expect(list == list.sorted())
            #expect(Set(list).count == list.count)
        }
    }

    @Test func `A list that grows at its ends keeps short ranks, one that is split at one place has its limit`() throws
    {
        var last: Rank?
        var first: Rank?
        for _ in 0..<10_000 {
            last = try Rank.between(last, nil)
            first = try Rank.between(nil, first)
        }
        #expect((last?.text.count ?? 0) <= 4)
        #expect((first?.text.count ?? 0) <= 4)
        let low = try Rank.between(nil, nil)
        var high = try Rank.between(low, nil)
        var rounds = 0
        do {
            while true {
                high = try Rank.between(low, high)
                rounds += 1
            }
        } catch {
            #expect(error == .noRoom)
        }
        // Each digit is good for five to six halvings.
        #expect((450...600).contains(rounds))
    }

    @Test(arguments: ["", "a", "a00", "0a", "b1", "a0é", "a0 ", "zz", String(repeating: "a", count: 101), "~0"])
    func `What is no rank is refused`(_ text: String) {
        #expect(Rank(text) == nil)
    }

    @Test func `Nothing fits between what stands at one place, nor behind what comes first`() throws {
        let rank = Rank.first
        let next = try Rank.between(rank, nil)
        #expect(throws: Refusal.noRoom) { try Rank.between(rank, rank) }
        #expect(throws: Refusal.noRoom) { try Rank.between(next, rank) }
        let least = try #require(Rank("A" + String(repeating: "0", count: 26)))
        #expect(throws: Refusal.noRoom) { try Rank.between(nil, least) }
        let greatest = try #require(Rank("z" + String(repeating: "z", count: 26)))
        #expect(try Rank.between(greatest, nil) > greatest)
    }

    private let anna = Traveller.ID(UUID())
    private let bas = Traveller.ID(UUID())
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func item() -> PlanItem {
        PlanItem(
            PlanItemRequest(list: .plan, title: "Canoe", note: "Bring towels"),
            id: .init(UUID()),
            group: .init(UUID()),
            by: anna,
            at: now
        )
    }

    @Test func `Who changes different fields gets both, whoever comes first`() throws {
        let hers = PlanItemChange(base: 1, title: "Kayak")
        let his = PlanItemChange(base: 1, place: "Lake", clear: [.note])
        let start = item()
        var ends: [PlanItem] = []
        for order in [[(hers, anna), (his, bas)], [(his, bas), (hers, anna)]] {
            var item = start
            var revisions: [PlanItem.Field: PlanItem.Revision] = [:]
            for (change, who) in order {
                let events = item.merge(change, revisions: &revisions, by: who, at: now)
                #expect(events.allSatisfy { !$0.isOverwriting })
            }
            ends.append(item)
        }
        #expect(ends[0] == ends[1])
        #expect(ends[0].title == "Kayak" && ends[0].place == "Lake" && ends[0].note == nil && ends[0].version == 3)
    }

    @Test func `Of two who change one field the later stands, and the history says who gave way and undoes it`() throws
    {
        var item = item()
        var revisions: [PlanItem.Field: PlanItem.Revision] = [:]
        _ = item.merge(PlanItemChange(base: 1, title: "Kayak"), revisions: &revisions, by: anna, at: now)
        let events = item.merge(PlanItemChange(base: 1, title: "Raft"), revisions: &revisions, by: bas, at: now)
        let event = try #require(events.first)
        #expect(event.isOverwriting && event.former == "Kayak" && event.value == "Raft" && event.number == 3)
        // One's own earlier change is known to oneself, whatever version one has seen.
        let own = item.merge(PlanItemChange(base: 1, title: "Ferry"), revisions: &revisions, by: bas, at: now)
        #expect(own.first?.isOverwriting == false)
        _ = item.merge(.undoing(event, base: item.version), revisions: &revisions, by: anna, at: now)
        #expect(item.title == "Kayak")
        // What is so already is no change.
        let none = item.merge(PlanItemChange(base: 1, title: "Kayak"), revisions: &revisions, by: bas, at: now)
        #expect(none.isEmpty)
    }

    @Test func `Every field goes into its history and comes back`() throws {
        let full = PlanItemChange(
            base: 1,
            title: "T",
            note: "N",
            place: "P",
            day: LocalDate("2027-05-15"),
            time: LocalTime("09:30"),
            quantity: "2 kg",
            bringerId: bas,
            isDone: true,
            rank: Rank("a1")
        )
        let start = item()
        var item = start
        var revisions: [PlanItem.Field: PlanItem.Revision] = [:]
        let events = item.merge(full, revisions: &revisions, by: anna, at: now)
        #expect(Set(events.map(\.field)) == Set(PlanItem.Field.allCases))
        for field in PlanItem.Field.allCases { #expect(item[field] != start[field]) }
        for event in events { _ = item.merge(.undoing(event, base: 2), revisions: &revisions, by: bas, at: now) }
        for field in PlanItem.Field.allCases { #expect(item[field] == start[field], "\(field)") }
    }
}
