/// A holiday park.
public struct Park: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Park>

    public var id: ID
    public var slug: String
    public var name: String
    /// The IANA name of the park's time zone; all of the park's dates and hours are in this zone.
    public var timeZone: String
    public var currency: String
    public var country: String
    public var longitude: Double
    public var latitude: Double
    /// Texts by language: `{"en": {"welcome": "…"}}`.
    public var texts: [String: [String: String]]
    public var rules: HouseRules
    public var version: Int

    public init(
        id: ID,
        slug: String,
        name: String,
        timeZone: String,
        currency: String,
        country: String,
        longitude: Double,
        latitude: Double,
        texts: [String: [String: String]],
        rules: HouseRules,
        version: Int
    ) {
        self.id = id
        self.slug = slug
        self.name = name
        self.timeZone = timeZone
        self.currency = currency
        self.country = country
        self.longitude = longitude
        self.latitude = latitude
        self.texts = texts
        self.rules = rules
        self.version = version
    }
}

/// A kind of cottage; many cottages can have the same type.
public struct CottageType: Codable, Hashable, Sendable {
    public typealias ID = Identifier<CottageType>

    public var id: ID
    public var parkId: Park.ID
    public var code: String
    public var name: String
    public var texts: [String: [String: String]]
    /// The most people aged two or older who may live in a cottage of the type.
    public var capacity: Int
    public var bedrooms: Int
    public var pets: Int
    public var isStepFree: Bool
    public var cleaningFee: Int64
    public var version: Int

    public init(
        id: ID,
        parkId: Park.ID,
        code: String,
        name: String,
        texts: [String: [String: String]],
        capacity: Int,
        bedrooms: Int,
        pets: Int,
        isStepFree: Bool,
        cleaningFee: Int64,
        version: Int
    ) {
        self.id = id
        self.parkId = parkId
        self.code = code
        self.name = name
        self.texts = texts
        self.capacity = capacity
        self.bedrooms = bedrooms
        self.pets = pets
        self.isStepFree = isStepFree
        self.cleaningFee = cleaningFee
        self.version = version
    }
}

/// A numbered unit on the park's map.
public struct Cottage: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Cottage>

    public var id: ID
    public var parkId: Park.ID
    public var typeId: CottageType.ID
    public var number: String
    public var longitude: Double
    public var latitude: Double
    /// Whether the cottage is offered; a closed cottage keeps its bookings.
    public var isOpen: Bool
    public var version: Int

    public init(
        id: ID,
        parkId: Park.ID,
        typeId: CottageType.ID,
        number: String,
        longitude: Double,
        latitude: Double,
        isOpen: Bool,
        version: Int
    ) {
        self.id = id
        self.parkId = parkId
        self.typeId = typeId
        self.number = number
        self.longitude = longitude
        self.latitude = latitude
        self.isOpen = isOpen
        self.version = version
    }
}

/// The price of a night in a cottage of a type, in one season.
public struct Rate: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Rate>

    public var id: ID
    public var typeId: CottageType.ID
    /// The nights from the first date up to, not including, the second.
    public var season: Stay
    /// The price of a night in minor units.
    public var night: Int64
    /// The price of a Friday or Saturday night in minor units.
    public var weekendNight: Int64
    public var version: Int

    public init(
        id: ID,
        typeId: CottageType.ID,
        season: Stay,
        night: Int64,
        weekendNight: Int64,
        version: Int
    ) {
        self.id = id
        self.typeId = typeId
        self.season = season
        self.night = night
        self.weekendNight = weekendNight
        self.version = version
    }
}

/// Nights in which a cottage is out of use.
public struct Closure: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Closure>

    public var id: ID
    public var cottageId: Cottage.ID
    public var stay: Stay
    public var reason: String

    public init(id: ID, cottageId: Cottage.ID, stay: Stay, reason: String) {
        self.id = id
        self.cottageId = cottageId
        self.stay = stay
        self.reason = reason
    }
}
