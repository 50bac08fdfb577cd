import Crypto
import Foundation

/// Stripe's signature over the raw bytes of a webhook: `t=SECONDS,v1=HEX[,v1=HEX…]`.
enum WebhookSignature {
    /// The most seconds between the time in a signature and our clock, for delays and clocks that differ.
    static let tolerance: TimeInterval = 300

    /// Whether a signature header matches the body.
    ///
    /// - Parameter secrets: the valid secrets of the webhook; there are two while one replaces the other.
    static func isValid(_ header: String, over body: [UInt8], secrets: [String], now: Date) -> Bool {
        guard header.utf8.count <= 2000 else { return false }
        var time: Int64?
        var signatures: [[UInt8]] = []
        for part in header.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            switch pair[0] {
            case "t": time = Int64(pair[1])
            case "v1": if let bytes = bytes(ofHex: pair[1]) { signatures.append(bytes) }
            default: break
            }
        }
        guard let time, abs(now.timeIntervalSince1970 - Double(time)) <= tolerance else { return false }
        let message = Data("\(time).".utf8) + Data(body)
        // The comparison takes as long for a wrong signature as for a right one.
        return secrets.contains { secret in
            let key = SymmetricKey(data: Data(secret.utf8))
            return signatures.contains {
                HMAC<SHA256>.isValidAuthenticationCode($0, authenticating: message, using: key)
            }
        }
    }

    private static func bytes(ofHex text: Substring) -> [UInt8]? {
        guard text.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var rest = text[...]
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
