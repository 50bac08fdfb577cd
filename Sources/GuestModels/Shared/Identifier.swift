public import Foundation

/// The identifier of one `Subject`: a UUID with its own type, so a `Guest.ID` is not a `Booking.ID`.
///
/// New identifiers are UUIDv7 (RFC 9562), so they sort by their millisecond. A phone may choose them, so that it can
/// refer to new things while it is offline.
public struct Identifier<Subject>: Hashable, Comparable, Sendable {
    public let uuid: UUID

    public init(_ uuid: UUID) {
        self.uuid = uuid
    }

    /// When the identifier was made, exact to the millisecond; nil unless the UUID is version 7.
    public var madeAt: Date? {
        let bytes = withUnsafeBytes(of: uuid.uuid) { Array($0) }
        guard bytes[6] >> 4 == 7 else { return nil }
        let milliseconds = bytes.prefix(6).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    public static func < (left: Self, right: Self) -> Bool {
        withUnsafeBytes(of: left.uuid.uuid) { left in
            withUnsafeBytes(of: right.uuid.uuid) { right in
                left.lexicographicallyPrecedes(right)
            }
        }
    }
}

extension Identifier: LosslessStringConvertible, Codable {
    /// Reads the usual 36 characters, in upper or lower case.
    public init?(_ text: String) {
        guard let uuid = UUID(text: text) else { return nil }
        self.init(uuid)
    }

    /// The usual 36 characters, always in lower case.
    public var description: String { uuid.lowercasedText }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be a UUID")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A source of new identifiers.
///
/// Tests pass a source that counts up instead of drawing random numbers.
public struct IdentifierSource: Sendable {
    private let make: @Sendable (Date) -> UUID

    public init(_ make: @escaping @Sendable (Date) -> UUID) {
        self.make = make
    }

    /// UUIDv7: 48 bits of milliseconds since 1970, then 74 random bits.
    public static let random = IdentifierSource { now in
        var random = SystemRandomNumberGenerator()
        let millis = UInt64(max(0, now.timeIntervalSince1970 * 1000))
        let high = millis << 16 | 0x7000 | (random.next() & 0x0FFF)
        let low = 0x8000_0000_0000_0000 | (random.next() as UInt64 >> 2)
        func byte(_ word: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: word >> (56 - 8 * index)) }
        return UUID(
            uuid: (
                byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3),
                byte(high, 4), byte(high, 5), byte(high, 6), byte(high, 7),
                byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3),
                byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
            )
        )
    }

    public func next<Subject>(at now: Date) -> Identifier<Subject> {
        Identifier(make(now))
    }

    public func uuid(at now: Date) -> UUID {
        make(now)
    }
}
