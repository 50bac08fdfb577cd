import Crypto
public import Foundation
import GRDB
public import GuestModels
import SyncMessages
import Synchronization

/// Photos of messages: the phone keeps a photo at once and sends it when there is a network, going on after each cut.
extension LocalStore {
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
            try files.write(jpeg, as: .photo(name, in: group))
            try write { try Self.queue(name, of: jpeg.count, in: group, to: nil, $0) }
        }
        return name
    }

    /// Puts a photo into the line of those that wait to be sent.
    ///
    /// - Parameter album: the booking of the album; nil for a photo of a message.
    static func queue(
        _ name: PhotoName,
        of size: Int,
        in group: TravelGroup.ID,
        to album: Booking.ID?,
        _ database: Database
    ) throws {
        try database.execute(
            // If the service still has the photo, its first answer says so.
            sql: """
                INSERT INTO photo (file, album, groupId, name, size, received, keptAt) VALUES (?, ?, ?, ?, ?, 0, ?)
                ON CONFLICT (file, album) DO UPDATE
                SET groupId = excluded.groupId, name = excluded.name, size = excluded.size, received = 0,
                    keptAt = excluded.keptAt, asideUntil = NULL, tries = 0, upload = NULL, isUnsure = 0
                """,
            arguments: [
                PhotoFile.photo(name, in: group).name, album?.description ?? "", group.description, name.description,
                size,
                Date().timeIntervalSince1970,
            ]
        )
    }

    /// A photo that this phone has taken or fetched; nil when it has to be fetched first.
    public func photo(_ name: PhotoName, in group: TravelGroup.ID) throws -> Data? {
        try bytes(of: .photo(name, in: group))
    }

    /// The bytes of a file that has a row; nil otherwise.
    func bytes(of file: PhotoFile) throws -> Data? {
        let isKnown = try read { database in
            try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM photo WHERE file = ?)",
                arguments: [file.name]
            )
        }
        guard isKnown == true else { return nil }
        return try photos.withLock { try $0.read(file) }
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

    /// The subject of a fetched file; the file goes when the phone has its subject no more.
    enum Subject: Hashable, Sendable {
        /// A photo of one of the group's messages.
        case message(TravelGroup.ID)
        /// A photo of an album.
        case album(Photo.ID)
    }

    /// Keeps a photo or a picture that the phone has fetched.
    ///
    /// If all fetched photos exceed the budget, the photos not looked at for longest are deleted.
    func keepFetched(_ jpeg: Data, as file: PhotoFile, of subject: Subject, at now: Date) throws {
        let (group, photo): (TravelGroup.ID?, Photo.ID?) =
            switch subject {
            case .message(let group): (group, nil)
            case .album(let photo): (nil, photo)
            }
        let seconds = now.timeIntervalSince1970
        let isFull = try photos.withLock { files in
            // The guest's own photo stays as it was taken.
            guard try files.read(file) == nil else { return false }
            try files.write(jpeg, as: file)
            return try write { database in
                try database.execute(
                    sql: """
                        INSERT OR IGNORE INTO photo (file, album, groupId, photoId, size, keptAt, usedAt)
                        VALUES (?, '', ?, ?, ?, ?, ?)
                        """,
                    arguments: [file.name, group?.description, photo?.description, jpeg.count, seconds, seconds]
                )
                try database.execute(
                    sql: """
                        DELETE FROM photo WHERE received IS NULL AND (file, album) IN (
                            SELECT file, album FROM (
                                SELECT file, album, sum(size) OVER (ORDER BY usedAt DESC, file, album) AS together
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
    func use(_ file: PhotoFile, at now: Date) throws {
        try write { database in
            try database.execute(
                sql: "UPDATE photo SET usedAt = ? WHERE file = ?",
                arguments: [now.timeIntervalSince1970, file.name]
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
        try await fetched(.photo(name, in: group), of: .message(group), from: Paths.groupPhoto(group, name))
    }

    /// The bytes of a file on this phone, or of an address of the service.
    func fetched(_ file: PhotoFile, of subject: LocalStore.Subject, from address: String) async throws -> Data {
        if let known = try store.bytes(of: file) {
            try store.use(file, at: now())
            return known
        }
        let answer = try await transport.send("GET", address, body: nil)
        guard answer.status == 200 else { throw Self.failure(answer) }
        try store.keepFetched(answer.body, as: file, of: subject, at: now())
        return answer.body
    }
}
