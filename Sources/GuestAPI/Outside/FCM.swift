import AsyncHTTPClient
import Foundation
import JWTKit
import NIOCore
import NIOHTTP1
import Synchronization

/// Google's Firebase Cloud Messaging, its HTTP v1 API, as a service account.
final class FCM: Sendable {
    private let settings: Settings.FCM
    private let access = Mutex<(token: String, until: Date)?>(nil)

    init(_ settings: Settings.FCM) {
        self.settings = settings
    }

    private struct Claims: JWTPayload {
        let iss: IssuerClaim
        let scope = "https://www.googleapis.com/auth/firebase.messaging"
        let aud: AudienceClaim
        let iat: IssuedAtClaim
        let exp: ExpirationClaim
        func verify(using algorithm: some JWTAlgorithm) throws {}

        enum CodingKeys: CodingKey {
            case iss, scope, aud, iat, exp
        }
    }

    private struct Grant: Decodable {
        let accessToken: String
        let expiresIn: Double
    }

    private struct Envelope: Encodable {
        struct Message: Encodable {
            struct Notification: Encodable {
                let title: String
                let body: String
            }

            struct Android: Encodable {
                struct Shown: Encodable {
                    let tag: String
                }

                let priority = "high"
                let ttl: String
                let notification: Shown
            }

            let token: String
            let notification: Notification
            let data: [String: String]
            let android: Android
        }

        let message: Message
    }

    private struct ErrorReply: Decodable {
        struct Inner: Decodable {
            struct Detail: Decodable {
                let errorCode: String?
            }

            let status: String?
            let details: [Detail]?
        }

        let error: Inner
    }

    func send(_ message: PushMessage, to token: String, at now: Date) async throws {
        var request = HTTPClientRequest(url: "\(settings.url)/v1/projects/\(settings.project)/messages:send")
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(try await bearer(at: now))")
        request.headers.add(name: "content-type", value: "application/json")
        let envelope = Envelope(
            message: .init(
                token: token,
                notification: .init(title: message.title, body: message.body),
                data: message.data,
                android: .init(
                    ttl: "\(max(0, Int(message.expiresAt.timeIntervalSince(now))))s",
                    notification: .init(tag: message.thread)
                )
            )
        )
        request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(envelope)))
        let response = try await OutsideHTTP.client(trusting: settings.trust).execute(request, timeout: .seconds(15))
        guard response.status != .ok else { return }
        let body = try await response.body.collect(upTo: 64 << 10)
        let reply = try? JSONDecoder().decode(ErrorReply.self, from: Data(body.readableBytesView)).error
        // The app is gone, or the token is another sender's.
        if reply?.details?.contains(where: { ["UNREGISTERED", "SENDER_ID_MISMATCH"].contains($0.errorCode) }) == true {
            throw PushMessage.Failure.unknownToken(since: nil)
        }
        if response.status == .unauthorized { access.withLock { $0 = nil } }
        throw PushMessage.Failure.refused(status: Int(response.status.code), reason: reply?.status ?? "")
    }

    /// An access token, asked for anew a minute before the last one ends.
    private func bearer(at now: Date) async throws -> String {
        if let known = access.withLock({ $0 }), now < known.until { return known.token }
        let keys = JWTKeyCollection()
        await keys.add(
            rsa: try Insecure.RSA.PrivateKey(pem: settings.key),
            digestAlgorithm: .sha256
        )
        let assertion = try await keys.sign(
            Claims(
                iss: IssuerClaim(value: settings.account),
                aud: AudienceClaim(value: settings.tokenURL),
                iat: IssuedAtClaim(value: now),
                exp: ExpirationClaim(value: now.addingTimeInterval(3600))
            )
        )
        var request = HTTPClientRequest(url: settings.tokenURL)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        // Base64 for URLs needs no escapes.
        let form = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=\(assertion)"
        request.body = .bytes(ByteBuffer(string: form))
        let response = try await OutsideHTTP.client(trusting: settings.trust).execute(request, timeout: .seconds(15))
        let body = try await response.body.collect(upTo: 64 << 10)
        guard response.status == .ok else {
            throw PushMessage.Failure.refused(status: Int(response.status.code), reason: "no access token")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let grant = try decoder.decode(Grant.self, from: Data(body.readableBytesView))
        access.withLock { $0 = (grant.accessToken, now.addingTimeInterval(grant.expiresIn - 60)) }
        return grant.accessToken
    }
}
