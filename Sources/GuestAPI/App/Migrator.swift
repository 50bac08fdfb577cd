public import Foundation
import Postgres

/// Brings a database to the version this build expects: an empty one by `schema.sql`, an older one by
/// the migrations it has not seen.
public struct Migrator: Sendable {
    public static let expectedVersion = 37
    /// How many later versions this build still serves on, so that its nodes go on while a newer build is rolled out: the
    /// migrations of a release leave the statements of the release before it working.
    static let laterVersions = 10

    private let connectionString: String
    private let folder: URL

    /// - Parameter folder: where `schema.sql` and `migrations/` lie.
    public init(connectionString: String, folder: URL) {
        self.connectionString = connectionString
        self.folder = folder
    }

    public struct Failed: Error, CustomStringConvertible {
        public let description: String
    }

    /// Whether this build serves on a database of that version: while a newer one is rolled out, the nodes of before go on.
    static func isServed(_ version: Int) -> Bool {
        (expectedVersion...expectedVersion + laterVersions).contains(version)
    }

    static func version(of database: Database) async throws -> Int {
        let query = Query("SELECT max(number) AS version FROM schema_version") {
            try $0.decode("version", as: Int.self)
        }
        return try await database.read(as: "migrate") { try await $0.first(query) } ?? 0
    }

    /// Applies what is missing, each step in a transaction of its own with an advisory lock, so that two
    /// processes that start together do it once.
    ///
    /// Answers the names of what was applied.
    @discardableResult
    public func run() async throws -> [String] {
        var configuration = Database.Configuration(connectionString: connectionString)
        configuration.readers = 1
        let database = try Database(configuration)
        do {
            let applied = try await run(on: database)
            await database.close()
            return applied
        } catch {
            await database.close()
            throw error
        }
    }

    private func run(on database: Database) async throws -> [String] {
        let encoding = Query("SELECT current_setting('server_encoding') AS encoding") {
            try $0.decode("encoding", as: String.self)
        }
        let found = try await database.read(as: "migrate") { try await $0.first(encoding) } ?? ""
        guard found == "UTF8" else {
            throw Failed(
                description:
                    "the database's encoding is \(found); make it with createdb -E UTF8 -T template0, so that every name fits"
            )
        }
        let exists = Query("SELECT to_regclass('schema_version') IS NOT NULL AS exists") {
            try $0.decode("exists", as: Bool.self)
        }
        guard try await database.read(as: "migrate", { try await $0.first(exists) }) == true else {
            try await apply(folder.appending(path: "schema.sql"), unless: "to_regclass('schema_version') IS NOT NULL")
            return ["schema.sql"]
        }
        guard FileManager.default.fileExists(atPath: folder.appending(path: "schema.sql").path()) else {
            throw Failed(description: "\(folder.path()) has no schema.sql; set VOORPRET_SCHEMA to the folder that has")
        }
        let current = try await Self.version(of: database)
        guard Self.isServed(current) || current < Self.expectedVersion else {
            throw Failed(
                description:
                    "the database has version \(current), which is too new for this build's \(Self.expectedVersion)"
            )
        }
        var applied: [String] = []
        for (number, url) in try migrations() where number > current {
            try await apply(url, unless: "EXISTS (SELECT FROM schema_version WHERE number = \(number))")
            applied.append(url.lastPathComponent)
        }
        return applied
    }

    private func migrations() throws -> [(number: Int, url: URL)] {
        let folder = folder.appending(path: "migrations")
        let urls = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return try urls.filter { $0.pathExtension == "sql" }.map { url in
            guard let number = Int(url.lastPathComponent.prefix(4)) else {
                throw Failed(description: "\(url.lastPathComponent) does not begin with four digits")
            }
            return (number, url)
        }.sorted { $0.number < $1.number }
    }

    private func apply(_ url: URL, unless condition: String) async throws {
        guard let text = try? String(contentsOf: url, encoding: .utf8) else {
            throw Failed(description: "\(url.path()) cannot be read")
        }
        // The lock is held to the end of the transaction; who comes second finds the work done.
        let guarded = """
            BEGIN;
            SELECT pg_advisory_xact_lock(7306086);
            DO $guard$ BEGIN IF \(condition) THEN RAISE EXCEPTION 'done already' USING ERRCODE = 'VP001'; END IF; END $guard$;
            \(text)
            COMMIT;
            """
        do {
            try await Script.run(guarded, on: connectionString)
        } catch PostgresError.server(let error) where error.sqlState == "VP001" {
            return
        } catch PostgresError.server(let error) {
            throw Failed(description: "\(url.lastPathComponent): \(error)")
        }
    }
}
