import Foundation
import GuestModels
import Testing

@Suite struct PlanningTests {
    @Test func `A plan item's new rank always sorts between its neighbours`() throws {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var list: [Rank] = []
            for _ in 0..<400 {
                // Most insertions are at a few places, as with real people.
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

    @Test func `A list that grows at its ends keeps short ranks`() throws {
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
        // Each digit lasts for five to six halvings.
        #expect((450...600).contains(rounds))
    }

    @Test(arguments: ["", "a", "a00", "0a", "b1", "a0é", "a0 ", "zz", String(repeating: "a", count: 101), "~0"])
    func `A text that is not a rank is refused`(_ text: String) {
        #expect(Rank(text) == nil)
    }

    @Test func `No rank fits between two equal ranks`() throws {
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

    @Test func `Two changes of different plan item fields merge in either order`() throws {
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

    @Test func `The later of two changes of one plan item field wins`() throws {
        var item = item()
        var revisions: [PlanItem.Field: PlanItem.Revision] = [:]
        _ = item.merge(PlanItemChange(base: 1, title: "Kayak"), revisions: &revisions, by: anna, at: now)
        let events = item.merge(PlanItemChange(base: 1, title: "Raft"), revisions: &revisions, by: bas, at: now)
        let event = try #require(events.first)
        #expect(event.isOverwriting && event.former == "Kayak" && event.value == "Raft" && event.number == 3)
        // A traveller's own earlier change counts as seen, whatever the base version.
        let own = item.merge(PlanItemChange(base: 1, title: "Ferry"), revisions: &revisions, by: bas, at: now)
        #expect(own.first?.isOverwriting == false)
        _ = item.merge(.undoing(event, base: item.version), revisions: &revisions, by: anna, at: now)
        #expect(item.title == "Kayak")
        // Setting the present value is no change.
        let none = item.merge(PlanItemChange(base: 1, title: "Kayak"), revisions: &revisions, by: bas, at: now)
        #expect(none.isEmpty)
    }

    @Test func `Every changed field of a plan item can be restored from history`() throws {
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
