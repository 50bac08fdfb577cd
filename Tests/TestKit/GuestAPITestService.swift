import AsyncHTTPClient
public import Foundation
public import GuestModels
import Logging
import NIOCore
import NIOHTTP1
public import Postgres
import Synchronization

@testable public import GuestAPI

/// Counts the requests that run at the same time.
private final class Crowd: Sendable {
    private let state = Mutex((entered: 0, inside: 0))

    /// Enters; returns a place when nobody else is inside, otherwise nil.
    func enter() -> Int? {
        state.withLock { state in
            state.entered += 1
            state.inside += 1
            return state.inside == 1 ? state.entered : nil
        }
    }

    /// Leaves; returns whether nobody else was inside during the whole time.
    func leave(_ place: Int?) -> Bool {
        state.withLock { state in
            state.inside -= 1
            return place == state.entered
        }
    }
}

/// A running service with its own database and a clock that belongs to the test.
public struct GuestAPITestService: Sendable {
    public let app: AppEnvironment
    public let clock: TestClock
    public let test: TestDatabase
    public let port: Int
    public let stateFolder: String
    public let log: RecordedLog
    /// The account at the payment sandbox; nil unless the test asked for one.
    public let account: SandboxAccount?
    private let crowd = Crowd()
    private let transcript: Transcript?

    init(
        app: AppEnvironment,
        clock: TestClock,
        test: TestDatabase,
        port: Int,
        stateFolder: String,
        log: RecordedLog,
        account: SandboxAccount?,
        transcript: Transcript?
    ) {
        self.app = app
        self.clock = clock
        self.test = test
        self.port = port
        self.stateFolder = stateFolder
        self.log = log
        self.account = account
        self.transcript = transcript
    }

    public var given: Given { Given(api: self) }
    public var now: Date { clock.now }

    // MARK: Asking

    public struct Response: Sendable {
        public let status: Int
        public let headers: [String: String]
        public let body: Data

        public var text: String { String(decoding: body, as: UTF8.self) }

        public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .custom { decoder in
                let text = try decoder.singleValueContainer().decode(String.self)
                guard let date = Date(rfc3339: text) else { throw CancellationError() }
                return date
            }
            return try decoder.decode(type, from: body)
        }

        /// The problem's code; nil when the answer is no problem document.
        public var code: String? {
            struct Problem: Decodable {
                let code: String
            }
            return try? JSONDecoder().decode(Problem.self, from: body).code
        }

