/// Creates or replaces a park.
public struct ParkRequest: Codable, Sendable, Checked {
    public var slug: String
    public var name: String
    public var timeZone: String
    public var currency: String
    public var country: String
    public var longitude: Double
    public var latitude: Double
    public var texts: [String: [String: String]]?
    public var rules: HouseRules

    public init(
        slug: String,
        name: String,
        timeZone: String,
        currency: String,
        country: String,
        longitude: Double,
        latitude: Double,
        texts: [String: [String: String]]? = nil,
        rules: HouseRules
    ) {
        self.slug = slug
        self.name = name
        self.timeZone = timeZone
        self.currency = currency
        self.country = country
        self.longitude = longitude
        self.latitude = latitude
        self.texts = texts
        self.rules = rules
    }

    public func check(_ check: inout Check) {
        let isSlug =
            (2...40).contains(slug.utf8.count)
            && slug.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        check.require(isSlug, "/slug", "must be 2 to 40 of a-z, 0-9 and -")
        check.text(name, "/name", length: 1...100)
        check.require(ParkClock.isZone(timeZone), "/timeZone", "must be an IANA time zone, such as Europe/Amsterdam")
        check.require(Currency.isKnown(currency), "/currency", "must be a currency of ISO 4217")
        check.require(Country.isKnown(country), "/country", "must be a country of ISO 3166-1, two letters")
        check.range(longitude, "/longitude", -180...180)
        check.range(latitude, "/latitude", -90...90)
        check.texts(texts)
        check.part(rules, "/rules")
    }
}

public struct CottageTypeRequest: Codable, Sendable, Checked {
    public var code: String
    public var name: String
    public var texts: [String: [String: String]]?
    public var capacity: Int
    public var bedrooms: Int
    public var pets: Int
    public var isStepFree: Bool
    public var cleaningFee: Int64

    public init(
        code: String,
        name: String,
        texts: [String: [String: String]]? = nil,
        capacity: Int,
        bedrooms: Int,
        pets: Int,
        isStepFree: Bool,
        cleaningFee: Int64
    ) {
        self.code = code
        self.name = name
        self.texts = texts
        self.capacity = capacity
        self.bedrooms = bedrooms
        self.pets = pets
        self.isStepFree = isStepFree
        self.cleaningFee = cleaningFee
    }

    public func check(_ check: inout Check) {
        check.code(code, "/code")
        check.text(name, "/name", length: 1...100)
        check.texts(texts)
        check.range(capacity, "/capacity", 1...100)
        check.range(bedrooms, "/bedrooms", 0...50)
        check.range(pets, "/pets", 0...20)
        check.range(cleaningFee, "/cleaningFee", 0...1_000_000_000)
    }
}

public struct CottageRequest: Codable, Sendable, Checked {
    public var typeId: CottageType.ID
    public var number: String
    public var longitude: Double
    public var latitude: Double
    public var isOpen: Bool

    public init(typeId: CottageType.ID, number: String, longitude: Double, latitude: Double, isOpen: Bool = true) {
        self.typeId = typeId
        self.number = number
        self.longitude = longitude
        self.latitude = latitude
        self.isOpen = isOpen
    }

    public func check(_ check: inout Check) {
        check.text(number, "/number", length: 1...20)
        check.range(longitude, "/longitude", -180...180)
        check.range(latitude, "/latitude", -90...90)
    }
}

public struct RateRequest: Codable, Sendable, Checked {
    public var season: Stay
    public var night: Int64
    public var weekendNight: Int64

    public init(season: Stay, night: Int64, weekendNight: Int64) {
        self.season = season
        self.night = night
        self.weekendNight = weekendNight
    }

    public func check(_ check: inout Check) {
        check.range(night, "/night", 0...1_000_000_000)
        check.range(weekendNight, "/weekendNight", 0...1_000_000_000)
    }
}

public struct ClosureRequest: Codable, Sendable, Checked {
    public var stay: Stay
    public var reason: String

    public init(stay: Stay, reason: String) {
        self.stay = stay
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.require(stay.nightCount <= 1100, "/stay/departure", "must be within 1100 nights of arrival")
        check.require(stay.isOnCalendar, "/stay", "must lie in the years 2000 to 2099")
        check.text(reason, "/reason", length: 1...500)
    }
}

extension Check {
    mutating func texts(_ texts: [String: [String: String]]?) {
        guard let texts else { return }
        for (language, entries) in texts.sorted(by: { $0.key < $1.key }) {
            require(Language(rawValue: language) != nil, "/texts/\(language)", "must be en, nl or de")
            require(entries.count <= 50, "/texts/\(language)", "must have at most 50 entries")
            for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
                let isName =
                    (1...40).contains(key.utf8.count)
                    && key.utf8.allSatisfy {
                        (97...122).contains($0) || (65...90).contains($0) || (45...46).contains($0)
                            || (48...57).contains($0) || $0 == 95
                    }
                require(isName, "/texts/\(language)", "must have keys of 1 to 40 of A-Z, a-z, 0-9, '.', '_' and '-'")
                text(value, "/texts/\(language)/\(key)", length: 0...5000, hasLines: true)
            }
        }
    }
}

extension Refusal {
    /// `slug` must be unique over all parks; choose another one.
    public static let slugTaken = Refusal(
        .conflict,
        "slug_taken",
        en: "Another park has that short name.",
        nl: "Een ander park heeft die korte naam al.",
        de: "Ein anderer Park hat diesen Kurznamen schon."
    )

    /// Another cottage type, or for an extra another extra, of the park has this `code`.
    public static let codeTaken = Refusal(
        .conflict,
        "code_taken",
        en: "The park has a cottage type with that code.",
        nl: "Het park heeft al een huisjestype met die code.",
        de: "Der Park hat schon einen Haustyp mit diesem Code."
    )

    /// Another cottage of the park, perhaps one that is not open, has this `number`; choose another one.
    public static let numberTaken = Refusal(
        .conflict,
        "number_taken",
        en: "The park has a cottage with that number.",
        nl: "Het park heeft al een huisje met dat nummer.",
        de: "Der Park hat schon ein Haus mit dieser Nummer."
    )

    /// `typeId` names a cottage type of another park, or none.
    public static let typeOfOtherPark = Refusal(
        .conflict,
        "type_of_other_park",
        en: "The park has no such cottage type.",
        nl: "Het park heeft dat huisjestype niet.",
        de: "Der Park hat diesen Haustyp nicht."
    )

    /// `season` shares a night with another rate of the same cottage type; shorten or end that one first.
    public static let seasonOverlaps = Refusal(
        .conflict,
        "season_overlaps",
        en: "The type has a rate for some of those nights already.",
        nl: "Voor sommige van die nachten heeft het type al een tarief.",
        de: "Für einige dieser Nächte hat der Typ schon einen Preis."
    )
}
