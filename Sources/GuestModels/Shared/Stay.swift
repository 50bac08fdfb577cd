/// The nights of a stay: from the day of arrival up to, not including, the day of departure, both park-local.
///
/// A stay has at least one night.
public struct Stay: Hashable, Sendable {
    public let arrival: LocalDate
    public let departure: LocalDate

    /// Makes a stay; nil unless departure is after arrival.
    public init?(from arrival: LocalDate, to departure: LocalDate) {
        guard arrival < departure else { return nil }
        self.arrival = arrival
        self.departure = departure
    }

    public var nightCount: Int { departure.daysSince1970 - arrival.daysSince1970 }

    public var nights: [LocalDate] {
        (0..<nightCount).map { arrival.adding(days: $0) }
    }

    /// Whether the stay lies in the years 2000 to 2099, the years of a park's calendar.
    public var isOnCalendar: Bool {
        arrival.components.year >= 2000 && departure.adding(days: -1).components.year < 2100
    }

    public func overlaps(_ other: Stay) -> Bool {
        arrival < other.departure && other.arrival < departure
    }
}

extension Stay: Codable {
    private enum Key: String, CodingKey {
        case arrival, departure
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let arrival = try container.decode(LocalDate.self, forKey: .arrival)
        let departure = try container.decode(LocalDate.self, forKey: .departure)
        guard let stay = Stay(from: arrival, to: departure) else {
            throw DecodingError.dataCorruptedError(
                forKey: .departure,
                in: container,
                debugDescription: "must be after arrival"
            )
        }
        self = stay
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(arrival, forKey: .arrival)
        try container.encode(departure, forKey: .departure)
    }
}
