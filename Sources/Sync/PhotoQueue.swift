import Foundation
import GRDB
import GuestModels
import Synchronization

/// The line of photos that wait to be sent, the oldest first.
extension LocalStore {
    /// The next bytes to send of a photo that waits.
    struct NextPortion: Sendable {
        /// The photo's file, and the album in the table.
        let file: PhotoFile
        fileprivate let album: String
        /// The address that the photo's upload begins at.
        let address: String
        /// The media type of the bytes.
        let type: String
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

    /// The id of the album's photo in the service's rows, for a row of `photo`.
    private static let photoOfAlbum = "SELECT id FROM row WHERE kind = 'photo' AND \(isComing)"

    /// Whether a row of the service, or a shown one, is the photo of a row of `photo` and waits for its bytes.
    private static let isComing = """
        body ->> 'name' = photo.name AND body ->> 'size' = photo.size AND body ->> 'bookingId' = album
            AND body ->> 'state' = 'coming'
        """

    /// The next portion that may be sent now; nil when none waits, or all that wait are set aside.
    ///
    /// A photo of an album waits until the service has its row.
    ///
    /// - Parameter most: the most bytes of the portion.
    func nextPortion(at now: Date, atMost most: Int = 1) throws -> NextPortion? {
        let row = try read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT file, album, groupId, name, size, received, upload, isUnsure,
                        (\(Self.photoOfAlbum)) AS photoId
                    FROM photo
                    WHERE received IS NOT NULL AND (asideUntil IS NULL OR asideUntil <= ?)
                        AND (album = '' OR EXISTS (\(Self.photoOfAlbum)))
                    ORDER BY tries, keptAt, file, album LIMIT 1
                    """,
                arguments: [now.timeIntervalSince1970]
            )
        }
        guard let row, let group = (row["groupId"] as String?).flatMap({ TravelGroup.ID($0) }),
            let name = (row["name"] as String?).flatMap({ PhotoName($0) })
        else { return nil }
        let file = PhotoFile(name: row["file"])
        let photo = (row["photoId"] as String?).flatMap { Photo.ID($0) }
        return NextPortion(
            file: file,
            album: row["album"],
            address: photo.map { Paths.photoBytes($0) } ?? Paths.groupPhoto(group, name),
            type: photo == nil ? "image/jpeg" : "application/octet-stream",
            size: row["size"],
            received: row["received"],
            upload: (row["upload"] as String?).flatMap { Upload.ID($0) },
            isUnsure: row["isUnsure"],
            bytes: try photos.withLock { try $0.read(file, from: row["received"], atMost: most) }
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
                    WHERE file = ? AND album = ? AND received IS NOT NULL
                    """,
                arguments: [
                    received.map { min(max(0, $0), portion.size) }, upload?.description, isUnsure, portion.file.name,
                    portion.album,
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
                    WHERE file = ? AND album = ? AND received IS NOT NULL
                    """,
                arguments: [now.timeIntervalSince1970, portion.file.name, portion.album]
            )
        }
    }

    /// Forgets photos of albums that the service has or wants no more, and pictures of photos that are gone.
    ///
    /// A photo of an album is wanted while the guest sees it on its way, or may try again to add it.
    func settlePhotos() throws {
        let isGone = "NOT EXISTS (SELECT 1 FROM row WHERE kind = 'photo' AND row.id = photoId)"
        let isSettled = """
            NOT EXISTS (SELECT 1 FROM shown WHERE kind = 'photo' AND \(Self.isComing)) AND NOT EXISTS (
                SELECT 1 FROM refused WHERE refused.name = 'photo.add@1' AND arguments ->> 'bookingId' = album
                    AND arguments ->> '$.request.name' = photo.name
            )
            """
        let hasAny = try read { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT EXISTS (
                        SELECT 1 FROM photo WHERE photoId IS NOT NULL AND \(isGone) OR album <> '' AND \(isSettled)
                    )
                    """
            )
        }
        guard hasAny == true else { return }
        try write { database in
            try database.execute(sql: "DELETE FROM photo WHERE photoId IS NOT NULL AND \(isGone)")
            try database.execute(sql: "DELETE FROM photo WHERE album <> '' AND \(isSettled)")
        }
        try sweepPhotos()
    }
}
