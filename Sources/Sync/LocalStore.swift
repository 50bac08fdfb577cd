import Foundation
package import GRDB
public import GuestModels
import SyncMessages
import Synchronization

/// The database on a phone: the server's rows, the mutations that wait, and how both look together.
///
/// The store is one SQLite file, and a folder with photos beside it. Changes that belong together are made in one
/// transaction. A phone that stops at any instant therefore continues from where it was.
public final class LocalStore: Sendable {
    package let database: DatabasePool
    let guest: Guest.ID
    let mutators: [String: Mutator]
    /// The most bytes for fetched photos; photos that wait to be sent do not count.
    let photoBudget: Int
    /// The files of photos; locked while a file and its row are not both there yet, so that no sweep takes the file.
    let photos: Mutex<PhotoFiles>
    let checked = Mutex(Checked())

    /// The scope states that equalled the rows here at the last check, so that unchanged scopes are not read again.
    struct Checked {
        var scopes: [String: ScopeState] = [:]
        /// The number of answers since the last full check.
        var answers = 0
    }

    /// After this many answers every scope is checked again, even an unchanged one, because memory cells go bad.
    static let answersBetweenChecks = 200

    /// Opens the file, or creates it.
    ///
    /// - Parameters:
    ///   - path: the path of a file that only this app uses; on iOS give its folder a protection class.
    ///   - guest: the guest whose phone this is.
    ///   - mutators: how each kind of mutation looks until the server has answered, by name with version.
    ///   - photoBudget: the most bytes for fetched photos; the photos not looked at for longest are deleted first.
    ///   - isForgetting: whether another guest's unsent data may be deleted. Ask that guest first.
    /// - Throws: `OtherGuest` when the file has unsent data of another guest and `isForgetting` is false. Another
    ///   guest's file without unsent data is deleted, so nothing in it stays readable.
    public init(
        path: String,
        of guest: Guest.ID,
        mutators: [String: Mutator] = [:],
        photoBudget: Int = 200 << 20,
        isForgetting: Bool = false
    ) throws {
        var opened = try Self.open(path)
        let former = try opened.read { try Self.state("guest", $0) }
        if let former, former != guest.description {
            let unsent = try opened.read { database in
                try Int.fetchOne(
                    database,
                    sql: """
                        SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM refused)
                            + (SELECT count(*) FROM photo WHERE received IS NOT NULL)
                        """
                ) ?? 0
            }
            try opened.close()
            guard unsent == 0 || isForgetting else { throw OtherGuest(unsent: unsent) }
            // Delete the whole file, because deleted rows stay readable in the free pages of a file.
            try Self.remove(path: path)
            opened = try Self.open(path)
        }
        database = opened
        photos = Mutex(PhotoFiles(besides: path))
        self.mutators = mutators
        self.guest = guest
        self.photoBudget = photoBudget
        try database.write { try Self.set("guest", guest.description, $0) }
        try sweepPhotos()
    }

    /// The file holds another guest's data that the server does not have.
    public struct OtherGuest: Error, Hashable {
        /// The number of mutations and photos: those that wait, and refused mutations still on the list.
        public let unsent: Int
    }

    static func open(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        let database = try DatabasePool(path: path, configuration: configuration)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: tables) }
        migrator.registerMigration("2") { try $0.execute(sql: photoTable + "DROP INDEX staged_by_key") }
        migrator.registerMigration("3") { try $0.execute(sql: photoTries) }
        migrator.registerMigration("4") { try movePhotos(to: PhotoFiles(besides: path), $0) }
        migrator.registerMigration("5") { try $0.execute(sql: photosOfAlbums) }
        let applied = try database.read { try migrator.appliedIdentifiers($0) }
        do {
            try migrator.migrate(database)
        } catch {
            // Photos that a full phone had no room for must not keep it full.
            if !applied.contains("4") { try? PhotoFiles.remove(besides: path) }
            throw error
        }
        if applied.contains("3"), !applied.contains("4") {
            // Gives the space of former photos back; a full phone does it without.
            try? database.vacuum()
            try? database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        }
        return database
    }

    /// Makes the next answer check every scope, even an unchanged one.
    public func checkEverything() { checked.withLock { $0 = Checked() } }

    /// Deletes the file and with it all data of the account on this phone.
    public static func remove(path: String) throws {
        // The photos go first: rows without files do no harm, and files without rows would stay.
        try PhotoFiles.remove(besides: path)
        for end in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + end) {
            try FileManager.default.removeItem(atPath: path + end)
        }
    }

    public func close() throws { try database.close() }

    // MARK: Reading

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try database.read(body) }
    func write<Value>(_ body: (Database) throws -> Value) throws -> Value { try database.write(body) }

    static func id(_ text: String) throws -> UUID {
        guard let id = UUID(uuidString: text) else { throw SyncLine.Malformed() }
        return id
    }

}

// MARK: In a transaction

extension LocalStore {
    static func state(_ name: String, _ database: Database) throws -> String? {
        try String.fetchOne(database, sql: "SELECT value FROM state WHERE name = ?", arguments: [name])
    }

    /// The cursor: of the last page while an answer is incomplete, otherwise of the last complete answer.
    static func cursor(_ database: Database) throws -> String? {
        try state("page", database) ?? state("cursor", database)
    }

    package static func set(_ name: String, _ value: String, _ database: Database) throws {
        try database.execute(sql: "INSERT OR REPLACE INTO state VALUES (?, ?)", arguments: [name, value])
    }
}
