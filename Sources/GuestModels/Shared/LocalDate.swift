/// A day on the calendar of a park, without time or zone: `2027-05-14`.
///
/// The calendar is proleptic Gregorian, with the years 1 to 9999. The day arithmetic follows Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms" (2013).
public struct LocalDate: Hashable, Comparable, Sendable {
    /// The number of days from 1970-01-01 to the date; negative for earlier dates.
    public let daysSince1970: Int

    public static let earliest = LocalDate(daysSince1970: -719_162)
    public static let latest = LocalDate(daysSince1970: 2_932_896)

    /// Makes the date of a day number; years are clamped to 1 to 9999.
    public init(daysSince1970: Int) {
        self.daysSince1970 = min(max(daysSince1970, -719_162), 2_932_896)
    }

    /// Makes a date; nil when there is no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.init(daysSince1970: era * 146_097 + dayOfEra - 719_468)
        // A 31st in a shorter month becomes a day of the next month, so compare.
        guard components == (year, month, day) else { return nil }
    }

    public var components: (year: Int, month: Int, day: Int) {
        let shifted = daysSince1970 + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    public var weekday: Weekday {
        // 1970-01-01 was a Thursday.
        let index = ((daysSince1970 + 3) % 7 + 7) % 7
        return Weekday.allCases[index]
    }

    public func adding(days: Int) -> LocalDate {
        let (sum, overflow) = daysSince1970.addingReportingOverflow(days)
        return LocalDate(daysSince1970: overflow ? (days < 0 ? Int.min : Int.max) : sum)
    }

    public static func < (left: LocalDate, right: LocalDate) -> Bool {
        left.daysSince1970 < right.daysSince1970
    }
}

extension LocalDate: LosslessStringConvertible, Codable {
    /// Reads a date; nil unless the text is a real date in the form `yyyy-mm-dd`.
    public init?(_ text: String) {
        var text = text
        guard let date = text.withUTF8({ LocalDate(text: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = date
    }

    /// Reads a date; nil unless the bytes are a real date in the form `yyyy-mm-dd`.
    package init?(text bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for index in range {
                guard (48...57).contains(bytes[index]) else { return nil }
                value = value * 10 + Int(bytes[index] - 48)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else { return nil }
        self.init(year: year, month: month, day: day)
    }

    public var description: String {
        let (year, month, day) = components
        return String(unsafeUninitializedCapacity: 10) { text in
            func write(_ number: Int, _ range: Range<Int>) {
                var rest = number
                for index in range.reversed() {
                    text[index] = UInt8(48 + rest % 10)
                    rest /= 10
                }
            }
            write(year, 0..<4)
            text[4] = UInt8(ascii: "-")
            write(month, 5..<7)
            text[7] = UInt8(ascii: "-")
            write(day, 8..<10)
            return 10
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let date = LocalDate(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be a date such as 2027-05-14")
        }
        self = date
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The days of the week, Monday first, as in ISO 8601.
public enum Weekday: String, Codable, CaseIterable, Sendable {
    case monday, tuesday, wednesday, thursday, friday, saturday, sunday

    /// Whether the night after this weekday costs the weekend rate, as Friday and Saturday nights do.
    public var isWeekendNight: Bool { self == .friday || self == .saturday }
}
