import AsyncHTTPClient
import Foundation
import GuestModels
import JWTKit
import NIOCore
import NIOHTTP1
import Synchronization

/// Apple's push service, over HTTP/2 with a signing key.
///
/// Apple wants one token signed for 20 to 60 minutes and closes the connection on whoever signs more often.
final class APNs: Sendable {
    private let settings: Settings.APNs
    private let signed = Mutex<(text: String, at: Date)?>(nil)

    init(_ settings: Settings.APNs) {
        self.settings = settings
    }

    private struct Claims: JWTPayload {
        let iss: IssuerClaim
        let iat: IssuedAtClaim
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    private struct ErrorReply: Decodable {
        let reason: String?
        /// The time since which the phone's token is not in use, in milliseconds since 1970.
        let timestamp: Double?
    }

    private struct Payload: Encodable {
        struct APS: Encodable {
            struct Alert: Encodable {
                let title: String
                let body: String
            }

            enum CodingKeys: String, CodingKey {
                case alert, sound
                case threadID = "thread-id"
                case contentAvailable = "content-available"
            }

            let alert: Alert
            let sound = "default"
            let threadID: String
            /// Wakes the app, so that it syncs before it is opened.
            let contentAvailable = 1
        }

        let aps: APS
        let data: [String: String]

        func encode(to encoder: any Encoder) throws {
            try data.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(aps, forKey: .aps)
        }

        enum CodingKeys: CodingKey {
            case aps
        }
    }

    func send(_ message: PushMessage, to token: String, at now: Date) async throws {
        var request = HTTPClientRequest(url: "\(settings.url)/3/device/\(token)")
        request.method = .POST
        request.headers.add(name: "authorization", value: "bearer \(try await bearer(at: now))")
        request.headers.add(name: "apns-topic", value: settings.topic)
        request.headers.add(name: "apns-push-type", value: "alert")
        request.headers.add(name: "apns-priority", value: "10")
        request.headers.add(name: "apns-id", value: message.id.description)
        request.headers.add(name: "apns-collapse-id", value: message.thread)
        request.headers.add(name: "apns-expiration", value: "\(Int(message.expiresAt.timeIntervalSince1970))")
        let payload = Payload(
            aps: .init(
                alert: .init(title: message.title, body: message.body),
                threadID: message.subject.groupId?.description ?? message.thread
            ),
            data: message.data
        )
        request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(payload)))
        let response = try await OutsideHTTP.client(trusting: settings.trust).execute(request, timeout: .seconds(15))
        guard response.status != .ok else { return }
        let body = try await response.body.collect(upTo: 64 << 10)
        let reply = try? JSONDecoder().decode(ErrorReply.self, from: Data(body.readableBytesView))
        let reason = reply?.reason ?? ""
        switch (response.status.code, reason) {
        case (410, _):
            throw PushMessage.Failure.unknownToken(
                since: (reply?.timestamp).map { Date(timeIntervalSince1970: $0 / 1000) }
            )
        case (400, "BadDeviceToken"):
            throw PushMessage.Failure.unknownToken(since: nil)
        case (403, _):
            // Apple may find the token too old, so the next try signs a new one.
            signed.withLock { $0 = nil }
        default: break
        }
        throw PushMessage.Failure.refused(status: Int(response.status.code), reason: reason)
    }

    /// Whether a signature is fresh; jobs of one batch may have slightly different times.
    private static func isFresh(_ signing: Date, _ now: Date) -> Bool {
        (-60..<40 * 60).contains(now.timeIntervalSince(signing))
    }

    private func bearer(at now: Date) async throws -> String {
        let known = signed.withLock { $0 }
        if let known, Self.isFresh(known.at, now) { return known.text }
        let keys = JWTKeyCollection()
        await keys.add(ecdsa: try ES256PrivateKey(pem: settings.key), kid: JWKIdentifier(string: settings.keyID))
        let text = try await keys.sign(
            Claims(iss: IssuerClaim(value: settings.team), iat: IssuedAtClaim(value: now)),
            kid: JWKIdentifier(string: settings.keyID)
        )
        return signed.withLock { current in
            // If another job has signed meanwhile, use its token.
            if let current, Self.isFresh(current.at, now) { return current.text }
            current = (text, now)
            return text
        }
    }
}
