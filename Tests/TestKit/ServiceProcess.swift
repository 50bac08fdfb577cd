import AsyncHTTPClient
public import Foundation
import GuestAPI
import GuestClient
public import GuestModels
import NIOCore
import NIOHTTP1
import Synchronization

/// A running `voorpret` executable, for tests that kill it.
public final class ServiceProcess: Sendable {
    private let process: ChildProcess
    private let port: Int
    private let killed = Mutex(false)

    public var isKilled: Bool { killed.withLock { $0 } }

    private init(_ process: ChildProcess, port: Int) {
        self.process = process
        self.port = port
    }

    /// An executable of this package.
    public static func product(_ name: String) -> URL {
        // The build puts all products beside the test bundle.
        let bundle = Bundle.main.bundleURL
        let candidates = [bundle, bundle.deletingLastPathComponent()].map { $0.appending(path: name) }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0.path()) }
            ?? projectFolder.appending(path: ".build/debug/\(name)")
    }

    private static func process(
        _ arguments: [String],
        database: String,
        state: String,
        port: Int = 0,
        workers: Int = 0
    ) throws -> ChildProcess {
        let environment = [
            "VOORPRET_DATABASE": database, "VOORPRET_STATE": state, "VOORPRET_PORT": "\(port)",
            "VOORPRET_ADMIN_PORT": "0", "VOORPRET_WORKERS": "\(workers)", "VOORPRET_LOG_LEVEL": "critical",
            "VOORPRET_SCHEMA": projectFolder.path(), "VOORPRET_DATABASE_WRITERS": "8",
        ]
        return try ChildProcess(
            product("voorpret").path(percentEncoded: false),
            arguments,
            environment: environment,
            showsErrors: false
        )
    }

    /// Starts the service on the test's database and waits until it answers.
    public static func start(_ api: GuestAPITestService, workers: Int = 0) async throws -> ServiceProcess {
        let port = Int.random(in: 20_000...30_000)
        let process = try process(
            ["serve"],
            database: api.test.connectionString,
            state: api.stateFolder,
            port: port,
            workers: workers
        )
        let service = ServiceProcess(process, port: port)
        // A busy machine may need a long time.
        for _ in 0..<2400 where process.exitCode == nil {
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/docs")
            if let answer = try? await HTTPClient.shared.execute(request, timeout: .seconds(1)), answer.status == .ok {
                return service
            }
            try await Task.sleep(for: .milliseconds(25))
        }
        service.kill()
        throw Leak(description: "the service did not start")
    }

    public func kill() {
        killed.withLock { $0 = true }
        process.kill()
    }

    /// Sends bytes; nil if no answer came.
    ///
    /// - Parameter place: a file and its size; the service gets half of the bytes, and is killed once the file is larger.
    public func send(
        _ method: String,
        _ path: String,
        _ body: Data,
        headers: [String: String],
        as who: Given.Person,
        killingAt place: (file: String, size: Int)? = nil
    ) async -> (status: Int, headers: [String: String])? {
        var message = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        message.method = HTTPMethod(rawValue: method)
        message.headers.add(name: "authorization", value: "Bearer \(who.token)")
        for (name, value) in headers { message.headers.add(name: name, value: value) }
        message.body = .bytes(ByteBuffer(bytes: body))
        if let place {
            let halves = AsyncStream<ByteBuffer> { stream in
                stream.yield(ByteBuffer(bytes: body.prefix(body.count / 2)))
                Task {
                    func size() -> Int {
                        (try? FileManager.default.attributesOfItem(atPath: place.file))?[.size] as? Int ?? 0
                    }
                    while size() <= place.size { try await Task.sleep(for: .milliseconds(5)) }
                    self.kill()
                    stream.finish()
                }
            }
            message.body = .stream(halves, length: .known(Int64(body.count)))
        }
        guard let answer = try? await HTTPClient.shared.execute(message, timeout: .seconds(60)) else { return nil }
        _ = try? await answer.body.collect(upTo: 1 << 20)
        let told = answer.headers.map { ($0.name.lowercased(), $0.value) }
        return (Int(answer.status.code), Dictionary(told) { first, _ in first })
    }

    /// Books and returns the id of an acknowledged booking; nil for every other outcome.
    public func book(_ request: BookingRequest, as who: Given.Person, key: String) async -> String? {
        guard let body = try? JSONEncoder().encode(request) else { return nil }
        var message = HTTPClientRequest(url: "http://127.0.0.1:\(port)/v1/bookings")
        message.method = .POST
        message.headers.add(name: "content-type", value: "application/json")
        message.headers.add(name: "authorization", value: "Bearer \(who.token)")
        message.headers.add(name: "idempotency-key", value: key)
        message.body = .bytes(ByteBuffer(bytes: body))
        guard let answer = try? await HTTPClient.shared.execute(message, timeout: .seconds(3)),
            answer.status == .created,
            let bytes = try? await answer.body.collect(upTo: 1 << 20),
            let json = try? JSONSerialization.jsonObject(with: Data(bytes.readableBytesView)) as? [String: Any]
        else { return nil }
        return json["id"] as? String
    }

    /// Runs a subcommand to its end; returns its exit code.
    public static func run(_ arguments: [String], database: String, state: String) async throws -> Int32 {
        try await process(arguments, database: database, state: state).wait()
    }
}