        /// The pointers of a problem.
        public var pointers: [String] {
            struct Problem: Decodable {
                let errors: [FieldError]?
            }
            return (try? JSONDecoder().decode(Problem.self, from: body).errors?.map(\.pointer)) ?? []
        }
    }

    public func send(
        _ method: String,
        _ path: String,
        raw: Data? = nil,
        as who: Given.Person? = nil,
        key: String? = nil,
        match: Int? = nil,
        headers: [String: String] = [:]
    ) async throws -> Response {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = HTTPMethod(rawValue: method)
        if let raw {
            request.body = .bytes(ByteBuffer(bytes: raw))
            request.headers.replaceOrAdd(name: "content-type", value: "application/json")
        }
        if let who { request.headers.add(name: "authorization", value: "Bearer \(who.token)") }
        if let key { request.headers.add(name: "idempotency-key", value: key) }
        if let match { request.headers.add(name: "if-match", value: "\"\(match)\"") }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        let body = try await response.body.collect(upTo: 16 << 20)
        let answer = Response(
            status: Int(response.status.code),
            headers: Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first },
            body: Data(body.readableBytesView)
        )
        transcript?.note(method, path, raw, answer)
        // Acting for a guest may be refused anywhere, also where the document does not offer it.
        if !headers.keys.contains(where: { $0.lowercased() == "on-behalf-of" }),
            let name = try OpenAPIDocument.operation(method, path)
        {
            let code = answer.status < 400 ? nil : answer.code
            if let lack = OpenAPIDocument.shared.lacks(answer.status, code, of: name) { throw Leak(description: lack) }
            if let code { MetCodes.note(code, of: name) }
        }
        return answer
    }

    public func get(_ path: String, as who: Given.Person? = nil) async throws -> Response {
        try await send("GET", path, as: who)
    }

    /// Reads a continuing answer line by line, until the task is cancelled.
    public func listen(
        _ path: String,
        as who: Given.Person,
        _ heard: @Sendable (String) -> Void
    ) async throws {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.headers.add(name: "authorization", value: "Bearer \(who.token)")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        var line = ""
        for try await part in response.body {
            line += String(buffer: part)
            while let end = line.firstIndex(of: "\n") {
                if end > line.startIndex { heard(String(line[..<end])) }
                line = String(line[line.index(after: end)...])
            }
        }
    }

    public func post(
        _ path: String,
        _ body: (any Encodable & Sendable)? = nil,
        as who: Given.Person? = nil,
        key: String? = nil
    ) async throws -> Response {
        let raw = try body.map { Data(try ResponseEncoder.encode(JSONFragment($0))) }
        return try await insist("POST", path, raw: raw, as: who, key: key)
    }

    /// Repeats a request with the same idempotency key when the service is busy, as phones do.
    ///
    /// Only requests that run beside others are repeated; a request that ran alone must never find the service busy.
    private func insist(
        _ method: String,
        _ path: String,
        raw: Data?,
        as who: Given.Person?,
        key: String?,
        match: Int? = nil
    ) async throws -> Response {
        for _ in 0..<100 {
            let place = crowd.enter()
            let response = try await send(method, path, raw: raw, as: who, key: key, match: match)
            guard !crowd.leave(place), response.status == 503, key != nil else { return response }
            try await Task.sleep(for: .milliseconds(200))
        }
        return try await send(method, path, raw: raw, as: who, key: key, match: match)
    }

    public func change(
        _ method: String,
        _ path: String,
        _ body: some Encodable & Sendable,
        as who: Given.Person? = nil,
        match: Int? = nil,
        key: String? = nil
    ) async throws -> Response {
        try await insist(method, path, raw: Data(try ResponseEncoder.encode(body)), as: who, key: key, match: match)
    }

    // MARK: Looking behind

    /// Does every job that is due, and the jobs that follow from them.
    public func work() async throws {
        let workers = Job.Queue.allCases.map { Worker(app: app, queue: $0) }
        var found = 1
        while found > 0 {
            found = 0
            for worker in workers { found += try await worker.round() }
        }
    }

    public func count(_ sql: SQL) async throws -> Int {
        try await app.database.read(as: "test") { reader in
            try await reader.first(Query(sql) { try $0.decode("count", as: Int.self) })
        } ?? -1
    }

    @discardableResult
    public func transaction<Value>(_ body: (Transaction) async throws -> Value) async throws -> Value {
        // However slow the machine is.
        try await app.database.transaction(as: "test", within: 60, body)
    }

    /// A notice in the spool.
    public struct SpooledNotice: Sendable {
        public let token: String
        public let notice: Notice
        public let title: String
        public let body: String
    }

    /// Every notice in the spool, of all people, in the order of their jobs.
    public func notices() throws -> [SpooledNotice] {
        let folder = URL(filePath: stateFolder).appending(path: "push")
        let files = ((try? FileManager.default.subpathsOfDirectory(atPath: folder.path())) ?? []).filter {
            $0.hasSuffix(".json")
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let date = Date(rfc3339: text) else { throw CancellationError() }
            return date
        }
        return try files.map {
            try decoder.decode(SpooledPush.self, from: Data(contentsOf: folder.appending(path: $0)))
        }.sorted { $0.message.id < $1.message.id }
            .map {
                SpooledNotice(
                    token: $0.token,
                    notice: $0.message.notice,
                    title: $0.message.title,
                    body: $0.message.body
                )
            }
    }

    /// Every mail in the spool: headers, a blank line, and the text decoded.
    public func mails(to email: String) throws -> [String] {
        let folder = URL(filePath: stateFolder).appending(path: "mail").appending(path: Spool.folder(of: email))
        let urls = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        // A killed process may leave half a file beside the mails.
        return try urls.filter { $0.pathExtension == "eml" }.sorted { $0.path() < $1.path() }.map { url in
            let parts = try String(contentsOf: url, encoding: .utf8).components(separatedBy: "\r\n\r\n")
            let text = Data(base64Encoded: parts.dropFirst().joined(), options: .ignoreUnknownCharacters) ?? Data()
            return parts[0] + "\n\n" + String(decoding: text, as: UTF8.self)
        }
    }
}
