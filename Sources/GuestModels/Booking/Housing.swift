/// Checks that everybody has a bed in the cottages that the group has given its households.
///
/// A household may live in its own cottages and in cottages that no household was given. A household without a cottage
/// of its own may live in any. Babies need no bed; the park's rule limits how many each cottage takes.
public struct Housing: Sendable {
    public struct Room: Sendable {
        public var beds: Int
        public var babies: Int
        /// The households that were given this cottage; when empty, any household may live in it.
        public var households: Set<Household.ID>

        public init(beds: Int, babies: Int, households: Set<Household.ID>) {
            self.beds = beds
            self.babies = babies
            self.households = households
        }
    }

    public struct People: Sendable {
        public var beds: Int
        public var babies: Int

        public init(beds: Int = 0, babies: Int = 0) {
            self.beds = beds
            self.babies = babies
        }
    }

    public var rooms: [Room]
    public var people: [Household.ID: People]

    public init(rooms: [Room], people: [Household.ID: People]) {
        self.rooms = rooms
        self.people = people
    }

    /// Whether every person finds a bed and every baby a place.
    public var fits: Bool {
        let households = people.sorted { $0.key < $1.key }
        let mayLive = households.map { household, _ in
            guard rooms.contains(where: { $0.households.contains(household) }) else { return Array(rooms.indices) }
            return rooms.indices.filter { rooms[$0].households.isEmpty || rooms[$0].households.contains(household) }
        }
        return Self.places(households.map(\.value.beds), mayLive, rooms.map(\.beds))
            && Self.places(households.map(\.value.babies), mayLive, rooms.map(\.babies))
    }

    /// Places people one by one; from a full cottage one person moves to another cottage (augmenting paths).
    private static func places(_ people: [Int], _ mayLive: [[Int]], _ capacity: [Int]) -> Bool {
        guard people.reduce(0, +) <= capacity.reduce(0, +) else { return false }
        var living = people.map { _ in capacity.map { _ in 0 } }
        var free = capacity
        func seat(_ household: Int, _ seen: inout Set<Int>) -> Bool {
            for room in mayLive[household] where seen.insert(room).inserted {
                if free[room] > 0 {
                    free[room] -= 1
                    living[household][room] += 1
                    return true
                }
                for other in people.indices where living[other][room] > 0 && other != household {
                    guard seat(other, &seen) else { continue }
                    living[other][room] -= 1
                    living[household][room] += 1
                    return true
                }
            }
            return false
        }
        for household in people.indices {
            for _ in 0..<people[household] {
                var seen: Set<Int> = []
                guard seat(household, &seen) else { return false }
            }
        }
        return true
    }
}

extension Housing.People {
    /// - Parameter ages: the ages of everybody in the household, in years on the day of arrival.
    public init(ages: [Int]) {
        babies = ages.count { $0 < 2 }
        beds = ages.count - babies
    }
}
