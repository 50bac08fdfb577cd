import Crypto
public import Foundation
import GRDB
public import GuestModels
import SyncMessages
import Synchronization

/// Photos of messages: the phone keeps a photo at once and sends it when there is a network, going on after each cut.
extension LocalStore {
    static let photoTable = """
        CREATE TABLE photo (
            groupId TEXT NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL,
            -- How much the service has; NULL once it has all of it, or wants none of it.
            received INTEGER,
            PRIMARY KEY (groupId, name)
        ) WITHOUT ROWID;
        """

    /// Columns of a photo: when a refused photo is tried again, how often it was tried, and when it was last looked at.
    static let photoTries = """
        ALTER TABLE photo ADD COLUMN asideUntil REAL;
        ALTER TABLE photo ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE photo ADD COLUMN usedAt REAL NOT NULL DEFAULT 0;
        """

    /// Moves the photos that wait to be sent from the database into files.
    ///
    /// Fetched photos are deleted, because they can be fetched again and a full phone has no room for both. A stop in
    /// between changes nothing in the database, so the next start moves the photos again.
    static func movePhotos(to files: PhotoFiles, _ database: Database) throws {
        let waiting = "SELECT groupId, name, bytes FROM photo WHERE received IS NOT NULL ORDER BY groupId, name"
        let rows = try Row.fetchCursor(database, sql: waiting)
        while let row = try rows.next() {
            guard let (group, name) = key(row) else { continue }
            try files.write(row[2], as: name, in: group)
        }
        try database.execute(
            sql: """
                CREATE TABLE photoFile (
                    groupId TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
                    -- How much the service has; NULL once it has all of it, or wants none of it.
                    received INTEGER,
                    -- When the guest took the photo, or the phone fetched it.
                    keptAt REAL NOT NULL,
                    -- When a refused photo is tried again, and how often it was tried.
                    asideUntil REAL, tries INTEGER NOT NULL DEFAULT 0,
                    -- When somebody last looked at it.
                    usedAt REAL NOT NULL DEFAULT 0,
                    -- The upload, and whether the phone must ask how much has come.
                    upload TEXT, isUnsure INTEGER NOT NULL DEFAULT 0,
                    PRIMARY KEY (groupId, name)
                ) WITHOUT ROWID;
                INSERT INTO photoFile (groupId, name, size, received, keptAt, asideUntil, tries, usedAt)
                SELECT groupId, name, length(bytes), 0, usedAt, asideUntil, tries, usedAt FROM photo
                WHERE received IS NOT NULL;
                DROP TABLE photo;
                ALTER TABLE photoFile RENAME TO photo;
                """
        )
    }

    /// The group and the name of a photo's row.
    private static func key(_ row: Row) -> (group: TravelGroup.ID, name: PhotoName)? {
        guard let group = TravelGroup.ID(row[0] as String), let name = PhotoName(row[1] as String) else { return nil }
        return (group, name)
    }

    /// Deletes the files of photos whose rows are gone.
    func sweepPhotos() throws {
        try photos.withLock { files in
            let known = try read { try Row.fetchAll($0, sql: "SELECT groupId, name FROM photo").compactMap(Self.key) }
            files.sweep(except: known)
        }
    }

    /// Keeps a photo that belongs to a message; the photo is sent after all waiting mutations.
    ///
    /// - Parameter jpeg: at most `PhotoName.maximumBytes` bytes; make a larger photo smaller first.
    /// - Returns: the photo's name, for `MessageRequest`.
    /// - Throws: `TooLarge` when the photo is empty or has more bytes.
    @discardableResult
    public func keep(photo jpeg: Data, in group: TravelGroup.ID) throws -> PhotoName {
        guard !jpeg.isEmpty, jpeg.count <= PhotoName.maximumBytes, let name = PhotoName(of: jpeg) else {
            throw TooLarge()
        }
        try photos.withLock { files in
            try files.write(jpeg, as: name, in: group)
            try write { database in
                try database.execute(
                    // If the service still has the photo, its first answer says so.
                    sql: """
                        INSERT INTO photo (groupId, name, size, received, keptAt) VALUES (?, ?, ?, 0, ?)
                        ON CONFLICT (groupId, name) DO UPDATE
                        SET size = excluded.size, received = 0, keptAt = excluded.keptAt, asideUntil = NULL, tries = 0,
                            upload = NULL, isUnsure = 0
                        """,
                    arguments: [group.description, name.description, jpeg.count, Date().timeIntervalSince1970]
                )
            }
        }
        return name
    }

    /// A photo that this phone has taken or fetched; nil when it has to be fetched first.
    public func photo(_ name: PhotoName, in group: TravelGroup.ID) throws -> Data? {
        guard try hasRow(of: name, in: group) else { return nil }
        return try photos.withLock { try $0.read(name, in: group) }
    }

