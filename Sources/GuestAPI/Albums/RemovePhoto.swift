import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Photo {
    /// Deletes a photo that the asking member has added, with its bytes.
    ///
    /// Throws `notFound` for a guest outside the group, and `forbidden` for the photo of another member.
    static func remove(_ id: Photo.ID, _ act: Act) async throws {
        let (row, own) = try await locked(id, act)
        guard row.photo.travellerId == own.id else { throw Refusal.forbidden }
        try forget(try await act.tx.all(AlbumSQL.delete(id)), act)
    }

    /// Queues the removal of deleted photos' pictures, and publishes that they are gone.
    ///
    /// Jobs of uploads that still come find no photo, and drop what they have made.
    fileprivate static func forget(_ gone: [AlbumSQL.Gone], _ act: Act) throws {
        for photo in gone {
            if let picture = photo.picture { try Picture.remove(picture, act) }
            act.tx.publish(photo.id, .photo, to: .group(photo.group))
        }
    }
}

extension PersonalData {
    /// A guest's photos, their texts on photos of others, and their hearts.
    static let albums = PersonalData(
        name: "albums",
        export: { guest, act in try await act.tx.all(AlbumSQL.everything(of: guest)) },
        erase: { guest, act in
            try Photo.forget(try await act.tx.all(AlbumSQL.delete(addedBy: guest)), act)
            try await act.tx.run(AlbumSQL.lockPhotos(withTextsBy: guest))
            for (photo, group) in try await act.tx.all(AlbumSQL.removeTexts(by: guest)) {
                act.tx.publish(photo, .photo, to: .group(group))
            }
            try await act.tx.run(AlbumSQL.deleteEvents(by: guest))
        }
    )
}

extension Departure {
    /// The photos of a member who leaves stay in the album, and their hearts go.
    static let albums = Departure { traveller, group, act in
        for photo in try await act.tx.all(AlbumSQL.forgetHearts(of: traveller)) {
            act.tx.publish(photo, .photo, to: .group(group))
        }
    }
}
