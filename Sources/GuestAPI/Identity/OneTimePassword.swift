import Crypto
public import Foundation

/// Time-based one-time passwords (RFC 6238) of six digits, half a minute each, as authenticator apps make them.
public struct OneTimePassword: Sendable {
    /// The seconds in which one code of an authenticator app is valid.
    public static let period: TimeInterval = 30

    public let secret: Data

    public init(secret: Data) {
        self.secret = secret
    }

    /// - Returns: nil for a text that is no base32 (RFC 4648).
    public init?(base32 text: String) {
        var bits = 0
        var value: UInt32 = 0
        var bytes = Data()
        for character in text.utf8 where character != UInt8(ascii: "=") {
            guard let index = Self.alphabet.firstIndex(of: character) else { return nil }
            value = value << 5 | UInt32(index)
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(bits)))
                value &= (1 << UInt32(bits)) - 1
            }
        }
        secret = bytes
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    public var base32: String {
        var bits = 0
        var value: UInt32 = 0
        var text: [UInt8] = []
        for byte in secret {
            value = value << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(Self.alphabet[Int(value >> UInt32(bits)) & 31])
            }
            value &= (1 << UInt32(bits)) - 1
        }
        if bits > 0 { text.append(Self.alphabet[Int(value << UInt32(5 - bits)) & 31]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The number of half-minutes since 1970, from which a code is made.
    public static func step(at now: Date) -> Int64 { Int64((now.timeIntervalSince1970 / period).rounded(.down)) }

    /// The code of six digits that an authenticator app shows.
    public func code(at step: Int64) -> String {
        let counter = withUnsafeBytes(of: step.bigEndian) { Data($0) }
        let digest = Array(
            HMAC<Insecure.SHA1>.authenticationCode(for: counter, using: SymmetricKey(data: secret))
        )
        let offset = Int(digest[digest.count - 1] & 0x0F)
        let number = digest[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let digits = String(number % 1_000_000)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }
}