    private func hasRow(of name: PhotoName, in group: TravelGroup.ID) throws -> Bool {
        try read { database in
            try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM photo WHERE groupId = ? AND name = ?)",
                arguments: [group.description, name.description]
            ) ?? false
        }
    }

    /// The number of photos that wait to be sent.
    public func unsentPhotos() throws -> Int {
        try read { try Int.fetchOne($0, sql: "SELECT count(*) FROM photo WHERE received IS NOT NULL") ?? 0 }
    }

    /// The number of waiting photos that the service refused at the last try; they are tried again later.
    public func photosSetAside() throws -> Int {
        try read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM photo WHERE received IS NOT NULL AND tries > 0") ?? 0
        }
    }

    /// Keeps a photo that the phone has fetched.
    ///
    /// If all fetched photos exceed the budget, the photos not looked at for longest are deleted.
    func keepFetched(_ jpeg: Data, as name: PhotoName, in group: TravelGroup.ID, at now: Date) throws {
        let seconds = now.timeIntervalSince1970
        let isFull = try photos.withLock { files in
            // The guest's own photo stays as it was taken.
            guard try files.read(name, in: group) == nil else { return false }
            try files.write(jpeg, as: name, in: group)
            return try write { database in
                try database.execute(
                    sql: "INSERT OR IGNORE INTO photo (groupId, name, size, keptAt, usedAt) VALUES (?, ?, ?, ?, ?)",
                    arguments: [group.description, name.description, jpeg.count, seconds, seconds]
                )
                try database.execute(
                    sql: """
                        DELETE FROM photo WHERE received IS NULL AND (groupId, name) IN (
                            SELECT groupId, name FROM (
                                SELECT groupId, name,
                                    sum(size) OVER (ORDER BY usedAt DESC, groupId, name) AS together
                                FROM photo WHERE received IS NULL
                            ) WHERE together > ?
                        )
                        """,
                    arguments: [photoBudget]
                )
                return database.changesCount > 0
            }
        }
        if isFull { try sweepPhotos() }
    }

    /// Notes that somebody has looked at a fetched photo.
    func use(_ name: PhotoName, in group: TravelGroup.ID, at now: Date) throws {
        try write { database in
            try database.execute(
                sql: "UPDATE photo SET usedAt = ? WHERE groupId = ? AND name = ?",
                arguments: [now.timeIntervalSince1970, group.description, name.description]
            )
        }
    }

    /// The next bytes to send of a photo that waits.
    struct NextPortion: Sendable {
        let group: TravelGroup.ID
        let name: PhotoName
        /// The photo's size in bytes.
        let size: Int
        /// The bytes that the service has.
        let received: Int
        /// nil before the upload has begun.
        let upload: Upload.ID?
        /// True after a cut: the service may have more bytes than it has told.
        let isUnsure: Bool
        /// The bytes that come next; nil if the file is lost, as on a phone whose photos were not in its backup.
        let bytes: Data?
        var isLast: Bool { received + (bytes?.count ?? 0) == size }
        /// Whether the request carries the bytes; other requests begin an upload or ask how much has come.
        var hasBody: Bool { !isUnsure && (upload != nil || received == 0 && isLast) }
    }

    /// The next portion that may be sent now; nil when none waits, or all that wait are set aside.
    ///
    /// - Parameter most: the most bytes of the portion.
    func nextPortion(at now: Date, atMost most: Int = 1) throws -> NextPortion? {
        let row = try read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT groupId, name, size, received, upload, isUnsure FROM photo
                    WHERE received IS NOT NULL AND (asideUntil IS NULL OR asideUntil <= ?)
                    ORDER BY tries, keptAt, groupId, name LIMIT 1
                    """,
                arguments: [now.timeIntervalSince1970]
            )
        }
        guard let row, let (group, name) = Self.key(row) else { return nil }
        return NextPortion(
            group: group,
            name: name,
            size: row[2],
            received: row[3],
            upload: (row[4] as String?).flatMap { Upload.ID($0) },
            isUnsure: row[5],
            bytes: try photos.withLock { try $0.read(name, in: group, from: row[3], atMost: most) }
        )
    }

    /// Records how much of a photo the service has.
    ///
    /// - Parameters:
    ///   - received: the bytes that the service has; nil when nothing more is to be sent.
    ///   - upload: nil to begin anew.
    ///   - isUnsure: whether the service may have more bytes than that.
    func sent(_ portion: NextPortion, received: Int?, upload: Upload.ID?, isUnsure: Bool = false) throws {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE photo SET received = ?, upload = ?, isUnsure = ?, asideUntil = NULL
                    WHERE groupId = ? AND name = ? AND received IS NOT NULL
                    """,
                arguments: [
                    received.map { min(max(0, $0), portion.size) }, upload?.description, isUnsure,
                    portion.group.description,
                    portion.name.description,
                ]
            )
        }
    }

    /// Sets aside a photo that the service refused, so that other photos can be sent.
    ///
    /// The first wait is ten minutes; later waits double up to a day. Then the phone begins the upload again, and the
    /// service says how much of it has come.
    func setAside(_ portion: NextPortion, at now: Date) throws {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE photo SET received = 0, upload = NULL, isUnsure = 0, tries = tries + 1,
                        asideUntil = ? + min(600 * (1 << min(tries, 10)), 86400)
                    WHERE groupId = ? AND name = ? AND received IS NOT NULL
                    """,
                arguments: [now.timeIntervalSince1970, portion.group.description, portion.name.description]
            )
        }
    }
}

extension PhotoName {
    /// The name of a photo: the SHA-256 digest of its bytes.
    public init?(of jpeg: Data) {
        self.init(SHA256.hash(data: jpeg).hexadecimal)
    }
}

extension SyncEngine {
    /// The bytes of a message's photo: from this phone, or fetched from the service.
    ///
    /// - Throws: `Failure.status(404, …)` when the service does not have the photo yet, or the guest may not see it.
    public func photo(_ name: PhotoName, in group: TravelGroup.ID) async throws -> Data {
        if let known = try store.photo(name, in: group) {
            try store.use(name, in: group, at: now())
            return known
        }
        let answer = try await transport.send("GET", Paths.groupPhoto(group, name), body: nil)
        guard answer.status == 200 else { throw Self.failure(answer) }
        try store.keepFetched(answer.body, as: name, in: group, at: now())
        return answer.body
    }
}
