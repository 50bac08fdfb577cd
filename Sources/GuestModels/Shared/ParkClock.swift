public import Foundation

/// A time of day on a park's clock: `15:00`.
public struct LocalTime: Hashable, Comparable, Sendable, Codable, LosslessStringConvertible {
    /// The time of day in minutes since midnight, 0 to 1439.
    public let minutes: Int

    public static let midnight = LocalTime(minutes: 0)
    public static let noon = LocalTime(minutes: 720)

    private init(minutes: Int) {
        self.minutes = minutes
    }

    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { return nil }
        minutes = hour * 60 + minute
    }

    /// A time that is a constant in the source, such as `15:00`.
    ///
    /// An invalid text stops the process.
    public init(constant text: StaticString) {
        guard let time = LocalTime("\(text)") else { preconditionFailure("'\(text)' is no time of day") }
        self = time
    }

    public var description: String {
        "\(minutes / 600)\(minutes / 60 % 10):\(minutes % 60 / 10)\(minutes % 10)"
    }

    public static func < (left: LocalTime, right: LocalTime) -> Bool { left.minutes < right.minutes }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = LocalTime(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be a time such as 15:00")
        }
        self = time
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Turns a park's dates and hours into instants and back.
///
/// A deadline is a local date, so it moves with daylight saving and does not depend on a client's time zone.
public struct ParkClock: Sendable {
    private let calendar: Calendar

    /// Whether a park may have the zone: `UTC`, or an IANA name with an area and a place.
    ///
    /// Foundation also accepts texts such as `GMT+0300`, which PostgreSQL reads differently or not at all.
    public static func isZone(_ name: String) -> Bool {
        name == "UTC" || name.contains("/") && TimeZone(identifier: name) != nil
    }

    /// - Parameter timeZone: an IANA name such as `Europe/Amsterdam`; nil when there is no such zone.
    public init?(timeZone: String) {
        guard let zone = TimeZone(identifier: timeZone) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        self.calendar = calendar
    }

    /// The clock of a zone that the database holds.
    ///
    /// - Throws: `Inconsistency` if the zone cannot be read: `isZone` checked it before it was stored.
    public init(stored timeZone: String) throws(Inconsistency) {
        guard let clock = ParkClock(timeZone: timeZone) else {
            throw Inconsistency("a park's time zone is '\(timeZone)', which cannot be read")
        }
        self = clock
    }

    /// The park's date at that instant.
    public func date(at instant: Date) -> LocalDate {
        let offset = calendar.timeZone.secondsFromGMT(for: instant)
        return LocalDate(daysSince1970: Int(((instant.timeIntervalSince1970 + Double(offset)) / 86400).rounded(.down)))
    }

    /// The park's date and the seconds since midnight at that instant, as a clock on the wall shows them.
    public func wall(at instant: Date) -> (date: LocalDate, seconds: Int) {
        let offset = calendar.timeZone.secondsFromGMT(for: instant)
        let seconds = Int(instant.timeIntervalSince1970.rounded(.down)) + offset
        let day = date(at: instant)
        return (day, seconds - day.daysSince1970 * 86400)
    }

    /// The instant of a time on a day.
    ///
    /// If daylight saving skips the time, the result is the first instant after the gap. If the time occurs twice, the
    /// result is the first.
    public func instant(_ date: LocalDate, _ time: LocalTime) -> Date {
        let (year, month, day) = date.components
        let wall = DateComponents(
            year: year,
            month: month,
            day: day,
            hour: time.minutes / 60,
            minute: time.minutes % 60
        )
        let naive = Date(timeIntervalSince1970: Double(date.daysSince1970 * 86400 + time.minutes * 60))
        return calendar.date(from: wall) ?? naive
    }
}
