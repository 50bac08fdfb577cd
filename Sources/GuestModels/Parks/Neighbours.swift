import Foundation

/// Finds free cottages that lie close together.
public enum Neighbours {
    public struct Candidate: Sendable {
        public var id: Cottage.ID
        public var longitude: Double
        public var latitude: Double
        public var beds: Int
        public var pets: Int

        public init(id: Cottage.ID, longitude: Double, latitude: Double, beds: Int, pets: Int) {
            self.id = id
            self.longitude = longitude
            self.latitude = latitude
            self.beds = beds
            self.pets = pets
        }
    }

    public struct Found: Hashable, Codable, Sendable {
        /// The cottages in the order of their ids.
        public var cottageIds: [Cottage.ID]
        /// The greatest distance between two cottages of the set, in metres.
        public var spreadMetres: Double
    }

    /// Up to `limit` sets of `count` cottages with enough beds and room for pets, closest first.
    ///
    /// The search starts at every cottage and takes its nearest free neighbours. If these are too small, it takes the
    /// nearest that still have enough beds. It does not try every subset, so a slightly closer set may exist; every
    /// returned set fits. Ids break ties, so the same question has the same answer.
    public static func sets(
        of count: Int,
        among candidates: [Candidate],
        beds: Int,
        pets: Int,
        limit: Int
    ) -> [Found] {
        guard count > 0, count <= candidates.count else { return [] }
        var found: Set<[Cottage.ID]> = []
        var sets: [Found] = []
        for seed in candidates {
            let near = candidates.map { (metres: distance(seed, $0), candidate: $0) }
                .sorted { ($0.metres, $0.candidate.id) < ($1.metres, $1.candidate.id) }
                .prefix(max(count * 4, 24)).map(\.candidate)
            guard let members = nearest(count, near, beds: beds, pets: pets) else { continue }
            let ids = members.map(\.id).sorted()
            guard found.insert(ids).inserted else { continue }
            var spread = 0.0
            for (index, first) in members.enumerated() {
                for second in members[(index + 1)...] { spread = max(spread, distance(first, second)) }
            }
            sets.append(Found(cottageIds: ids, spreadMetres: (spread * 10).rounded() / 10))
        }
        return Array(
            sets.sorted {
                $0.spreadMetres != $1.spreadMetres
                    ? $0.spreadMetres < $1.spreadMetres : $0.cottageIds.lexicographicallyPrecedes($1.cottageIds)
            }.prefix(limit)
        )
    }

    /// Takes the nearest cottages first, as long as the remaining ones can still provide the missing beds and pets.
    private static func nearest(_ count: Int, _ near: [Candidate], beds: Int, pets: Int) -> [Candidate]? {
        var members: [Candidate] = []
        var bedsLeft = beds
        var petsLeft = pets
        for (index, candidate) in near.enumerated() where members.count < count {
            let places = count - members.count - 1
            let rest = near[(index + 1)...]
            let bestBeds = rest.map(\.beds).sorted(by: >).prefix(places).reduce(0, +)
            let bestPets = rest.map(\.pets).sorted(by: >).prefix(places).reduce(0, +)
            if candidate.beds + bestBeds >= bedsLeft, candidate.pets + bestPets >= petsLeft, rest.count >= places {
                members.append(candidate)
                bedsLeft -= candidate.beds
                petsLeft -= candidate.pets
            } else if index == 0 {
                return nil
            }
        }
        return members.count == count && bedsLeft <= 0 && petsLeft <= 0 ? members : nil
    }

    /// The distance in metres on a sphere, treated as flat over the few kilometres of a park.
    private static func distance(_ left: Candidate, _ right: Candidate) -> Double {
        let metresPerDegree = 111_320.0
        let x = (left.longitude - right.longitude) * cos((left.latitude + right.latitude) / 2 * .pi / 180)
        let y = left.latitude - right.latitude
        return (x * x + y * y).squareRoot() * metresPerDegree
    }
}
