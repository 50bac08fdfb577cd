public import Foundation
import Logging
public import Postgres

/// The database of one test, on the throw-away cluster that `make test` starts.
public struct TestDatabase: Sendable {
    public let name: String
    public let connectionString: String

    public func open(
        readers: Int = 2,
        slowReaders: Int = 0,
        writers: Int = 8,
        patience: TimeInterval = 10,
        flush: @escaping Database.Flush = { _ in [] }
    ) throws -> Database {
        var configuration = Database.Configuration(connectionString: connectionString)
        configuration.readers = readers
        configuration.slowReaders = slowReaders
        configuration.writers = writers
        configuration.patience = patience
        configuration.logger.logLevel = .error
        return try Database(configuration, flush: flush)
    }
}

/// The connection string of the test cluster.
///
/// There is no default, so that a test never writes into a real database.
public func testCluster() throws -> String {
    guard let url = ProcessInfo.processInfo.environment["VOORPRET_TEST_DATABASE"] else {
        throw PostgresError.unreachable("VOORPRET_TEST_DATABASE is not set; run the tests with `make test`")
    }
    guard url.contains("host=/") else {
        throw PostgresError.unreachable("VOORPRET_TEST_DATABASE must be a local socket, not \(url)")
    }
    return url
}

/// Limits how many databases are lent at a time.
///
/// Tests run side by side, but a machine with two cores that runs a hundred services misses every deadline.
private actor Turns {
    static let shared = Turns()
    static let all = 4
    private var free = Turns.all
    private var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    func take(_ count: Int) async {
        // A test that already has a turn must not queue behind tests that wait for it.
        guard count > 0 else { return }
        if waiting.isEmpty, free >= count {
            free -= count
            return
        }
        await withCheckedContinuation { waiting.append((count, $0)) }
    }

    func giveBack(_ count: Int) {
        free += count
        while let first = waiting.first, free >= first.count {
            free -= first.count
            waiting.removeFirst()
            first.continuation.resume()
        }
    }
}

/// The kind of turn that a test waits for.
public enum Turn: Sendable {
    case besideOthers
    /// A turn without other tests, for races and deadlines.
    case alone
    /// No new turn, because the test already has one.
    case mine

    fileprivate var count: Int {
        switch self {
        case .besideOthers: 1
        case .alone: Turns.all
        case .mine: 0
        }
    }
}

/// Lends a new database, a copy of `template` if there is one, and drops it afterwards.
public func withTestDatabase<Value>(
    template: String? = nil,
    turn: Turn = .besideOthers,
    _ body: (TestDatabase) async throws -> Value
) async throws -> Value {
    await Turns.shared.take(turn.count)
    do {
        let value = try await lend(template: template, body)
        await Turns.shared.giveBack(turn.count)
        return value
    } catch {
        await Turns.shared.giveBack(turn.count)
        throw error
    }
}

private func lend<Value>(template: String?, _ body: (TestDatabase) async throws -> Value) async throws -> Value {
    let cluster = try testCluster()
    let name = "test_" + UUID().uuidString.lowercased().replacing("-", with: "")
    try await Script.run("CREATE DATABASE \(name)" + (template.map { " TEMPLATE \($0)" } ?? ""), on: cluster)
    let database = TestDatabase(name: name, connectionString: cluster.replacing("/voorpret?", with: "/\(name)?"))
    do {
        let value = try await body(database)
        try await Script.run("DROP DATABASE \(name) WITH (FORCE)", on: cluster)
        return value
    } catch {
        try? await Script.run("DROP DATABASE \(name) WITH (FORCE)", on: cluster)
        throw error
    }
}
