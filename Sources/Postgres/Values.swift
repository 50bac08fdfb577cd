public import Foundation
public import GuestModels

/// A Swift value that can be bound to a parameter.
///
/// The server infers the SQL type from the statement.
public protocol PostgresEncodable: Sendable {
    var postgresParameter: Parameter { get }
}

/// A Swift value that can be read from a column's text; nil when the text is no such value.
public protocol PostgresDecodable: Sendable {
    init?(postgresText bytes: UnsafeRawBufferPointer)
}

public typealias PostgresValue = PostgresEncodable & PostgresDecodable

extension PostgresEncodable where Self: LosslessStringConvertible {
    public var postgresParameter: Parameter { Parameter(text: description) }
}

extension PostgresDecodable where Self: FixedWidthInteger {
    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        let negative = rest.first == UInt8(ascii: "-")
        if negative { rest = rest.dropFirst() }
        guard !rest.isEmpty else { return nil }
        var value: Self = 0
        for byte in rest {
            guard byte >= 48, byte <= 57 else { return nil }
            let (product, tooBig) = value.multipliedReportingOverflow(by: 10)
            let digit = Self(byte - 48)
            let (sum, over) =
                negative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if tooBig || over { return nil }
            value = sum
        }
        self = value
    }
}

extension Int: PostgresValue {}
extension Int64: PostgresValue {}
extension Int32: PostgresValue {}
extension Int16: PostgresValue {}

extension Double: PostgresValue {
    public var postgresParameter: Parameter {
        Parameter(text: isNaN ? "NaN" : isInfinite ? (self < 0 ? "-Infinity" : "Infinity") : description)
    }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        self.init(String(decoding: bytes, as: UTF8.self))
    }
}

extension Bool: PostgresValue {
    public var postgresParameter: Parameter { Parameter(text: self ? "t" : "f") }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        switch bytes.first {
        case UInt8(ascii: "t"): self = true
        case UInt8(ascii: "f"): self = false
        default: return nil
        }
    }
}

extension String: PostgresValue {
    public var postgresParameter: Parameter { Parameter(text: self) }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        self.init(decoding: bytes, as: UTF8.self)
    }
}

extension UUID: PostgresValue {
    public var postgresParameter: Parameter { Parameter(text: lowercasedText) }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        self.init(text: bytes)
    }
}

/// Binds and reads `bytea`.
extension Data: PostgresValue {
    public var postgresParameter: Parameter {
        let digits = Array("0123456789abcdef".utf8)
        let text = String(unsafeUninitializedCapacity: 2 + 2 * count) { text in
            text[0] = UInt8(ascii: "\\")
            text[1] = UInt8(ascii: "x")
            var place = 2
            for byte in self {
                text[place] = digits[Int(byte >> 4)]
                text[place + 1] = digits[Int(byte & 15)]
                place += 2
            }
            return place
        }
        return Parameter(text: text)
    }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2, bytes.count % 2 == 0, bytes[0] == UInt8(ascii: "\\"), bytes[1] == UInt8(ascii: "x")
        else { return nil }
        self.init(capacity: bytes.count / 2)
        for index in stride(from: 2, to: bytes.count, by: 2) {
            guard let high = hexValue(bytes[index]), let low = hexValue(bytes[index + 1]) else { return nil }
            append(high << 4 | low)
        }
    }
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 97...102: byte - 87
    case 65...70: byte - 55
    default: nil
    }
}

/// A value of type `json` or `jsonb`, as text.
public struct JSONText: PostgresValue, Equatable {
    public let text: String

    public init(_ text: String) {
        self.text = text
    }

    public var postgresParameter: Parameter { Parameter(text: text) }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        text = String(decoding: bytes, as: UTF8.self)
    }
}

/// `date`. An infinite date is not a `LocalDate`; read it as `Unbounded<LocalDate>`.
extension LocalDate: PostgresValue {
    public var postgresParameter: Parameter { Parameter(text: description) }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        self.init(text: bytes)
    }
}

/// Binds and reads `timestamptz`, in whole microseconds.
///
/// Sessions run in UTC, so the server's text ends in `+00`.
extension Date: PostgresValue {
    public var postgresParameter: Parameter {
        let micros = Int64((timeIntervalSince1970 * 1_000_000).rounded())
        let (days, rest) = micros.quotientAndRemainderFloored(by: 86_400_000_000)
        let day = LocalDate(daysSince1970: Int(days))
        let seconds = rest / 1_000_000
        let fraction = String(rest % 1_000_000 + 1_000_000).dropFirst()
        let clock = "\(seconds / 3600):\(seconds / 60 % 60):\(seconds % 60).\(fraction)+00"
        return Parameter(text: "\(day) \(clock)")
    }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        // The server's text looks like 2027-05-14 12:34:56.123456+00.
        guard bytes.count >= 22, let day = LocalDate(postgresText: .init(rebasing: bytes[0..<10])) else { return nil }
        func number(_ range: Range<Int>) -> Int? { Int(postgresText: .init(rebasing: bytes[range])) }
        guard let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19) else { return nil }
        var micros = 0
        var scale = 100_000
        var index = 19
        if bytes[19] == UInt8(ascii: ".") {
            index = 20
            while index < bytes.count, bytes[index] >= 48, bytes[index] <= 57 {
                micros += Int(bytes[index] - 48) * scale
                scale /= 10
                index += 1
            }
        }
        guard bytes[index...].elementsEqual("+00".utf8) else { return nil }
        let seconds = day.daysSince1970 * 86400 + hour * 3600 + minute * 60 + second
        self.init(timeIntervalSince1970: Double(seconds) + Double(micros) / 1_000_000)
    }
}

