import Foundation
package import GRDB
public import GuestModels
import SyncMessages
import Synchronization

/// What a phone keeps: rows as the server has them, what was done here and not yet told, and what both look like together.
///
/// One SQLite file. Everything that belongs together changes in one transaction, so a phone that dies at any instant goes
/// on from where it was.
public final class LocalStore: Sendable {
    package let database: DatabasePool
    let guest: Guest.ID
    let mutators: [String: Mutator]
    /// Bytes that fetched photos may take, those left out that wait to be sent.
    let photoBudget: Int
    let checked = Mutex(Checked())

    /// What was found to be as the server has it, so that nothing is looked at twice for nothing.
    struct Checked {
        var scopes: [String: ScopeState] = [:]
        /// Answers since everything was looked at.
        var answers = 0
    }

    /// After so many answers everything is looked at again, also what has not changed: memory cells go bad.
    static let answersBetweenChecks = 200

    /// Opens the file, or makes it.
    ///
    /// - Parameters:
    ///   - path: of a file that is the app's alone; on iOS give its folder a protection class.
    ///   - guest: whose phone it is.
    ///   - mutators: what each kind of mutation looks like until the server has said so, by name with version.
    ///   - photoBudget: bytes that fetched photos may take; those looked at longest ago go first.
    ///   - isForgetting: whether what another guest has not told the server yet may go. Ask them first.
    /// - Throws: `OtherGuest` where the file has something of another guest that the server does not know. A file of another
    ///   guest without such things goes at once, and nothing of it can be read any more.
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
            // The file and not its rows: what is deleted in a file stays readable in its free pages.
            try Self.remove(path: path)
            opened = try Self.open(path)
        }
        database = opened
        self.mutators = mutators
        self.guest = guest
        self.photoBudget = photoBudget
        try database.write { try Self.set("guest", guest.description, $0) }
    }

    /// The file has things of another guest that the server does not know.
    public struct OtherGuest: Error, Hashable {
        /// How many mutations and photos: those that wait, and those that were refused and nobody has looked at.
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
        try migrator.migrate(database)
        return database
    }

    /// Looks at everything when the next answer comes, also at what has not changed.
    public func checkEverything() { checked.withLock { $0 = Checked() } }

    /// Everything of the account leaves the phone.
    public static func remove(path: String) throws {
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

    /// How far it has read, in the middle of an answer or at its end.
    static func cursor(_ database: Database) throws -> String? {
        try state("page", database) ?? state("cursor", database)
    }

    package static func set(_ name: String, _ value: String, _ database: Database) throws {
        try database.execute(sql: "INSERT OR REPLACE INTO state VALUES (?, ?)", arguments: [name, value])
    }
}
