import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Objects in a bucket of a store that speaks S3.
///
/// An object that is replaced or removed while it is read fails the reader.
struct S3Objects: ObjectStore {
    let settings: Settings.Objects
    private let now: @Sendable () -> Date
    /// The time for a whole answer; a client on a slow line takes long for its bytes.
    private static let patience = TimeAmount.hours(1)

    /// The HTTP client, which gives up at once where no connection can be made: a job or a guest tries again.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(5)
        // A guest on a slow line keeps the store waiting between two pieces.
        configuration.timeout.read = .seconds(120)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// - Parameter now: the true time, because the store refuses a signature with a wrong time.
    init(_ settings: Settings.Objects, now: @escaping @Sendable () -> Date = { Date() }) {
        self.settings = settings
        self.now = now
    }

    func put(_ bytes: [UInt8], as name: String) async throws {
        let answer = try await ask(.PUT, name, body: bytes)
        guard answer.status == .ok else { throw await refusal(answer, name) }
    }

    func open(_ name: String) async throws -> StoredObject? {
        let head = try await ask(.HEAD, name)
        if head.status == .notFound { return nil }
        guard head.status == .ok, let size = head.headers.first(name: "content-length").flatMap({ Int($0) }),
            let tag = head.headers.first(name: "etag")
        else { throw await refusal(head, name) }
        return StoredObject(size: size) { range, send in
            guard !range.isEmpty else { return }
            let bounds = "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
            let answer = try await ask(.GET, name, ["range": bounds, "if-match": tag])
            guard answer.status == .partialContent || answer.status == .ok && range.count == size else {
                throw await refusal(answer, name)
            }
            var count = 0
            do {
                for try await piece in answer.body {
                    count += piece.readableBytes
                    try await send(piece)
                }
            } catch let error as HTTPClientError {
                throw ObjectsUnavailable(description: "\(name) broke off: \(error)")
            }
            guard count == range.count else { throw ObjectsUnavailable(description: "\(name) had \(count) bytes") }
        }
    }

    func remove(_ name: String) async throws {
        let answer = try await ask(.DELETE, name)
        guard [.noContent, .ok, .notFound].contains(answer.status) else { throw await refusal(answer, name) }
    }

    /// Does nothing, because the store never keeps a part of an object.
    func forgetUnfinished(before instant: Date) async throws {}

    private func ask(
        _ method: HTTPMethod,
        _ name: String,
        _ headers: [String: String] = [:],
        body: [UInt8] = []
    ) async throws -> HTTPClientResponse {
        let url = "\(settings.url)/\(name)"
        guard let parts = URL(string: url), let host = parts.host() else {
            throw ObjectsUnavailable(description: "\(url) is no address")
        }
        var headers = headers
        headers["host"] = parts.port.map { "\(host):\($0)" } ?? host
        let signing = SignedRequest(region: settings.region, key: settings.key, secret: settings.secret)
        let payload = SignedRequest.digest(body)
        var request = HTTPClientRequest(url: url)
        request.method = method
        for (name, value) in signing.headers(method.rawValue, parts.path(), headers, payload: payload, at: now())
        where name != "host" {
            request.headers.add(name: name, value: value)
        }
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            return try await Self.client.execute(request, timeout: Self.patience)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ObjectsUnavailable(description: "\(method) \(name): \(error)")
        }
    }

    private func refusal(_ answer: HTTPClientResponse, _ name: String) async -> ObjectsUnavailable {
        let text = try? await answer.body.collect(upTo: 4096)
        return ObjectsUnavailable(
            description: "\(name): \(answer.status.code) \(text.map { String(buffer: $0) } ?? "")"
        )
    }
}
