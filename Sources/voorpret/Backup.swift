import ArgumentParser
import Foundation
import GuestAPI

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes database and files into a new folder, from which `restore` makes both again."
    )

    @Argument(help: "The folder; it must not exist yet.")
    var folder: String

    func run() async throws {
        let settings = try Setup.settings()
        let target = URL(filePath: folder)
        guard !FileManager.default.fileExists(atPath: target.path()) else { throw fail("\(folder) exists already") }
        // Complete or absent: it gets its name when everything is in it.
        let partial = URL(filePath: folder + ".partial")
        try? FileManager.default.removeItem(at: partial)
        try FileManager.default.createDirectory(at: partial, withIntermediateDirectories: true)
        // The database first: files are added before the rows that name them, and stay an hour longer.
        try Tool.run(
            "pg_dump",
            ["--format=custom", "--file", partial.appending(path: "database.dump").path(), settings.database]
        )
        try Tool.copyFiles(from: URL(filePath: settings.stateFolder), to: partial.appending(path: "files"))
        try FileManager.default.moveItem(at: partial, to: target)
        print("backed up to \(folder)")
    }
}

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes database and files again from a backup. The database must be empty."
    )

    @Argument(help: "The folder that `backup` wrote.")
    var folder: String

    func run() async throws {
        let settings = try Setup.settings()
        let source = URL(filePath: folder)
        let dump = source.appending(path: "database.dump")
        guard FileManager.default.fileExists(atPath: dump.path()) else { throw fail("\(folder) holds no backup") }
        try Tool.run(
            "pg_restore",
            ["--exit-on-error", "--single-transaction", "--no-owner", "--dbname", settings.database, dump.path()]
        )
        try Tool.copyFiles(from: source.appending(path: "files"), to: URL(filePath: settings.stateFolder))
        // Numbers go on from where the backup was: phones that were further begin anew.
        try await Setup.withApp { try await Office($0).beginEpoch() }
        print("restored from \(folder)")
    }
}

private enum Tool {
    /// What of the state folder belongs into a backup: the rest can be made again.
    static let folders = ["mail", "push", "objects", "secret"]

    static func run(_ name: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [name] + arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw SettingsError(description: "\(name) failed with status \(process.terminationStatus)")
        }
    }

    static func copyFiles(from source: URL, to target: URL) throws {
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        for name in folders {
            let from = source.appending(path: name)
            let to = target.appending(path: name)
            guard FileManager.default.fileExists(atPath: from.path()) else { continue }
            if FileManager.default.fileExists(atPath: to.path()) { try FileManager.default.removeItem(at: to) }
            try FileManager.default.copyItem(at: from, to: to)
        }
    }
}
