import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// Sends signed events to webhooks, repeats them until they are received, and completes delayed payments.
struct WebhookSender: Service {
    let store: Store
    let options: Bank.Options

    /// The most tries of a delivery; with pauses that double up to an hour they last about three days.
    private static let maximumTries = 80

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    if try await round() == 0 { try await Task.sleep(for: .milliseconds(50)) }
                } catch {
                    try? await Task.sleep(for: .milliseconds(200))
                }
            }
        }
    }

    private func round() async throws -> Int {
        let now = Date().timeIntervalSince1970
        let options = options
        let due = try await store.write { store in
            for (id, account) in try store.takeLater(at: now) {
                try Bank(store: store, account: account, now: now, options: options).mature(id)
            }
            return try store.due(at: now, limit: 200)
        }
        let store = store
        await withTaskGroup(of: Void.self) { group in
            for delivery in due {
                group.addTask {
                    let isHeard = await Self.send(delivery)
                    try? await store.write { store in
                        if isHeard || delivery.tries >= Self.maximumTries {
                            try store.delivered(delivery)
                        } else {
                            let pause = min(pow(2, Double(min(delivery.tries, 20))), 3600)
                            try store.retry(delivery, at: Date().timeIntervalSince1970 + pause)
                        }
                    }
                }
            }
        }
        return due.count
    }

    private static func send(_ delivery: Writing.Delivery) async -> Bool {
        let time = Int(Date().timeIntervalSince1970)
        let signature = HMAC<SHA256>.authenticationCode(
            for: Data("\(time).\(delivery.body)".utf8),
            using: SymmetricKey(data: Data(delivery.secret.utf8))
        ).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        var request = HTTPClientRequest(url: delivery.url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json; charset=utf-8")
        request.headers.add(name: "stripe-signature", value: "t=\(time),v1=\(signature)")
        request.body = .bytes(ByteBuffer(string: delivery.body))
        guard let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(10)) else { return false }
        return (200..<300).contains(response.status.code)
    }
}
