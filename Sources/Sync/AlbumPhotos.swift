public import Foundation
import GRDB
public import GuestModels
import SyncMessages
import Synchronization

/// Photos of albums: the phone keeps a photo at once, shows it to its guest, and sends it when there is a network.
extension LocalStore {
    /// Adds a photo to an album; its row goes ahead of its bytes.
    ///
    /// - Parameters:
    ///   - bytes: the file as it was taken, 1 to `Picture.maximumBytes` bytes.
    ///   - album: the album's booking.
    ///   - thumbhash: a blurred picture in 5 to 25 bytes, as base64; the others see it until the picture is there.
    /// - Returns: the photo's id. The album may have the photo already; then the row with this id goes.
    /// - Throws: `TooLarge` when the photo is empty or has more bytes.
    @discardableResult
    public func add(
        photo bytes: Data,
        to album: Booking.ID,
        in group: TravelGroup.ID,
        takenAt: Date? = nil,
        caption: String? = nil,
        alt: String? = nil,
        thumbhash: String? = nil,
        at now: Date
    ) throws -> Photo.ID {
        guard !bytes.isEmpty, bytes.count <= Picture.maximumBytes, let name = PhotoName(of: bytes) else {
            throw TooLarge()
        }
        let id = Photo.ID(UUID())
        let request = PhotoRequest(
            id: id,
            name: name,
            size: bytes.count,
            takenAt: takenAt,
            caption: caption,
            alt: alt,
            thumbhash: thumbhash
        )
        let arguments = AlbumArguments(groupId: group, bookingId: album, request: request)
        let deed = Deed(
            id: UUID(),
            name: "photo.add@1",
            arguments: String(decoding: try JSONEncoder.ofArguments.encode(arguments), as: UTF8.self),
            at: now
        )
        try photos.withLock { files in
            try files.write(bytes, as: .photo(name, in: group))
            try write { database in
                try Self.queue(name, of: bytes.count, in: group, to: album, database)
                try perform(deed, database)
            }
        }
        return id
    }

    /// The newest ready photo whose small picture is not on this phone; nil once half of the budget is used.
    ///
    /// - Parameter missing: photos that are passed over.
    func nextSmallPicture(except missing: Set<Photo.ID>) throws -> Photo.ID? {
        try read { database in
            let used = try Int.fetchOne(database, sql: "SELECT sum(size) FROM photo WHERE received IS NULL") ?? 0
            // Room for one more picture: a picture that the budget deletes at once would be fetched again and again.
            guard used + 64 * 1024 <= photoBudget / 2 else { return nil }
            let wanted = try Row.fetchCursor(
                database,
                sql: """
                    SELECT id FROM row WHERE kind = 'photo' AND body ->> 'state' = 'ready'
                        AND NOT EXISTS (SELECT 1 FROM photo WHERE file = row.id || '-256')
                    ORDER BY body ->> 'addedAt' DESC, id
                    """
            )
            while let row = try wanted.next() {
                if let id = Photo.ID(row[0] as String), !missing.contains(id) { return id }
            }
            return nil
        }
    }
}

extension SyncEngine {
    /// A picture of an album's photo: from this phone, or fetched from the service.
    ///
    /// - Throws: `Failure.status(404, …)` when the photo is gone, or is not ready yet.
    public func picture(of photo: Photo.ID, _ size: Picture.Size) async throws -> Data {
        try await fetched(.picture(photo, size), of: .album(photo), from: Paths.photoPicture(photo, size))
    }

    /// Fetches the small picture of the newest photo that has none here.
    ///
    /// - Returns: false when no picture waits.
    func fetchSmallPicture() async throws -> Bool {
        guard let photo = try store.nextSmallPicture(except: missingPictures) else { return false }
        do {
            _ = try await picture(of: photo, .small)
        } catch Failure.status(let status, _, _) where [403, 404].contains(status) {
            // The photo went a moment ago; the next rows say so.
            missingPictures.insert(photo)
        }
        return true
    }
}
