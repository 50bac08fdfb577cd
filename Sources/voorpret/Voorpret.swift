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
        version: Version.text,
        subcommands: [
            Serve.self, Config.self, Migrate.self, Demo.self, Import.self, Jobs.self, Staff.self, Credential.self,
            Check.self, Statements.self,
            Secret.self,
            Backup.self, Restore.self,
        ],
        defaultSubcommand: Serve.self
    )
}

/// The shared beginning of every subcommand.
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

    /// - Throws: `SettingsError` when the state folder lacks a key that the database knows.
    static func app(_ settings: Settings) async throws -> AppEnvironment {
        var logger = Logger(label: "voorpret")
        logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
        var configuration = Database.Configuration(connectionString: settings.database)
        configuration.readers = 1
        let database = try Database(configuration)
        do {
            let secret = try await ServerSecret.of(SecretFolder(settings.stateFolder), for: database, at: Date())
            await database.close()
            return try AppEnvironment(settings: settings, secret: secret, logger: logger)
        } catch {
            await database.close()
            throw error
        }
    }

    /// Runs `body` with an environment and closes the environment afterwards.
    static func withApp<Value>(_ body: (AppEnvironment) async throws -> Value) async throws -> Value {
        let app = try await app(settings())
        do {
            let value = try await body(app)
            await app.close()
            return value
        } catch {
            await app.close()
            throw error
        }
    }

    /// The folder with `schema.sql`: from `VOORPRET_SCHEMA`, otherwise the working folder.
    static var schemaFolder: URL {
        URL(filePath: ProcessInfo.processInfo.environment["VOORPRET_SCHEMA"] ?? ".")
    }
}

extension AsyncParsableCommand {
    /// Prints a sentence for the person at the terminal and returns exit code 1.
    func fail(_ text: String) -> any Error {
        FileHandle.standardError.write(Data("voorpret: \(text)\n".utf8))
        return ExitCode.failure
    }
}
