import Crypto
import Foundation
import GuestModels
import NIOCore
import Postgres

/// All photos of an album in one ZIP file, which is made while it is sent.
struct AlbumArchive: Sendable {
    /// The archive for reading; its length is known before any photo is read.
    let object: StoredObject
    /// Names these bytes and no others.
    let tag: String
}

extension Album {
    /// The archive of the photos that the group sees, for the members of the group.
    static func archive(_ id: Booking.ID, _ look: Look) async throws -> AlbumArchive {
        guard let album = try await look.reader.first(AlbumSQL.album(id)) else { throw Refusal.notFound }
        _ = try await Album.enter(album.groupId, look)
        let photos = try await look.reader.all(AlbumSQL.archived(in: id))
        let layout = ZipLayout(
            ZipLayout.Entry.photos(
                photos.map { ($0.takenAt, $0.member, $0.size, $0.crc32) },
                on: try ParkClock(stored: album.timeZone)
            )
        )
        var hash = SHA256()
        for (photo, entry) in zip(photos, layout.entries) {
            hash.update(data: Data("\(photo.picture) \(entry.crc32) \(entry.size) \(entry.name)\n".utf8))
        }
        let objects = look.app.objects
        return AlbumArchive(
            object: StoredObject(size: layout.size) { range, send in
                for piece in layout.pieces(range) {
                    switch piece {
                    case .bytes(let bytes): try await send(ByteBuffer(bytes: bytes))
                    case .file(let place, let part):
                        let name = Picture.object(photos[place].picture, .master)
                        guard let master = try await objects.open(name), master.size == photos[place].size else {
                            // The photo went meanwhile; the client begins again, with another tag.
                            throw ObjectsUnavailable(description: "\(name) is gone")
                        }
                        try await master.read(part, send)
                    }
                }
            },
            tag: hash.finalize().hexadecimal
        )
    }
}
