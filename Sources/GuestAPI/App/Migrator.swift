public import Foundation
import Postgres

/// Brings a database to the schema version that this build expects.
///
/// An empty database gets `schema.sql`. An older database gets the migrations that it has not had.
public struct Migrator: Sendable {
    public static let expectedVersion = 39
    /// The number of later schema versions with which this build still serves.
    ///
    /// Its nodes go on while a newer build is rolled out, because the migrations of a release keep the statements of
    /// the previous release working.
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

    /// Whether this build serves with a schema version: the version that it expects, or one of the next versions.
    static func isServed(_ version: Int) -> Bool {
        (expectedVersion...expectedVersion + laterVersions).contains(version)
    }

    static func version(of database: Database) async throws -> Int {
        let query = Query("SELECT max(number) AS version FROM schema_version") {
            try $0.decode("version", as: Int.self)
        }
        return try await database.read(as: "migrate") { try await $0.first(query) } ?? 0
    }

    /// Applies the missing schema or migrations, each file in a transaction of its own.
    ///
    /// Each transaction takes an advisory lock, so two processes that start together apply each file once.
    ///
    /// - Returns: the names of the applied files.
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
        // The lock is held until the transaction ends; a second process then finds the file already applied.
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
