public import Foundation
import Logging
public import Postgres

/// A database of one test's own, on the throw-away cluster that `make test` starts.
public struct TestDatabase: Sendable {
    public let name: String
    public let connectionString: String

    public func open(
        readers: Int = 2,
        writers: Int = 8,
        patience: TimeInterval = 10,
        flush: @escaping Database.Flush = { _ in [] }
    ) throws -> Database {
        var configuration = Database.Configuration(connectionString: connectionString)
        configuration.readers = readers
        configuration.writers = writers
        configuration.patience = patience
        configuration.logger.logLevel = .error
        return try Database(configuration, flush: flush)
    }
}

/// The cluster.
///
/// There is none by default, so that a test never writes into somebody's real database.
public func testCluster() throws -> String {
    guard let url = ProcessInfo.processInfo.environment["VOORPRET_TEST_DATABASE"] else {
        throw PostgresError.unreachable("VOORPRET_TEST_DATABASE is not set; run the tests with `make test`")
    }
    guard url.contains("host=/") else {
        throw PostgresError.unreachable("VOORPRET_TEST_DATABASE must be a local socket, not \(url)")
    }
    return url
}

/// Lends a new database, a copy of `template` if there is one, and drops it afterwards.
public func withTestDatabase<Value>(
    template: String? = nil,
    _ body: (TestDatabase) async throws -> Value
) async throws -> Value {
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
