import AsyncHTTPClient
import Crypto
import Foundation
import GuestModels
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A proxy between two sides that loses, delays, doubles or spoils messages.
struct FaultProxy: HTTPResponder {
    typealias Context = BasicRequestContext

    /// The address that receives the messages.
    let target: String
    let faults: [Fault]
    let plan: FaultPlan
    /// The provider's signing secret, so that the proxy can make a message look old.
    var webhookSecret = ""

    /// Runs the proxy on a port until the task is cancelled.
    func serve(port: Int) async throws {
        var logger = Logger(label: "proxy")
        logger.logLevel = .critical
        let app = Application(
            responder: self,
            configuration: .init(address: .hostname("127.0.0.1", port: port)),
            logger: logger
        )
        try await app.run()
    }

    private struct Message: Sendable {
        var method: HTTPRequest.Method
        var path: String
        var headers: HTTPFields
        var body: ByteBuffer
    }

    private struct Lost: Error {}

    func respond(to request: Request, context: Context) async throws -> Response {
        var message = Message(
            method: request.method,
            path: request.head.path ?? "/",
            headers: request.headers,
            body: try await request.body.collect(upTo: 1 << 20)
        )
        switch plan.choose(faults) {
        case nil: return await pass(message)
        case .requestDropped, .eventWithheld: return cutOff()
        case .answerDropped, .eventAnswerDropped:
            _ = await pass(message)
            return cutOff()
        case .answerDelayed:
            let answer = await pass(message)
            try? await Task.sleep(for: .milliseconds(plan.random(200...3000)))
            return answer
        case .requestDelayed, .eventDelayed:
            try? await Task.sleep(for: .milliseconds(plan.random(200...3000)))
            return await pass(message)
        case .requestDoubled, .eventDoubled:
            async let first = pass(message)
            async let second = pass(message)
            _ = await first
            return await second
        case .providerError: return Response(status: .internalServerError)
        case .eventStale:
            let time = Int(Date().timeIntervalSince1970) - 3600
            let signature = HMAC<SHA256>.authenticationCode(
                for: Data("\(time).".utf8) + Data(message.body.readableBytesView),
                using: SymmetricKey(data: Data(webhookSecret.utf8))
            ).hexadecimal
            message.headers[.stripeSignature] = "t=\(time),v1=\(signature)"
            return await pass(message)
        case .eventAltered:
            var bytes = Array(message.body.readableBytesView)
            if !bytes.isEmpty { bytes[plan.random(0...(bytes.count - 1))] ^= 1 }
            message.body = ByteBuffer(bytes: bytes)
            return await pass(message)
        case .disputeOpened, .disputeWon, .disputeLost, .debitReturned, .refundedElsewhere,
            .serviceKilled, .databaseRestarted, .providerKilled, .phoneKilled, .phoneCloned, .phonePartitioned,
            .phoneFull, .clockWrong, .memberLeft, .memberCameBack:
            return await pass(message)
        }
    }

    private func pass(_ message: Message) async -> Response {
        var onward = HTTPClientRequest(url: target + message.path)
        onward.method = HTTPMethod(rawValue: message.method.rawValue)
        for field in message.headers where field.name != .contentLength && field.name != .connection {
            onward.headers.add(name: field.name.rawName, value: field.value)
        }
        if message.body.readableBytes > 0 { onward.body = .bytes(message.body) }
        do {
            let response = try await HTTPClient.shared.execute(onward, timeout: .seconds(15))
            let body = try await response.body.collect(upTo: 8 << 20)
            var headers = HTTPFields()
            if let type = response.headers.first(name: "content-type") { headers[.contentType] = type }
            return Response(
                status: .init(code: Int(response.status.code)),
                headers: headers,
                body: .init(byteBuffer: body)
            )
        } catch {
            return cutOff()
        }
    }

    /// Answers with a head that promises a body, and then ends the connection.
    private func cutOff() -> Response {
        Response(status: .ok, headers: [.contentLength: "1000"], body: .init { _ in throw Lost() })
    }
}

extension HTTPField.Name {
    /// Makes a header name from a constant in the source.
    ///
    /// An invalid name stops the process at its first use.
    private init(constant name: StaticString) {
        guard let found = Self("\(name)") else { preconditionFailure("'\(name)' is no name of a header") }
        self = found
    }

    fileprivate static let stripeSignature = HTTPField.Name(constant: "Stripe-Signature")
}
