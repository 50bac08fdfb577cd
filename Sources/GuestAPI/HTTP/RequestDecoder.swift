import Foundation
import GuestModels

/// Reads a request type from a body: strict JSON, no unknown fields, then the type's own checks.
enum RequestDecoder {
    /// - Parameters:
    ///   - now: the present time; a date of birth may not lie after it.
    ///   - isRaw: whether texts stay as they were sent; otherwise they are tidied.
    /// - Throws: `BadRequest` with a pointer for everything that is wrong.
    static func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: [UInt8],
        at now: Date,
        isRaw: Bool = false
    ) throws -> Value {
        let json = try StrictJSON.parse(bytes, isRaw: isRaw)
        let value: Value
        do {
            value = try Value(from: ValueDecoder(json: json, codingPath: []))
        } catch let error as DecodingError {
            throw BadRequest([error.fieldError])
        }
        var unknown: [FieldError] = []
        collectUnknown(json, "", into: &unknown)
        guard unknown.isEmpty else { throw BadRequest(unknown) }
        if let checked = value as? any Checked {
            // The latest date on earth at this moment, 14 hours ahead of UTC.
            let today = LocalDate(daysSince1970: Int((now.timeIntervalSince1970 + 14 * 3600) / 86400))
            var check = Check(today: today)
            checked.check(&check)
            guard check.errors.isEmpty else { throw BadRequest(check.errors) }
        }
        return value
    }

    private static func collectUnknown(_ json: JSONValue, _ pointer: String, into errors: inout [FieldError]) {
        switch json {
        case .object(let object):
            for (key, value) in object.members.sorted(by: { $0.key < $1.key }) {
                let inner = pointer + "/" + key.escapedForPointer
                if object.used.contains(key) {
                    collectUnknown(value, inner, into: &errors)
                } else {
                    errors.append(FieldError(pointer: inner, detail: "is not a field of this request"))
                }
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                collectUnknown(element, "\(pointer)/\(index)", into: &errors)
            }
        case .null, .bool, .number, .string: break
        }
    }
}

extension DecodingError {
    fileprivate var fieldError: FieldError {
        let (path, detail): ([any CodingKey], String) =
            switch self {
            case .keyNotFound(let key, let context): (context.codingPath + [key], "is missing")
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (context.codingPath, context.debugDescription)
            @unknown default: ([], "cannot be read")
            }
        // Our own messages say "must be …"; messages of Foundation or the standard library are for developers, so hide
        // them.
        let readable =
            detail.hasPrefix("must ") || detail == "is missing" ? detail : "must be one of the documented values"
        return FieldError(pointer: path.map { "/" + $0.stringValue.escapedForPointer }.joined(), detail: readable)
    }
}

private struct Index: CodingKey {
    let intValue: Int?
    let stringValue: String

    init(_ index: Int) {
        intValue = index
        stringValue = String(index)
    }

    init?(intValue: Int) {
        self.init(intValue)
    }

    init?(stringValue: String) {
        nil
    }
}

private struct ValueDecoder: Decoder {
    let json: JSONValue
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let object) = json else { throw mismatch("must be an object") }
        return KeyedDecodingContainer(ObjectReader<Key>(object: object, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let elements) = json else { throw mismatch("must be an array") }
        return ArrayReader(elements: elements, codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        ValueReader(decoder: self)
    }

    func mismatch(_ detail: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: detail))
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let special = try scalar(type) { return special }
        return try Value(from: self)
    }

    /// The types that JSON has itself, and dates; nil for all others.
    private func scalar<Value>(_ type: Value.Type) throws -> Value? {
        switch type {
        case is String.Type:
            guard case .string(let text) = json else { throw mismatch("must be a text") }
            return text as? Value
        case is Bool.Type:
            guard case .bool(let bool) = json else { throw mismatch("must be true or false") }
            return bool as? Value
        case is Int.Type: return try integer(Int.self) as? Value
        case is Int64.Type: return try integer(Int64.self) as? Value
        case is Int32.Type: return try integer(Int32.self) as? Value
        case is Double.Type:
            guard case .number(let text) = json, let number = Double(text), number.isFinite else {
                throw mismatch("must be a number")
            }
            return number as? Value
        case is Date.Type:
            guard case .string(let text) = json, let date = Date(rfc3339: text) else {
                throw mismatch("must be an instant such as 2027-05-14T12:00:00Z")
            }
            return date as? Value
        default: return nil
        }
    }

    private func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        // 5.0 and 1e2 are whole numbers too, as far as a double is exact.
        func rounded(_ text: String) -> Value? {
            guard let number = Double(text), abs(number) < 0x1p53 else { return nil }
            return Value(exactly: number)
        }
        guard case .number(let text) = json, let value = Value(text) ?? rounded(text) else {
            throw mismatch("must be a whole number of at most \(Value.bitWidth) bits")
        }
        return value
    }
}

private struct ObjectReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONObject
    let codingPath: [any CodingKey]

    var allKeys: [Key] {
        object.used.formUnion(object.members.keys)
        return object.members.keys.compactMap { Key(stringValue: $0) }
    }

    func contains(_ key: Key) -> Bool {
        object.used.insert(key.stringValue)
        return object.members[key.stringValue] != nil
    }

    private func decoder(_ key: some CodingKey) throws -> ValueDecoder {
        object.used.insert(key.stringValue)
        guard let value = object.members[key.stringValue] else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "is missing"))
        }
        return ValueDecoder(json: value, codingPath: codingPath + [key])
    }

    /// A client leaves a missing field out; null counts as a wrong value.
    func decodeNil(forKey key: Key) throws -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try decoder(key).decode(type)
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoder(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoder(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try decoder(key).decode(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try decoder(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try decoder(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        throw DecodingError.dataCorrupted(.init(codingPath: codingPath, debugDescription: "must not be inherited"))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

private struct ArrayReader: UnkeyedDecodingContainer {
    let elements: [JSONValue]
    let codingPath: [any CodingKey]
    var currentIndex = 0

    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    private mutating func next() throws -> ValueDecoder {
        guard currentIndex < elements.count else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath, debugDescription: "must have more than \(elements.count) entries")
            )
        }
        defer { currentIndex += 1 }
        return ValueDecoder(json: elements[currentIndex], codingPath: codingPath + [Index(currentIndex)])
    }

    mutating func decodeNil() throws -> Bool {
        guard currentIndex < elements.count, case .null = elements[currentIndex] else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct ValueReader: SingleValueDecodingContainer {
    let decoder: ValueDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool {
        guard case .null = decoder.json else { return false }
        return true
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
}
