public import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdHTTP2
import JWTKit
import Logging
import NIOCore
import NIOSSL
import Synchronization

@testable public import GuestAPI

/// Fake push services of Apple and Google, built from their documents, over HTTP/2 and TLS with their own certificate.
///
/// They check what the real services check: the signer, the time, the app, and which tokens exist.
public final class PushServices: Sendable {
    /// A notice that was delivered for a known phone.
    public struct Delivery: Sendable {
        public let token: String
        public let title: String
        public let body: String
        public let id: String
        /// The thread; a new notice replaces an earlier one of the same thread on the screen.
        public let thread: String
        public let notice: String
        public let isHTTP2: Bool
    }

    private struct State {
        var deliveries: [Delivery] = []
        /// The refusals of the next requests: a status and a reason each.
        var refusals: [(status: Int, reason: String)] = []
        var gone: [String: Date] = [:]
        /// Signed tokens that Apple has seen, and access tokens that Google has given.
        var bearers: Set<String> = []
        var grants = 0
    }

    private let state = Mutex(State())
    private let folder: URL
    private let clock: TestClock
    private let keys: (apple: ES256PrivateKey, google: String)
    private let port = Int.random(in: 31_001...32_000)

    public var deliveries: [Delivery] { state.withLock { $0.deliveries } }
    /// The numbers of signatures for Apple and of access requests to Google.
    public var signatures: (apple: Int, google: Int) { state.withLock { ($0.bearers.count, $0.grants) } }
    public func refuse(_ status: Int, _ reason: String) { state.withLock { $0.refusals.append((status, reason)) } }
    /// Forgets the last deliveries.
    public func forget(_ count: Int) { state.withLock { $0.deliveries.removeLast(min(count, $0.deliveries.count)) } }
    /// Reports from `instant` on that the app is no longer on that phone.
    public func remove(_ token: String, at instant: Date) { state.withLock { $0.gone[token] = instant } }

    private init(_ folder: URL, _ clock: TestClock) throws {
        self.folder = folder
        self.clock = clock
        keys = (ES256PrivateKey(), try String(contentsOf: folder.appending(path: "key.pem"), encoding: .utf8))
    }

    /// Runs the push services while `body` runs.
    public static func run(
        clock: TestClock,
        _ body: (PushServices) async throws -> Void
    ) async throws {
        let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-push-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.currentDirectoryURL = folder
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "certificate.pem",
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        let services = try PushServices(folder, clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (starts, started) = AsyncStream.makeStream(of: Void.self)
            group.addTask { try await services.serve { started.yield() } }
            var iterator = starts.makeAsyncIterator()
            await iterator.next()
            try await body(services)
            group.cancelAll()
        }
    }

    private func serve(_ onRunning: @escaping @Sendable () -> Void) async throws {
        var logger = Logger(label: "push services")
        logger.logLevel = .critical
        let certificate = try NIOSSLCertificate.fromPEMFile(folder.appending(path: "certificate.pem").path())
        let key = try NIOSSLPrivateKey(file: folder.appending(path: "key.pem").path(), format: .pem)
        let server = Application(
            responder: CallbackResponder<Context> { request, context in
                try await self.answer(request, isHTTP2: context.isHTTP2)
            },
            server: try .http2Upgrade(
                tlsConfiguration: .makeServerConfiguration(
                    certificateChain: certificate.map { .certificate($0) },
                    privateKey: .privateKey(key)
                )
            ),
            configuration: .init(address: .hostname("localhost", port: port)),
            onServerRunning: { _ in onRunning() },
            logger: logger
        )
        do { try await server.run() } catch is CancellationError {}
    }

