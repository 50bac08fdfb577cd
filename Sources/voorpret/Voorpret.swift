import ArgumentParser
import Configuration
import Foundation
import GuestAPI
import Logging
import Postgres

@main
struct Voorpret: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voorpret",
        abstract: "The guest backend of a holiday park.",
        discussion: "Settings are environment variables that begin with VOORPRET_; README has the table.",
        subcommands: [
            Serve.self, Migrate.self, Demo.self, Import.self, Jobs.self, Staff.self, Check.self, Backup.self,
            Restore.self,
        ],
        defaultSubcommand: Serve.self
    )
}

/// What every subcommand starts from.
enum Setup {
    static func settings() throws -> Settings {
        let config = ConfigReader(provider: EnvironmentVariablesProvider()).scoped(to: "voorpret")
        let settings = try Settings(config)
        guard !settings.database.isEmpty else {
            throw SettingsError(
                description: "VOORPRET_DATABASE is not set; it takes a libpq connection string. `make run` sets one up."
            )
        }
        return settings
    }

    static func app(_ settings: Settings) throws -> AppEnvironment {
        var logger = Logger(label: "voorpret")
        logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
        return try AppEnvironment(settings: settings, secret: try secret(in: settings.stateFolder), logger: logger)
    }

    /// Runs with an environment that is closed afterwards.
    static func withApp<Value>(_ body: (AppEnvironment) async throws -> Value) async throws -> Value {
        let app = try app(settings())
        do {
            let value = try await body(app)
            await app.database.close()
            return value
        } catch {
            await app.database.close()
            throw error
        }
    }

    /// 32 random bytes in a file that only its owner may read; made at the first start.
    private static func secret(in folder: String) throws -> Data {
        let url = URL(filePath: folder).appending(path: "secret")
        if let data = try? Data(contentsOf: url) {
            guard data.count >= 32 else { throw SettingsError(description: "\(url.path()) is too short; delete it") }
            return data
        }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var random = SystemRandomNumberGenerator()
        let data = Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        guard FileManager.default.createFile(atPath: url.path(), contents: data, attributes: [.posixPermissions: 0o600])
        else { throw SettingsError(description: "\(url.path()) cannot be written") }
        return data
    }

    /// The folder with schema.sql: told, or the working one.
    static var schemaFolder: URL {
        URL(filePath: ProcessInfo.processInfo.environment["VOORPRET_SCHEMA"] ?? ".")
    }
}

extension AsyncParsableCommand {
    /// A sentence for the person at the terminal, and exit code 1.
    func fail(_ text: String) -> any Error {
        FileHandle.standardError.write(Data("voorpret: \(text)\n".utf8))
        return ExitCode.failure
    }
}
