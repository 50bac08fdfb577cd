import GuestModels
import Testing

/// Cottages that lie close together.
@Suite struct NeighboursTests {
    private func id(_ number: Int) throws -> Cottage.ID {
        try #require(Cottage.ID("01a20000-0000-7000-8000-00000000000\(number)"))
    }

    /// A row of cottages, some 11 metres apart to the north.
    private func row(_ beds: [Int], pets: Int = 1) throws -> [Neighbours.Candidate] {
        try beds.enumerated().map { place, beds in
            .init(id: try id(place), longitude: 5.8, latitude: 52.0 + Double(place) * 0.0001, beds: beds, pets: pets)
        }
    }

    @Test func `The nearest two cottages are the first set of neighbours`() throws {
        var candidates = try row([4, 4, 4])
        candidates[0].latitude -= 0.01
        let found = Neighbours.sets(of: 2, among: candidates, beds: 8, pets: 0, limit: 5)
        #expect(found.first?.cottageIds == [try id(1), try id(2)])
        #expect((10...12).contains(try #require(found.first).spreadMetres))
    }

    @Test func `Every set of neighbouring cottages has beds for all travellers`() throws {
        let candidates = try row([2, 2, 6, 2])
        let found = Neighbours.sets(of: 2, among: candidates, beds: 8, pets: 0, limit: 5)
        #expect(!found.isEmpty)
        #expect(try found.allSatisfy { $0.cottageIds.contains(try id(2)) })
    }

    @Test func `No set of cottages is found without room for the pets`() throws {
        let candidates = try row([4, 4], pets: 1)
        #expect(Neighbours.sets(of: 2, among: candidates, beds: 4, pets: 3, limit: 5).isEmpty)
    }

    @Test func `No set of neighbours is found among too few cottages`() throws {
        #expect(Neighbours.sets(of: 3, among: try row([4, 4]), beds: 1, pets: 0, limit: 5).isEmpty)
        #expect(Neighbours.sets(of: 0, among: try row([4, 4]), beds: 1, pets: 0, limit: 5).isEmpty)
    }

    @Test func `The choice of neighbouring cottages does not depend on their order`() throws {
        let candidates = try row([4, 4, 4, 4])
        let one = Neighbours.sets(of: 2, among: candidates, beds: 8, pets: 0, limit: 3)
        let other = Neighbours.sets(of: 2, among: candidates.reversed(), beds: 8, pets: 0, limit: 3)
        #expect(one == other)
        #expect(one.count == 3)
    }
}
