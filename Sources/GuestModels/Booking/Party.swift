/// Who comes along, as far as a search must know.
public struct Party: Codable, Hashable, Sendable {
    public var adults: Int
    /// Age in years on the day of arrival of everybody under eighteen.
    public var childAges: [Int]
    public var pets: Int

    public init(adults: Int, childAges: [Int] = [], pets: Int = 0) {
        self.adults = adults
        self.childAges = childAges
        self.pets = pets
    }

    /// Under two, they sleep in a cot and take no bed.
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
    /// Completed years of somebody born on this day, on `date`.
    ///
    /// Those of 29 February turn a year older on 1 March.
    public func age(on date: LocalDate) -> Int {
        let born = components
        let then = date.components
        return then.year - born.year - ((then.month, then.day) < (born.month, born.day) ? 1 : 0)
    }
}
