import Crypto
public import Foundation
import GuestModels

extension SyncLine {
    /// Reads a line of the answer.
    ///
    /// nil for one of a kind that this build does not know; throws `Malformed` for what no server of ours sends, as when
    /// the connection broke in the middle of it.
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

    /// A line that no server of ours sends.
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

    /// `["kind","id","hash",body]`, or `["kind","id"]` for what is deleted.
    ///
    /// By hand, because the hash is of the body's bytes as they stand there.
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
    /// What the hash of a body must be.
    ///
    /// The first 64 bits of SHA-256 (FIPS 180-4) over kind, a line feed, the id in lower case, a line feed and the body.
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

    /// Of all that is hashed, in one piece.
    package static func hash(of data: Data) -> UInt64 { first(of: SHA256.hash(data: data)) }

    private static func first(of digest: SHA256.Digest) -> UInt64 {
        digest.withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }
}
