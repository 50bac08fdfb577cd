public import Foundation
import GuestModels
import Logging
import Postgres

@testable public import GuestAPI

/// The start of the tests' clock: a Saturday in November, noon in Amsterdam.
public let testStart = Date(timeIntervalSince1970: 1_795_258_800)

/// Lends a running service and checks it afterwards.
///
/// The checks are that no connection stayed leased, and that phones get what the tables say.
///
/// - Parameter clock: made when the test's turn has come, which may be minutes after it began to wait.
/// - Parameter adjust: changes the service's set-up for the test.
/// - Parameter isTampering: whether the test changes tables without the verbs.
public func withGuestAPI(
    workers: Int = 0,
    capacity: Int = 64,
    clock makeClock: @autoclosure () -> TestClock = TestClock(testStart),
    limits: ConnectionGuard.Limits = ConnectionGuard.Limits(),
    payments: Bool = false,
    account given: SandboxAccount? = nil,
    turn: Turn = .besideOthers,
    isTampering: Bool = false,
    adjust: (inout Settings) throws -> Void = { _ in },
    test name: String = #function,
    file: String = #fileID,
    _ body: (GuestAPITestService) async throws -> Void
) async throws {
    let template = try await Template.shared.name()
    let _: Void = try await withTestDatabase(template: template, turn: turn) { test in
        let clock = makeClock()
        let folder = NSTemporaryDirectory() + "voorpret-" + test.name
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var settings = Settings.forTests(test.connectionString, folder: folder, workers: workers, capacity: capacity)
        var account: SandboxAccount?
        if payments {
            let shared = try await SandboxProcess.shared()
            let own = given ?? SandboxAccount(sandbox: shared, key: "sk_test_\(test.name)")
            settings.payments = own.settings
            account = own
        }
        // Tests wait long for the database, because machines are slow, and less long than their client waits for an answer.
        settings.databasePatience = 15
        try adjust(&settings)
        let its = account
        let log = RecordedLog()
        let transcript = Transcript(of: "\(file) \(name)", database: test.name)
        let app = try AppEnvironment(
            settings: settings,
            now: { clock.now },
            ids: transcript == nil ? .random : Transcript.counted(),
            secret: ServerSecret(Data("a secret for tests only, of 32 b.".utf8)),
            logger: log.logger
        )
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let service = GuestService(app, limits: limits) { announce.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await service.run() } catch is CancellationError {}
            }
            var iterator = ports.makeAsyncIterator()
            guard let port = await iterator.next() else { throw CancellationError() }
            let api = GuestAPITestService(
                app: app,
                clock: clock,
                test: test,
                port: port,
                stateFolder: folder,
                log: log,
                account: its,
                transcript: transcript
            )
            do {
                try await body(api)
                // A herald that still runs soon returns its connection; a leaked connection stays leased.
                var leased = workers == 0 ? await app.database.census().leased : 0
                for _ in 0..<100 where leased != 0 {
                    try await Task.sleep(for: .milliseconds(10))
                    leased = await app.database.census().leased
                }
                if leased != 0 { throw Leak(description: "\(leased) connections are leased") }
                let differences = isTampering ? [] : try await Office(app).checkSync()
                guard differences.isEmpty else {
                    throw Unpublished(description: differences.joined(separator: "\n"))
                }
            } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
        }
    }
}

/// The rows that phones get differ from the tables.
struct Unpublished: Error, CustomStringConvertible {
    let description: String
}

struct Leak: Error, CustomStringConvertible {
    let description: String
}

extension Settings {
    static func forTests(_ database: String, folder: String, workers: Int, capacity: Int) -> Settings {
        var settings = Settings(
            database: database,
            host: "127.0.0.1",
            port: 0,
            adminPort: 0,
            stateFolder: folder,
            capacity: capacity,
            workers: workers,
            openAPI: projectFolder.appending(path: "openapi.yaml").path()
        )
        settings.photoWorker = ServiceProcess.product("photo-worker").path(percentEncoded: false)
        return settings
    }
}
