import Foundation
import GuestModels

/// Reads the query of a request; collects the errors of all parameters, and refuses unknown parameters.
struct QueryReader {
    private let values: [String: String]
    private var known: Set<String> = []
    private var errors: [FieldError] = []

    init(_ call: Call) {
        values = call.query
    }

    /// Parses a percent-encoded query such as `a=1&b=2`.
    ///
    /// A name given twice or text that cannot be decoded is refused.
    static func parse(_ query: Substring) throws -> [String: String] {
        var values: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let texts = parts.map { String($0).replacing("+", with: " ").removingPercentEncoding }
            guard let name = texts[0], let value = texts.count > 1 ? texts[1] : "", !value.utf8.contains(0),
                !name.utf8.contains(0)
            else { throw BadRequest("?", "must be percent-encoded UTF-8 without zero characters") }
            guard values.updateValue(value.tidied, forKey: name) == nil else {
                throw BadRequest("?\(name)", "must not be given twice")
            }
        }
        return values
    }

    mutating func optional<Value: LosslessStringConvertible>(
        _ name: String,
        as type: Value.Type,
        _ detail: String
    ) -> Value? {
        known.insert(name)
        guard let text = values[name] else { return nil }
        guard let value = Value(text) else {
            errors.append(FieldError(pointer: "?\(name)", detail: detail))
            return nil
        }
        return value
    }

    mutating func date(_ name: String) -> LocalDate? {
        optional(name, as: LocalDate.self, "must be a date such as 2027-05-14")
    }

    /// Reads `date`, the only parameter of a list for one day.
    static func date(of call: Call) throws -> LocalDate {
        var query = QueryReader(call)
        let date = query.date("date")
        query.require(date != nil || query.values["date"] != nil, "date", "is missing")
        try query.finish()
        guard let date else { throw BadRequest("?date", "is missing") }
        return date
    }

    mutating func stay(_ from: String, _ to: String) -> Stay? {
        let arrival = date(from)
        let departure = date(to)
        guard let arrival, let departure else {
            require(values[from] != nil, from, "is missing")
            require(values[to] != nil, to, "is missing")
            return nil
        }
        let stay = Stay(from: arrival, to: departure)
        require(stay != nil, to, "must be after \(from)")
        return stay
    }

    /// Reads a range of days from two parameters: the first day, and the day after the last.
    mutating func days(_ from: String, _ to: String, atMost limit: Int) -> Stay? {
        let days = stay(from, to)
        require(days.map { $0.nightCount <= limit } ?? true, to, "must be at most \(limit) days after \(from)")
        return days
    }

    /// Reads the range of days of a list that has only the parameters `from` and `to`; `to` is not included.
    static func days(of call: Call, atMost limit: Int) throws -> Stay {
        var query = QueryReader(call)
        let days = query.days("from", "to", atMost: limit)
        try query.finish()
        guard let days else { throw BadRequest("?from", "is missing") }
        return days
    }

    mutating func int(_ name: String, _ range: ClosedRange<Int>, default fallback: Int) -> Int {
        guard let value = optional(name, as: Int.self, "must be a whole number") else { return fallback }
        require(range.contains(value), name, "must be from \(range.lowerBound) to \(range.upperBound)")
        // The caller uses the number before `finish` throws, so keep it in range to avoid an overflow.
        return min(max(value, range.lowerBound), range.upperBound)
    }

    mutating func flag(_ name: String) -> Bool {
        optional(name, as: Bool.self, "must be true or false") ?? false
    }

    /// Numbers with commas between them, such as `3,14`.
    mutating func ints(_ name: String, _ range: ClosedRange<Int>) -> [Int] {
        known.insert(name)
        guard let text = values[name], !text.isEmpty else { return [] }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        let valid = numbers.compactMap { $0 }.filter(range.contains)
        require(
            valid.count == numbers.count && valid.count <= 200,
            name,
            "must be numbers from \(range.lowerBound) to \(range.upperBound) with commas between them"
        )
        return valid
    }

    /// Reads a text that a person typed, by the same rules as texts in a body.
    mutating func text(_ name: String, length: ClosedRange<Int>) -> String? {
        known.insert(name)
        var check = Check(prefix: "?")
        check.text(values[name], name, length: length)
        errors += check.errors
        return values[name]
    }

    mutating func party() -> Party {
        Party(
            adults: int("adults", 0...200, default: 2),
            childAges: ints("childAges", 0...17),
            pets: int("pets", 0...50, default: 0)
        )
    }

    mutating func require(_ condition: Bool, _ name: String, _ detail: String) {
        if !condition { errors.append(FieldError(pointer: "?\(name)", detail: detail)) }
    }

    /// Throws all collected errors, and an error for each unknown parameter; the caller calls it last.
    mutating func finish() throws {
        for name in values.keys.sorted() where !known.contains(name) {
            errors.append(FieldError(pointer: "?\(name)", detail: "is not a parameter of this request"))
        }
        guard errors.isEmpty else { throw BadRequest(errors) }
    }
}
