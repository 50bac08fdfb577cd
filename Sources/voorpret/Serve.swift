import ArgumentParser
import Foundation
import GuestAPI
import GuestClient
import GuestModels
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Runs the service, with its workers.")

    @Flag(help: "Load the demo into an empty database, and print a sign-in that works.")
    var demo = false

    @Flag(help: "Leave the schema as it is; `voorpret migrate` brings it up to date.")
    var withoutMigrating = false

    func run() async throws {
        let settings = try Setup.settings()
        if !withoutMigrating {
            let applied = try await Migrator(connectionString: settings.database, folder: Setup.schemaFolder).run()
            for name in applied { print("applied \(name)") }
        }
        let app = try await Setup.app(settings)
        var greeting: [String] = []
        if demo { greeting = try await loadDemo(app, settings) }
        let lines = greeting
        let service = GuestService(app) { port in
            print("Serving on http://\(settings.host):\(port)  (docs at /docs; Ctrl-C stops)")
            for line in lines { print(line) }
            // Standard output may be a pipe, which would hold the text back.
            fflush(nil)
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: service)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: app.logger
            )
        )
        do {
            try await group.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw fail(
                "port \(settings.port) or \(settings.adminPort) of \(settings.host) is in use. "
                    + "Stop what uses it, or choose others: make run PORT=9090 ADMIN_PORT=9091"
            )
        }
    }

    private func loadDemo(_ app: AppEnvironment, _ settings: Settings) async throws -> [String] {
        let data = DemoData(app)
        let bar = ProgressBar("Loading the demo")
        if try await data.load({ bar.show($0, of: $1) }) { bar.finish() }
        guard let entry = try await data.signIn() else { return [] }
        let today = Date()
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyy-MM-dd"
        // A Friday some weeks ahead suits every demo park.
        var friday = today.addingTimeInterval(50 * 86400)
        while Calendar(identifier: .gregorian).component(.weekday, from: friday) != 6 { friday.addTimeInterval(86400) }
        let from = formatter.string(from: friday)
        let to = formatter.string(from: friday.addingTimeInterval(3 * 86400))
        let base = "http://\(settings.host == "0.0.0.0" ? "127.0.0.1" : settings.host):\(settings.port)"
        return [
            "",
            "Anna (\(DemoData.guestEmail)) is signed in for a day. Her group, and two neighbouring cottages for six:",
            "",
            "  curl -H 'Authorization: Bearer \(entry.token)' \(base)\(Paths.group.with("\(entry.group)"))",
            "",
            "  curl '\(base)\(Paths.parkAvailability.with("\(entry.park)"))?from=\(from)&to=\(to)&adults=6&cottages=2&adjacent=true'",
            "",
            "To sign in as anybody, ask for a code: it lies in \(settings.stateFolder)/mail. Staff: \(DemoData.hostEmail), \(DemoData.headOfficeEmail)",
            "Staff also prove a second factor; add this secret to an authenticator app, or run oathtool --totp -b with it:",
            "  \(DemoData.factorSecret)",
        ]
    }
}

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Brings the database to this build's schema.")

    func run() async throws {
        let settings = try Setup.settings()
        let applied = try await Migrator(connectionString: settings.database, folder: Setup.schemaFolder).run()
        print(applied.isEmpty ? "up to date" : "applied \(applied.joined(separator: ", "))")
    }
}