extension Int64 {
    fileprivate func quotientAndRemainderFloored(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// A date or instant that may be `-infinity` or `infinity`.
public enum Unbounded<Value: PostgresValue & Equatable>: PostgresValue, Equatable {
    case distantPast
    case finite(Value)
    case distantFuture

    public var postgresParameter: Parameter {
        switch self {
        case .distantPast: Parameter(text: "-infinity")
        case .finite(let value): value.postgresParameter
        case .distantFuture: Parameter(text: "infinity")
        }
    }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        if bytes.elementsEqual("infinity".utf8) {
            self = .distantFuture
        } else if bytes.elementsEqual("-infinity".utf8) {
            self = .distantPast
        } else if let value = Value(postgresText: bytes) {
            self = .finite(value)
        } else {
            return nil
        }
    }
}

/// A typed identifier is its UUID.
extension Identifier: PostgresValue {
    public var postgresParameter: Parameter { uuid.postgresParameter }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        guard let uuid = UUID(postgresText: bytes) else { return nil }
        self.init(uuid)
    }
}

/// A stay is a `daterange`, which PostgreSQL always writes as `[arrival,departure)`.
extension Stay: PostgresValue {
    public var postgresParameter: Parameter { Parameter(text: "[\(arrival),\(departure))") }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        guard let range = PostgresRange<LocalDate>(postgresText: bytes), let lower = range.lower,
            let upper = range.upper, range.includesLower, !range.includesUpper
        else { return nil }
        self.init(from: lower, to: upper)
    }
}

/// A value of any range type.
///
/// `lower` and `upper` are nil where the range has no bound, and both are nil when it is empty.
public struct PostgresRange<Bound: PostgresValue & Equatable>: PostgresValue, Equatable {
    public var lower: Bound?
    public var upper: Bound?
    public var includesLower: Bool
    public var includesUpper: Bool
    public var isEmpty: Bool

    public init(lower: Bound?, upper: Bound?, includesLower: Bool = true, includesUpper: Bool = false) {
        self.lower = lower
        self.upper = upper
        self.includesLower = includesLower
        self.includesUpper = includesUpper
        isEmpty = false
    }

    public var postgresParameter: Parameter {
        guard !isEmpty else { return Parameter(text: "empty") }
        let low = lower?.postgresParameter.text.map { "\"\($0)\"" } ?? ""
        let high = upper?.postgresParameter.text.map { "\"\($0)\"" } ?? ""
        return Parameter(text: "\(includesLower ? "[" : "(")\(low),\(high)\(includesUpper ? "]" : ")")")
    }

    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        if bytes.elementsEqual("empty".utf8) {
            self.init(lower: nil, upper: nil)
            isEmpty = true
            return
        }
        guard bytes.count >= 3, let open = bytes.first, let close = bytes.last else { return nil }
        let inner = bytes[1..<(bytes.count - 1)].filter { $0 != UInt8(ascii: "\"") }
        guard let comma = inner.firstIndex(of: UInt8(ascii: ",")) else { return nil }
        func bound(_ slice: ArraySlice<UInt8>) -> Bound?? {
            if slice.isEmpty { return .some(nil) }
            return slice.withUnsafeBytes { Bound(postgresText: $0) }.map(Optional.some)
        }
        guard let lower = bound(inner[..<comma]), let upper = bound(inner[(comma + 1)...]) else { return nil }
        self.init(
            lower: lower,
            upper: upper,
            includesLower: open == UInt8(ascii: "["),
            includesUpper: close == UInt8(ascii: "]")
        )
    }
}

/// Binds and reads an array of one dimension.
extension Array: PostgresEncodable where Element: PostgresEncodable {
    public var postgresParameter: Parameter {
        var text = "{"
        for (index, element) in enumerated() {
            if index > 0 { text += "," }
            guard let item = element.postgresParameter.text else {
                text += "NULL"
                continue
            }
            text += "\""
            if item.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") }) {
                for scalar in item.unicodeScalars {
                    if scalar == "\\" || scalar == "\"" { text += "\\" }
                    text.unicodeScalars.append(scalar)
                }
            } else {
                text += item
            }
            text += "\""
        }
        return Parameter(text: text + "}")
    }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    public init?(postgresText bytes: UnsafeRawBufferPointer) {
        guard let texts = arrayElements(bytes) else { return nil }
        self.init()
        reserveCapacity(texts.count)
        for text in texts {
            // An array of values that cannot be NULL must not contain NULL.
            guard let text, let value = text.withUnsafeBytes({ Element(postgresText: $0) }) else { return nil }
            append(value)
        }
    }
}

/// Splits an array text such as `{a,"b\"c",NULL}`; nil when the array is nested or cut off.
private func arrayElements(_ bytes: UnsafeRawBufferPointer) -> [[UInt8]?]? {
    guard bytes.count >= 2, bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") else { return nil }
    var elements: [[UInt8]?] = []
    var index = 1
    let end = bytes.count - 1
    while index < end {
        var element: [UInt8] = []
        let quoted = bytes[index] == UInt8(ascii: "\"")
        if quoted {
            index += 1
            while index < end, bytes[index] != UInt8(ascii: "\"") {
                if bytes[index] == UInt8(ascii: "\\") { index += 1 }
                guard index < end else { return nil }
                element.append(bytes[index])
                index += 1
            }
            index += 1
        } else {
            while index < end, bytes[index] != UInt8(ascii: ",") {
                guard bytes[index] != UInt8(ascii: "{") else { return nil }
                element.append(bytes[index])
                index += 1
            }
        }
        elements.append(!quoted && element.elementsEqual("NULL".utf8) ? nil : element)
        if index < end {
            guard bytes[index] == UInt8(ascii: ",") else { return nil }
            index += 1
        }
    }
    return elements
}
