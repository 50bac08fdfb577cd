import ArgumentParser
import Foundation
import GuestAPI
import Postgres

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes database and files into a new folder, from which `restore` makes both again."
    )

    @Argument(help: "The folder; it must not exist yet.")
    var folder: String

    @Option(
        help: """
            The backup before. Photos that it has are not copied again, if both folders are on one file system; each \
            backup is complete by itself.
            """
    )
    var since: String?

    func run() async throws {
        let settings = try Setup.settings()
        let target = URL(filePath: folder)
        guard !FileManager.default.fileExists(atPath: target.path()) else { throw fail("\(folder) exists already") }
        // Only the owner can read the backup.
        umask(0o077)
        // The folder gets its final name only when it is complete.
        let partial = URL(filePath: folder + ".partial")
        try? FileManager.default.removeItem(at: partial)
        try FileManager.default.createDirectory(
            at: partial,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        // The database is copied first. The file of a stored photo is there before its row, and the files of photos and
        // of whole uploads stay an hour after their rows.
        try Tool.run(
            "pg_dump",
            ["--format=custom", "--file", partial.appending(path: "database.dump").path()],
            on: settings.database
        )
        try Tool.copyFiles(
            from: URL(filePath: settings.stateFolder),
            to: partial.appending(path: "files"),
            since: since.map { URL(filePath: $0).appending(path: "files") }
        )
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

    @Option(help: "The list of those who were erased since; the state folder's `erased` unless told.")
    var erased: String?

    func run() async throws {
        let settings = try Setup.settings()
        let source = URL(filePath: folder)
        let dump = source.appending(path: "database.dump")
        guard FileManager.default.fileExists(atPath: dump.path()) else { throw fail("\(folder) holds no backup") }
        guard try SecretFolder(settings.stateFolder).isEmpty else {
            throw fail("\(settings.stateFolder) has a secret already; restore into an empty state folder")
        }
        umask(0o077)
        let environment = try ConnectionSettings.environment(of: settings.database)
        try Tool.run(
            "pg_restore",
            [
                "--exit-on-error", "--single-transaction", "--no-owner", "--dbname", environment["PGDATABASE"] ?? "",
                dump.path(),
            ],
            on: settings.database
        )
        try Tool.copyFiles(from: source.appending(path: "files"), to: URL(filePath: settings.stateFolder))
        let list = erased ?? URL(filePath: settings.stateFolder).appending(path: ErasedGuests.folder).path()
        try await Setup.withApp { app in
            for line in try await Office(app).finishRestore(erased: ErasedGuests.ids(in: list)) { print(line) }
        }
        print("restored from \(folder)")
    }
}

private enum Tool {
    /// Whether an entry of the state folder belongs into a backup.
    ///
    /// Other entries can be made again. The list of erased guests stays out, because it is applied after a restore.
    private static func isKept(_ name: String) -> Bool {
        ["mail", "push", "objects", "staged", "secret"].contains(name) || name.hasPrefix("secret.")
    }

    static func run(_ name: String, _ arguments: [String], on database: String) throws {
        let process = Process()
        process.environment = ProcessInfo.processInfo.environment
            .merging(try ConnectionSettings.environment(of: database)) { $1 }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [name] + arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw SettingsError(description: "\(name) failed with status \(process.terminationStatus)")
        }
    }

    /// Copies the entries of a state folder.
    ///
    /// - Parameter former: a copy of before; objects that it has are linked, because an object never changes.
    static func copyFiles(from source: URL, to target: URL, since former: URL? = nil) throws {
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: source.path()) where isKept(name) {
            let to = target.appending(path: name)
            if FileManager.default.fileExists(atPath: to.path()) { try FileManager.default.removeItem(at: to) }
            let known = name == "objects" ? former?.appending(path: name) : nil
            try copy(source.appending(path: name), to: to, unless: known)
        }
    }

    /// Copies a file, or a folder with all that is in it.
    ///
    /// A file that goes meanwhile is left out: the service deletes no file that a row of the database copy needs.
    private static func copy(_ source: URL, to target: URL, unless former: URL?) throws {
        let files = FileManager.default
        var isFolder: ObjCBool = false
        guard files.fileExists(atPath: source.path(), isDirectory: &isFolder) else { return }
        guard !isFolder.boolValue else {
            try files.createDirectory(at: target, withIntermediateDirectories: false)
            let names: [String]
            do {
                names = try files.contentsOfDirectory(atPath: source.path())
            } catch  where !files.fileExists(atPath: source.path()) {
                return
            }
            for name in names {
                try copy(
                    source.appending(path: name),
                    to: target.appending(path: name),
                    unless: former?.appending(path: name)
                )
            }
            return
        }
        if let former, size(of: former) == size(of: source),
            (try? files.linkItem(at: former, to: target)) != nil
        {
            return
        }
        do {
            try files.copyItem(at: source, to: target)
        } catch  where !files.fileExists(atPath: source.path()) {
            try? files.removeItem(at: target)
        }
    }

    private static func size(of file: URL) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: file.path()))?[.size] as? Int
    }
}
