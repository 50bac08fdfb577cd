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
        try await forget(try await act.tx.all(AlbumSQL.delete(id)), act)
    }

    /// Queues the removal of deleted photos' pictures, and publishes that they are gone.
    ///
    /// Jobs of uploads that still come find no photo, and drop what they have made.
    fileprivate static func forget(_ gone: [AlbumSQL.Gone], _ act: Act) async throws {
        for photo in gone {
            if let picture = photo.picture { try Picture.remove(picture, act) }
            try await publish(photo.id, in: photo.group, addedBy: photo.addedBy, isHidden: true, act)
        }
    }
}

extension PersonalData {
    /// A guest's photos, their texts on photos of others, and their hearts.
    static let albums = PersonalData(
        name: "albums",
        export: { guest, act in try await act.tx.all(AlbumSQL.everything(of: guest)) },
        erase: { guest, act in
            try await Photo.forget(try await act.tx.all(AlbumSQL.delete(addedBy: guest)), act)
            try await act.tx.run(AlbumSQL.lockPhotos(withTextsBy: guest))
            for (photo, group, member) in try await act.tx.all(AlbumSQL.removeTexts(by: guest)) {
                try await Photo.publish(photo, in: group, addedBy: member, isHidden: true, act)
            }
            try await act.tx.run(AlbumSQL.deleteEvents(by: guest))
        }
    )
}

extension Departure {
    /// The photos and objections of a member who leaves stay; the hearts and the curator's role go.
    static let albums = Departure { traveller, group, act in
        for row in try await act.tx.all(AlbumSQL.forgetHearts(of: traveller)) {
            try await Photo.publish(row.photo, isHidden: row.isHidden, act)
        }
        // A member who left does not see their own hidden photos any more.
        for row in try await act.tx.all(AlbumSQL.hidden(addedBy: traveller)) {
            try await Photo.publish(row.photo, isHidden: true, act)
        }
        for album in try await act.tx.all(AlbumSQL.forgetCurator(traveller)) {
            act.tx.publish(album, .album, to: .group(group))
        }
    }
}
