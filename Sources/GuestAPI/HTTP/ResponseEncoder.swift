import Foundation
import GuestModels

/// Writes every answer as JSON, so that the same value always gives the same bytes.
///
/// Names are camelCase, instants are RFC 3339, and ids are in lower case. Fields keep the order of their declaration,
/// and dictionaries are sorted by key.
///
/// The encoder writes straight into one buffer. `JSONEncoder` first makes a tree of boxed values, which was a quarter
/// of the cost of a group's page.
enum ResponseEncoder {
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let output = JSONOutput()
        try ValueEncoder(output: output, depth: 0).write(value)
        output.close(downTo: 0)
        return output.bytes
    }
}

/// The JSON text that was written so far, and the objects and arrays that are still open in it.
private final class JSONOutput {
    private(set) var bytes: [UInt8] = []
    private var open: [(closer: UInt8, isEmpty: Bool)] = []

    init() {
        bytes.reserveCapacity(4096)
    }

    /// - Returns: the depth that the new object or array is at.
    func begin(_ opener: Character, _ closer: Character) -> Int {
        bytes.append(opener.asciiValue ?? 0)
        open.append((closer.asciiValue ?? 0, true))
        return open.count
    }

    /// Closes the objects and arrays that were opened inside a depth, before more is written at that depth.
    func close(downTo depth: Int) {
        while open.count > depth, let last = open.popLast() { bytes.append(last.closer) }
    }

    func comma(at depth: Int) {
        close(downTo: depth)
        let last = open.count - 1
        guard last >= 0 else { return }
        if open[last].isEmpty { open[last].isEmpty = false } else { bytes.append(UInt8(ascii: ",")) }
    }

    func key(_ key: String, at depth: Int) {
        comma(at: depth)
        string(key)
        bytes.append(UInt8(ascii: ":"))
    }

    func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    func raw(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// Writes a text in quotes, escaped as RFC 8259, section 7, asks.
    ///
    /// The quote, the backslash and characters below U+0020 are escaped.
    func string(_ text: String) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { characters in
            var start = 0
            for index in 0..<characters.count {
                let byte = characters[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                bytes.append(contentsOf: characters[start..<index])
                escape(byte)
                start = index + 1
            }
            bytes.append(contentsOf: characters[start...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\n"): raw(#"\n"#)
        case UInt8(ascii: "\r"): raw(#"\r"#)
        case UInt8(ascii: "\t"): raw(#"\t"#)
        case 0..<0x10: raw("\\u000\(String(byte, radix: 16))")
        case 0x10..<0x20: raw("\\u00\(String(byte, radix: 16))")
        default:
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        }
    }

    func number(_ value: Double, _ path: [any CodingKey]) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(value, .init(codingPath: path, debugDescription: "JSON has no \(value)"))
        }
        raw(value.description)
    }
}

/// Writes one value, wherever it stands.
private struct ValueEncoder: Encoder, SingleValueEncodingContainer {
    let output: JSONOutput
    /// The number of objects and arrays around the value.
    let depth: Int

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(ObjectEncoder(output: output, depth: output.begin("{", "}")))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        ArrayEncoder(output: output, depth: output.begin("[", "]"))
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func write<Value: Encodable>(_ value: Value) throws {
        if Value.self == Date.self, let date = value as? Date {
            output.string(date.rfc3339)
        } else if Value.self == UUID.self, let id = value as? UUID {
            output.string(id.lowercasedText)
        } else if Value.self is any SortedByKey.Type, let dictionary = value as? any SortedByKey {
            try dictionary.write(to: ObjectEncoder<TextKey>(output: output, depth: output.begin("{", "}")))
        } else {
            let before = output.bytes.count
            try value.encode(to: self)
            // A value without fields has no reason to open an object.
            if output.bytes.count == before { output.raw("{}") }
        }
    }

    func encodeNil() { output.raw("null") }
    func encode(_ value: Bool) { if value { output.raw("true") } else { output.raw("false") } }
    func encode(_ value: String) { output.string(value) }
    func encode(_ value: Double) throws { try output.number(value, codingPath) }
    func encode(_ value: Float) throws { try output.number(Double(value), codingPath) }
    func encode(_ value: some FixedWidthInteger & Encodable) { output.raw(String(value)) }
    func encode(_ value: some Encodable) throws { try write(value) }
}

private struct ObjectEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let output: JSONOutput
    let depth: Int

    var codingPath: [any CodingKey] { [] }

    private func value(_ key: Key) -> ValueEncoder {
        output.key(key.stringValue, at: depth)
        return ValueEncoder(output: output, depth: depth)
    }

    func encodeNil(forKey key: Key) { value(key).encodeNil() }
    func encode(_ value: Bool, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: String, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: Double, forKey key: Key) throws { try self.value(key).encode(value) }
    func encode(_ value: Float, forKey key: Key) throws { try self.value(key).encode(value) }
    func encode(_ value: some FixedWidthInteger & Encodable, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: some Encodable, forKey key: Key) throws { try self.value(key).write(value) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        value(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { value(key).unkeyedContainer() }
    func superEncoder() -> any Encoder {
        output.key("super", at: depth)
        return ValueEncoder(output: output, depth: depth)
    }
    func superEncoder(forKey key: Key) -> any Encoder { value(key) }
}

private struct ArrayEncoder: UnkeyedEncodingContainer {
    let output: JSONOutput
    let depth: Int
    private(set) var count = 0

    init(output: JSONOutput, depth: Int) {
        self.output = output
        self.depth = depth
    }

    var codingPath: [any CodingKey] { [] }

    private mutating func next() -> ValueEncoder {
        output.comma(at: depth)
        count += 1
        return ValueEncoder(output: output, depth: depth)
    }

    mutating func encodeNil() { next().encodeNil() }
    mutating func encode(_ value: Bool) { next().encode(value) }
    mutating func encode(_ value: String) { next().encode(value) }
    mutating func encode(_ value: Double) throws { try next().encode(value) }
    mutating func encode(_ value: Float) throws { try next().encode(value) }
    mutating func encode(_ value: some FixedWidthInteger & Encodable) { next().encode(value) }
    mutating func encode(_ value: some Encodable) throws { try next().write(value) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { next().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { next() }
}

/// A dictionary that is written in the order of its keys, because its own order differs from run to run.
private protocol SortedByKey {
    func write(to object: ObjectEncoder<TextKey>) throws
}

extension Dictionary: SortedByKey where Key == String, Value: Encodable {
    fileprivate func write(to object: ObjectEncoder<TextKey>) throws {
        for (key, value) in sorted(by: { $0.key < $1.key }) { try object.encode(value, forKey: TextKey(key)) }
    }
}

private struct TextKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
