import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Album {
    /// A page of an album's photos for the members of its group, in the order of the photos' ids.
    ///
    /// - Parameter isKnown: whether the reader has the page with this tag.
    static func list(
        _ id: Booking.ID,
        after: Photo.ID?,
        limit: Int,
        unless isKnown: @Sendable (String) -> Bool,
        _ look: Look
    ) async throws -> PublishedPage {
        guard let album = try await look.reader.first(AlbumSQL.album(id)) else { throw Refusal.notFound }
        _ = try await Album.enter(album.groupId, look)
        return try await .read(
            .photo,
            in: .group(album.groupId),
            ids: AlbumSQL.photos(of: id),
            after: after?.uuid,
            limit: limit,
            unless: isKnown,
            look
        )
    }
}

extension Photo {
    /// A photo of an album of one of the guest's groups, which the guest sees.
    static func find(_ id: Photo.ID, _ look: Look) async throws -> AlbumSQL.PhotoRow {
        guard let row = try await look.reader.first(AlbumSQL.photo(id)) else { throw Refusal.notFound }
        let own = try await Album.enter(row.photo.groupId, look)
        guard row.isHidden else { return row }
        let curators = try await look.reader.all(CurationSQL.isCurator(own.id, of: row.photo.bookingId))
        guard row.isSeen(by: own.id, isCurator: own.isCurator(curators)) else { throw Refusal.notFound }
        return row
    }

    /// A photo as its group sees it.
    static func show(_ id: Photo.ID, _ look: Look) async throws -> JSONText {
        _ = try await find(id, look)
        guard let shown = try await look.reader.first(AlbumSQL.shown(id)) else { throw Refusal.notFound }
        return shown
    }

    /// The picture of a photo, for the members of its group.
    ///
    /// Throws `notFound` before the photo is ready.
    static func picture(of id: Photo.ID, _ look: Look) async throws -> Picture.ID {
        guard let picture = try await find(id, look).picture else { throw Refusal.notFound }
        return picture
    }

    /// A photo as the transaction leaves it.
    static func shown(_ id: Photo.ID, _ act: Act) async throws -> JSONText {
        guard let photo = try await act.tx.first(AlbumSQL.shown(id)) else { throw Refusal.notFound }
        return photo
    }
}
