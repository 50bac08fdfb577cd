import GuestModels

/// The errors of a body that cannot be accepted; they become a 400 with pointers.
struct BadRequest: Error {
    var errors: [FieldError]

    init(_ errors: [FieldError]) {
        self.errors = errors
    }

    init(_ pointer: String, _ detail: String) {
        errors = [FieldError(pointer: pointer, detail: detail)]
    }
}

/// A JSON value as it stood in the body (RFC 8259).
///
/// The parser is strict. A key comes once per object, and there are at most `maximumDepth` levels. Texts are UTF-8,
/// with whole surrogate pairs and without zero characters.
indirect enum JSONValue {
    case null
    case bool(Bool)
    /// A number as it was written in the body; the reader decides which type it fits.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

/// An object remembers which of its members were asked for, so that unknown ones can be refused.
final class JSONObject {
    let members: [String: JSONValue]
    var used: Set<String> = []

    init(_ members: [String: JSONValue]) {
        self.members = members
    }
}

struct StrictJSON {
    static let maximumDepth = 32
    /// The most values that a body may have in all; no request of the API needs nearly as many.
    static let maximumValues = 20_000

    private let bytes: [UInt8]
    private let isRaw: Bool
    private var index = 0
    private var path: [String] = []
    private var values = 0

    /// - Parameter isRaw: whether texts stay as they are; a text that is JSON itself is tidied when it is read.
    /// - Throws: `BadRequest` with the pointer of the error.
    static func parse(_ bytes: [UInt8], isRaw: Bool = false) throws -> JSONValue {
        guard bytes.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) != nil else {
            throw BadRequest("", "must be valid UTF-8")
        }
        var parser = StrictJSON(bytes: bytes, isRaw: isRaw)
        let value = try parser.value(depth: 1)
        parser.skipSpace()
        guard parser.index == bytes.count else { throw parser.failure("must end after one JSON value") }
        return value
    }

    private init(bytes: [UInt8], isRaw: Bool) {
        self.bytes = bytes
        self.isRaw = isRaw
    }

    private func failure(_ detail: String) -> BadRequest {
        BadRequest(path.map { "/" + $0.escapedForPointer }.joined(), detail)
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 32 || byte == 9 || byte == 10 || byte == 13 { index += 1 }
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth <= Self.maximumDepth else { throw failure("must not be nested deeper than \(Self.maximumDepth)") }
        values += 1
        guard values <= Self.maximumValues else { throw failure("has too many values") }
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""):
            let text = try string()
            return .string(isRaw ? text : text.tidied)
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw failure("must be JSON; it is empty or cut off")
        default: return .number(try number())
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
        guard bytes[index...].starts(with: word.utf8) else { throw failure("must be JSON") }
        index += word.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws -> JSONValue {
        index += 1
        var members: [String: JSONValue] = [:]
        skipSpace()
        if current == UInt8(ascii: "}") {
            index += 1
            return .object(JSONObject(members))
        }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure("must be JSON; a key is missing") }
            let key = try string()
            skipSpace()
            guard current == UInt8(ascii: ":") else { throw failure("must be JSON; a colon is missing") }
            index += 1
            path.append(key)
            guard members[key] == nil else { throw failure("must not be given twice") }
            members[key] = try value(depth: depth + 1)
            path.removeLast()
            skipSpace()
            if current == UInt8(ascii: ",") {
                index += 1
                continue
            }
            guard current == UInt8(ascii: "}") else { throw failure("must be JSON; an object is not closed") }
            index += 1
            return .object(JSONObject(members))
        }
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        index += 1
        var elements: [JSONValue] = []
        skipSpace()
        if current == UInt8(ascii: "]") {
            index += 1
            return .array(elements)
        }
        while true {
            path.append(String(elements.count))
            elements.append(try value(depth: depth + 1))
            path.removeLast()
            skipSpace()
            if current == UInt8(ascii: ",") {
                index += 1
                continue
            }
            guard current == UInt8(ascii: "]") else { throw failure("must be JSON; an array is not closed") }
            index += 1
            return .array(elements)
        }
    }

    private mutating func number() throws -> String {
        let start = index
        if current == UInt8(ascii: "-") { index += 1 }
        let digits = skipDigits()
        guard digits > 0, digits == 1 || bytes[index - digits] != UInt8(ascii: "0") else {
            throw failure("must be JSON")
        }
        if current == UInt8(ascii: ".") {
            index += 1
            guard skipDigits() > 0 else { throw failure("must be JSON") }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            index += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { index += 1 }
            guard skipDigits() > 0 else { throw failure("must be JSON") }
        }
        guard index - start <= 40 else { throw failure("must be a number of a sensible length") }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func skipDigits() -> Int {
        let start = index
        while let byte = current, byte >= 48, byte <= 57 { index += 1 }
        return index - start
    }

    private mutating func string() throws -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = current {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<32: throw failure("must not have a raw control character in a text")
            default: text.append(byte)
            }
        }
        throw failure("must be JSON; a text is not closed")
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard let byte = current else { throw failure("must be JSON; a text is not closed") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            var code = try hexCode()
            if (0xD800..<0xDC00).contains(code) {
                guard current == UInt8(ascii: "\\"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "u")
                else {
                    throw failure("must not have half a surrogate pair")
                }
                index += 2
                let low = try hexCode()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("must not have half a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard code != 0 else { throw failure("must not have a zero character") }
            guard let scalar = Unicode.Scalar(code) else { throw failure("must not have half a surrogate pair") }
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw failure("must be JSON; there is no such escape")
        }
    }

    private mutating func hexCode() throws -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("must be JSON; an escape is cut off")
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }
}

extension String {
    /// The text as a part of a JSON pointer, with `~` and `/` escaped as RFC 6901 asks.
    var escapedForPointer: String {
        replacing("~", with: "~0").replacing("/", with: "~1")
    }
}
