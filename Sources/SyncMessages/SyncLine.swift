import Crypto
public import Foundation
import GuestModels

extension SyncLine {
    /// Reads a line of the answer.
    ///
    /// - Returns: nil for a kind of line that this build does not know.
    /// - Throws: `Malformed` for a line that the service never sends, such as a line cut off by a broken connection.
    public static func parse(_ line: some Collection<UInt8>) throws(Malformed) -> SyncLine? {
        let bytes = Array(line)
        if bytes.first == UInt8(ascii: "[") { return .row(try row(bytes)) }
        let value: Object
        do { value = try JSONDecoder().decode(Object.self, from: Data(bytes)) } catch { throw Malformed() }
        if let sequence = value.sequence, let outcome = value.outcome { return .outcome(sequence, outcome) }
        if let scope = value.scope { return .scope(scope) }
        if let scope = value.reset { return .reset(scope) }
        if let scope = value.removed { return .removed(scope) }
        if let cursor = value.page { return .page(cursor: cursor) }
        if let cursor = value.complete { return .complete(cursor: cursor, value.scopes ?? []) }
        if let sequence = value.expected { return .expected(sequence) }
        if value.forked == true { return .forked }
        if value.busy == true { return .busy }
        return nil
    }

    /// A line that the service never sends.
    public struct Malformed: Error {
        package init() {}
    }

    private struct Object: Decodable {
        let sequence: Int64?
        let outcome: Outcome?
        let expected: Int64?
        let forked: Bool?
        let busy: Bool?
        let scope: String?
        let reset: String?
        let removed: String?
        let page: String?
        let complete: String?
        let scopes: [ScopeState]?
    }

    /// Parses `["kind","id","hash",body]`, or `["kind","id"]` for a deleted row.
    ///
    /// The parser is written by hand, because the hash covers the exact bytes of the body.
    private static func row(_ bytes: [UInt8]) throws(Malformed) -> SyncRow {
        var position = 1
        func text(_ count: Int? = nil) throws(Malformed) -> String {
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw Malformed() }
            let start = position + 1
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\"")), count == nil || end - start == count
            else {
                throw Malformed()
            }
            position = end + 1
            return String(decoding: bytes[start..<end], as: UTF8.self)
        }
        func comma() throws(Malformed) {
            guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { throw Malformed() }
            position += 1
        }
        guard bytes.last == UInt8(ascii: "]") else { throw Malformed() }
        let kind = try text()
        try comma()
        guard let id = UUID(uuidString: try text(36)) else { throw Malformed() }
        if position == bytes.count - 1 { return SyncRow(kind: kind, id: id, content: nil) }
        try comma()
        guard let hash = UInt64(try text(16), radix: 16) else { throw Malformed() }
        try comma()
        guard position < bytes.count - 1 else { throw Malformed() }
        let body = String(decoding: bytes[position..<(bytes.count - 1)], as: UTF8.self)
        return SyncRow(kind: kind, id: id, content: .init(hash: hash, body: body))
    }
}

extension SyncRow {
    /// The hash that a row with this body must have.
    ///
    /// The hash is the first 64 bits of SHA-256 (FIPS 180-4) over kind, line feed, lower-case id, line feed and body.
    public static func hash(kind: String, id: UUID, body: String) -> UInt64 {
        var text = kind
        text += "\n"
        text += id.lowercasedText
        text += "\n"
        text += body
        return text.withUTF8 { bytes in
            var hash = SHA256()
            hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
            return first(of: hash.finalize())
        }
    }

    /// The first 64 bits of SHA-256 over data that is already in one piece.
    package static func hash(of data: Data) -> UInt64 { first(of: SHA256.hash(data: data)) }

    private static func first(of digest: SHA256.Digest) -> UInt64 {
        digest.withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }
}