    private struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let isHTTP2: Bool

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            // With HTTP/2 each stream of a connection has its own channel.
            isHTTP2 = String(describing: type(of: source.channel)).contains("HTTP2")
        }
    }

    // MARK: Settings that lead here

    private var trust: String { folder.appending(path: "certificate.pem").path() }
    private var url: String { "https://localhost:\(port)" }

    public var apns: Settings.APNs {
        Settings.APNs(
            url: url,
            key: keys.apple.pemRepresentation,
            keyID: "KEY1234567",
            team: "TEAM123456",
            topic: "org.example.voorpret",
            trust: trust
        )
    }

    public func fcm() throws -> Settings.FCM {
        let file = [
            "project_id": "voorpret-test", "client_email": "push@voorpret-test.example.org",
            "private_key": keys.google, "token_uri": "\(url)/token",
        ]
        return try Settings.FCM(file: JSONEncoder().encode(file), url: url, trust: trust)
    }

    // MARK: What they answer

    private struct AppleClaims: JWTPayload {
        let iss: IssuerClaim
        let iat: IssuedAtClaim
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    private struct GoogleClaims: JWTPayload {
        let iss: IssuerClaim
        let scope: String
        let aud: AudienceClaim
        let exp: ExpirationClaim
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    private struct Sent: Decodable {
        struct APS: Decodable {
            struct Alert: Decodable {
                let title: String
                let body: String
            }

            let alert: Alert
        }

        struct Message: Decodable {
            struct Android: Decodable {
                struct Shown: Decodable {
                    let tag: String
                }

                let notification: Shown
            }

            let token: String
            let notification: APS.Alert
            let data: [String: String]
            let android: Android
        }

        let aps: APS?
        let notice: String?
        let message: Message?
    }

    private func answer(_ request: Request, isHTTP2: Bool) async throws -> Response {
        let body = Data(try await request.body.collect(upTo: 1 << 20).readableBytesView)
        let path = request.head.path ?? ""
        if path == "/token" { return try await grant(String(decoding: body, as: UTF8.self)) }
        if let refusal = state.withLock({ $0.refusals.isEmpty ? nil : $0.refusals.removeFirst() }) {
            return refuse(refusal.status, refusal.reason)
        }
        let bearer = request.headers[.authorization] ?? ""
        if path.hasPrefix("/3/device/") { return try await push(request, body, bearer, path, isHTTP2) }
        guard path == "/v1/projects/voorpret-test/messages:send" else { return refuse(404, "no such path") }
        guard state.withLock({ $0.bearers.contains(bearer) }) else { return refuse(401, "UNAUTHENTICATED") }
        guard let message = try JSONDecoder().decode(Sent.self, from: body).message else {
            return refuse(400, "INVALID_ARGUMENT")
        }
        if state.withLock({ $0.gone[message.token] }) != nil {
            let told = #"{"error":{"status":"NOT_FOUND","details":[{"errorCode":"UNREGISTERED"}]}}"#
            return Response(status: .notFound, body: .init(byteBuffer: ByteBuffer(string: told)))
        }
        keep(
            Delivery(
                token: message.token,
                title: message.notification.title,
                body: message.notification.body,
                id: "",
                thread: message.android.notification.tag,
                notice: message.data["notice"] ?? "",
                isHTTP2: isHTTP2
            )
        )
        return Response(status: .ok)
    }

    private func push(
        _ request: Request,
        _ body: Data,
        _ bearer: String,
        _ path: String,
        _ isHTTP2: Bool
    )
        async throws -> Response
    {
        let known = JWTKeyCollection()
        await known.add(ecdsa: keys.apple.publicKey, kid: "KEY1234567")
        let signed = String(bearer.dropFirst("bearer ".count))
        guard let claims = try? await known.verify(signed, as: AppleClaims.self), claims.iss.value == "TEAM123456",
            abs(claims.iat.value.timeIntervalSince(clock.now)) < 3600
        else { return refuse(403, "InvalidProviderToken") }
        state.withLock { _ = $0.bearers.insert(signed) }
        func header(_ name: String) -> String {
            HTTPField.Name(name).flatMap { request.headers[$0] } ?? ""
        }
        guard header("apns-topic") == "org.example.voorpret", header("apns-push-type") == "alert",
            UUID(uuidString: header("apns-id")) != nil, header("apns-collapse-id").utf8.count <= 64,
            let expiration = Double(header("apns-expiration")), expiration > clock.now.timeIntervalSince1970,
            body.count <= 4096
        else { return refuse(400, "BadRequest") }
        let token = String(path.dropFirst("/3/device/".count))
        guard token.allSatisfy(\.isHexDigit) else { return refuse(400, "BadDeviceToken") }
        if let since = state.withLock({ $0.gone[token] }) {
            let told = #"{"reason":"Unregistered","timestamp":\#(Int(since.timeIntervalSince1970 * 1000))}"#
            return Response(status: .gone, body: .init(byteBuffer: ByteBuffer(string: told)))
        }
        let sent = try JSONDecoder().decode(Sent.self, from: body)
        keep(
            Delivery(
                token: token,
                title: sent.aps?.alert.title ?? "",
                body: sent.aps?.alert.body ?? "",
                id: header("apns-id"),
                thread: header("apns-collapse-id"),
                notice: sent.notice ?? "",
                isHTTP2: isHTTP2
            )
        )
        return Response(status: .ok)
    }

    private func grant(_ form: String) async throws -> Response {
        let known = JWTKeyCollection()
        let key = try Insecure.RSA.PrivateKey(pem: keys.google)
        await known.add(rsa: key.publicKey, digestAlgorithm: .sha256)
        let assertion = form.components(separatedBy: "assertion=").last ?? ""
        guard let claims = try? await known.verify(assertion, as: GoogleClaims.self), claims.exp.value > clock.now,
            claims.aud.value == ["\(url)/token"], claims.iss.value == "push@voorpret-test.example.org",
            claims.scope.hasSuffix("firebase.messaging")
        else { return refuse(401, "invalid_grant") }
        let token = UUID().uuidString
        state.withLock {
            $0.bearers.insert("Bearer \(token)")
            $0.grants += 1
        }
        let told = #"{"access_token":"\#(token)","expires_in":3599,"token_type":"Bearer"}"#
        return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: told)))
    }

    private func keep(_ delivery: Delivery) { state.withLock { $0.deliveries.append(delivery) } }

    private func refuse(_ status: Int, _ reason: String) -> Response {
        let told = #"{"reason":"\#(reason)","error":{"status":"\#(reason)"}}"#
        return Response(status: .init(code: status), body: .init(byteBuffer: ByteBuffer(string: told)))
    }
}
