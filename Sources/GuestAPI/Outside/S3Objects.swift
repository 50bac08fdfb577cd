import AsyncHTTPClient
import Crypto
import Foundation
import GuestModels
import NIOCore
import NIOHTTP1

/// Objects in a bucket of a store that speaks S3.
///
/// An object that is replaced or removed while it is read fails the reader.
struct S3Objects: ObjectStore {
    let settings: Settings.Objects
    private let now: @Sendable () -> Date

    /// The time for one answer of the store.
    private static let patience = TimeAmount.seconds(30)
    /// The time for storing an object.
    private static let patienceWithPut = TimeAmount.seconds(60)
    /// The bytes that are read at once.
    ///
    /// A piece is read whole before it is sent, so a guest on a slow line keeps no connection to the store.
    private static let piece = 256 * 1024

    /// The HTTP client gives up at once where no connection can be made: a job or a guest tries again.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(30)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// - Parameter now: the true time, because the store refuses a signature of another.
    init(_ settings: Settings.Objects, now: @escaping @Sendable () -> Date = { Date() }) {
        self.settings = settings
        self.now = now
    }

    func put(_ bytes: [UInt8], as name: String) async throws {
        try await ask(.PUT, name, body: bytes, within: Self.patienceWithPut) { answer in
            guard answer.status == .ok else { throw await Self.refusal(answer, name) }
        }
    }

    func open(_ name: String) async throws -> StoredObject? {
        let found: (size: Int, tag: String)? = try await ask(.HEAD, name) { head in
            if head.status == .notFound { return nil }
            guard head.status == .ok, let size = head.headers.first(name: "content-length").flatMap({ Int($0) }),
                let tag = head.headers.first(name: "etag")
            else { throw await Self.refusal(head, name) }
            return (size, tag)
        }
        guard let found else { return nil }
        return StoredObject(size: found.size) { range, send in
            var next = range.lowerBound
            while next < range.upperBound {
                let wanted = next..<min(next + Self.piece, range.upperBound)
                try await send(try await read(wanted, of: name, tag: found.tag))
                next = wanted.upperBound
            }
        }
    }

    private func read(_ range: Range<Int>, of name: String, tag: String) async throws -> ByteBuffer {
        let headers = ["range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)", "if-match": tag]
        return try await ask(.GET, name, headers) { answer in
            guard answer.status == .partialContent else { throw await Self.refusal(answer, name) }
            let piece = try await answer.body.collect(upTo: range.count)
            guard piece.readableBytes == range.count else {
                throw ObjectsUnavailable(description: "\(name) had \(piece.readableBytes) of \(range.count) bytes")
            }
            return piece
        }
    }

    func remove(_ name: String) async throws {
        try await ask(.DELETE, name) { answer in
            guard [.noContent, .ok, .notFound].contains(answer.status) else { throw await Self.refusal(answer, name) }
        }
    }

    func list(_ folder: String) async throws -> [ListedObject] { try await list(folder, page: 1000) }

    /// - Parameter page: the most names that the store is asked for at once.
    func list(_ folder: String, page: Int) async throws -> [ListedObject] {
        var (found, last) = ([ListedObject](), "")
        while true {
            var query = [("list-type", "2"), ("max-keys", "\(page)"), ("prefix", "\(folder)/")]
            if !last.isEmpty { query.append(("start-after", last)) }
            let page = try await ask(.GET, "", query: query) { answer in
                guard answer.status == .ok else { throw await Self.refusal(answer, folder) }
                return String(buffer: try await answer.body.collect(upTo: 16 << 20))
            }
            let names = Self.texts("Key", in: page)
            let sizes = Self.texts("Size", in: page).map { Int($0) }
            guard names.count == sizes.count, !sizes.contains(nil) else {
                throw ObjectsUnavailable(description: "the list of \(folder) cannot be read")
            }
            found += zip(names, sizes).map { ListedObject(name: $0, size: $1 ?? 0) }
            guard Self.texts("IsTruncated", in: page) == ["true"], let name = names.last else { return found }
            last = name
        }
    }

    /// The texts of an element in an answer; names have no characters that XML writes in another way.
    private static func texts(_ element: String, in xml: String) -> [String] {
        xml.components(separatedBy: "<\(element)>").dropFirst().map { rest in
            rest.components(separatedBy: "</\(element)>").first ?? ""
        }
    }

    /// - Parameter query: the parameters in the order of their names.
    private func ask<Value>(
        _ method: HTTPMethod,
        _ name: String,
        query: [(String, String)] = [],
        _ headers: [String: String] = [:],
        body: [UInt8] = [],
        within patience: TimeAmount = patience,
        _ take: (HTTPClientResponse) async throws -> Value
    ) async throws -> Value {
        try Task.checkCancellation()
        let parameters = query.map { "\($0)=\(SignedRequest.encoded($1))" }.joined(separator: "&")
        let url = "\(settings.url)/\(name)" + (parameters.isEmpty ? "" : "?\(parameters)")
        guard let parts = URLComponents(string: url), let host = parts.host else {
            throw ObjectsUnavailable(description: "\(url) is no address")
        }
        var headers = headers
        headers["host"] = parts.port.map { "\(host):\($0)" } ?? host
        let signing = SignedRequest(region: settings.region, key: settings.key, secret: settings.secret)
        let payload = SHA256.hash(data: body).hexadecimal
        var request = HTTPClientRequest(url: url)
        request.method = method
        for (name, value) in signing.headers(
            method.rawValue,
            parts.percentEncodedPath,
            query: parameters,
            headers,
            payload: payload,
            at: now()
        ) {
            request.headers.add(name: name, value: value)
        }
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            return try await take(Self.client.execute(request, timeout: patience))
        } catch let error as ObjectsUnavailable {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ObjectsUnavailable(description: "\(method) \(name): \(error)")
        }
    }

    private static func refusal(_ answer: HTTPClientResponse, _ name: String) async -> ObjectsUnavailable {
        let text = try? await answer.body.collect(upTo: 4096)
        return ObjectsUnavailable(
            description: "\(name): \(answer.status.code) \(text.map { String(buffer: $0) } ?? "")"
        )
    }
}
