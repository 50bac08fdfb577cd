import Crypto
public import Foundation
import GRDB
public import GuestModels
import SyncMessages

/// Photos of messages: the phone keeps a photo at once and sends it in parts when there is a network.
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

    /// Keeps a photo that belongs to a message; the photo is sent after all waiting mutations.
    ///
    /// - Parameter jpeg: at most `PhotoPart.maximumPhoto` bytes; make a larger photo smaller first.
    /// - Returns: the photo's name, for `MessageRequest`.
    /// - Throws: `TooLarge` when the photo is empty or has more bytes.
    @discardableResult
    public func keep(photo jpeg: Data, in group: TravelGroup.ID) throws -> PhotoName {
        guard !jpeg.isEmpty, jpeg.count <= PhotoPart.maximumPhoto, let name = PhotoName(of: jpeg) else {
            throw TooLarge()
        }
        try write { database in
            try database.execute(
                // If the service still has the photo, its first answer says so.
                sql: """
                    INSERT INTO photo (groupId, name, bytes, received) VALUES (?, ?, ?, 0)
                    ON CONFLICT (groupId, name) DO UPDATE
                    SET bytes = excluded.bytes, received = 0, asideUntil = NULL, tries = 0
                    """,
                arguments: [group.description, name.description, jpeg]
            )
        }
        return name
    }

    /// A photo that this phone has taken or fetched; nil when it has to be fetched first.
    public func photo(_ name: PhotoName, in group: TravelGroup.ID) throws -> Data? {
        try read { database in
            try Data.fetchOne(
                database,
                sql: "SELECT bytes FROM photo WHERE groupId = ? AND name = ?",
                arguments: [group.description, name.description]
            )
        }
    }

    /// How many photos wait to be sent.
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
        try write { database in
            try database.execute(
                sql: "INSERT OR IGNORE INTO photo (groupId, name, bytes, usedAt) VALUES (?, ?, ?, ?)",
                arguments: [group.description, name.description, jpeg, now.timeIntervalSince1970]
            )
            try database.execute(
                sql: """
                    DELETE FROM photo WHERE received IS NULL AND (groupId, name) IN (
                        SELECT groupId, name FROM (
                            SELECT groupId, name,
                                sum(length(bytes)) OVER (ORDER BY usedAt DESC, groupId, name) AS together
                            FROM photo WHERE received IS NULL
                        ) WHERE together > ?
                    )
                    """,
                arguments: [photoBudget]
            )
        }
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

    struct NextPart: Sendable {
        let group: TravelGroup.ID
        let name: PhotoName
        let part: PhotoPart
    }

    /// The next part that may be sent now; nil when none waits, or all that wait are set aside.
    func nextPart(at now: Date) throws -> NextPart? {
        try read { database in
            guard
                let row = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT groupId, name, received, length(bytes), substr(bytes, received + 1, ?) FROM photo
                        WHERE received IS NOT NULL AND (asideUntil IS NULL OR asideUntil <= ?)
                        ORDER BY tries, groupId, name LIMIT 1
                        """,
                    arguments: [PhotoPart.maximumBytes, now.timeIntervalSince1970]
                ), let group = TravelGroup.ID(row[0] as String), let name = PhotoName(row[1] as String)
            else { return nil }
            let bytes: Data = row[4]
            return NextPart(
                group: group,
                name: name,
                part: PhotoPart(from: row[2], of: row[3], bytes: bytes.base64EncodedString())
            )
        }
    }

    /// Records how much of a photo the service has after a part was sent.
    ///
    /// - Parameter received: the bytes that the service has; nil when nothing more is to be sent.
    func sent(_ part: NextPart, received: Int?) throws {
        try write { database in
            try database.execute(
                sql: "UPDATE photo SET received = ?, asideUntil = NULL WHERE groupId = ? AND name = ?",
                arguments: [received, part.group.description, part.name.description]
            )
        }
    }

    /// Sets aside a photo that the service refused, so that other photos can be sent.
    ///
    /// The first wait is ten minutes; later waits double up to a day. Then sending begins at the first byte.
    func setAside(_ part: NextPart, at now: Date) throws {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE photo SET received = 0, tries = tries + 1,
                        asideUntil = ? + min(600 * (1 << min(tries, 10)), 86400)
                    WHERE groupId = ? AND name = ?
                    """,
                arguments: [now.timeIntervalSince1970, part.group.description, part.name.description]
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

    /// Sends the next part of a photo that waits, or sets the photo aside.
    ///
    /// - Returns: false when no part waits.
    /// - Throws: failures that would stop every other part too, such as no network, no token or a busy service.
    func sendPart() async throws -> Bool {
        guard let next = try store.nextPart(at: now()) else { return false }
        let answer = try await transport.send(
            "PUT",
            Paths.groupPhoto.with("\(next.group)", "\(next.name)"),
            body: try JSONEncoder.ofArguments.encode(next.part)
        )
        let failure = Self.failure(answer)
        guard case .status(let status, let code, _) = failure else { throw failure }
        switch (status, code) {
        case (200, _):
            guard let receipt = try? JSONDecoder().decode(PhotoReceipt.self, from: answer.body) else {
                throw Failure.malformed
            }
            try store.sent(next, received: receipt.isThere ? nil : min(max(0, receipt.received), next.part.of))
        case (_, "part_misplaced") where next.part.from > 0:
            // The service has forgotten the earlier parts.
            try store.sent(next, received: 0)
        case (_, "not_found"), (_, "too_many_photos"):
            // The group is gone or has too many photos. Sending the photo again would change nothing.
            try store.sent(next, received: nil)
        case (400..<500, _) where status != 401 && status != 429: try store.setAside(next, at: now())
        default: throw failure
        }
        return true
    }
}
