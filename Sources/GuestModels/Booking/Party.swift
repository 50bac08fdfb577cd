/// The people and pets of a search.
public struct Party: Codable, Hashable, Sendable {
    public var adults: Int
    /// The ages of everybody under eighteen, in years on the day of arrival.
    public var childAges: [Int]
    public var pets: Int

    public init(adults: Int, childAges: [Int] = [], pets: Int = 0) {
        self.adults = adults
        self.childAges = childAges
        self.pets = pets
    }

    /// The number of children under two; they sleep in a cot and need no bed.
    public var babies: Int { childAges.count { $0 < 2 } }
    public var children: Int { childAges.count - babies }
    public var beds: Int { adults + children }

    /// The ages of all persons; an adult counts as eighteen.
    var ages: [Int] { Array(repeating: 18, count: adults) + childAges }
}

extension Party: Checked {
    public func check(_ check: inout Check) {
        check.range(adults, "/adults", 0...200)
        check.require(childAges.count <= 200, "/childAges", "must have at most 200 entries")
        for (index, age) in childAges.enumerated() { check.range(age, "/childAges/\(index)", 0...17) }
        check.range(pets, "/pets", 0...50)
        check.require(adults > 0 || !childAges.isEmpty, "/adults", "must leave somebody who travels")
    }
}

extension LocalDate {
    /// The completed years on `date` of a person born on this day.
    ///
    /// A person born on 29 February becomes a year older on 1 March in years without that day.
    public func age(on date: LocalDate) -> Int {
        let born = components
        let then = date.components
        return then.year - born.year - ((then.month, then.day) < (born.month, born.day) ? 1 : 0)
    }
}
