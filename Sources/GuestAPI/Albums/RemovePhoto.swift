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
            try await publish(photo.id, in: photo.group, addedBy: photo.addedBy, isHidden: photo.wasHidden, act)
        }
    }
}

extension PersonalData {
    private struct Export: Encodable {
        let photos: [AlbumDataSQL.PersonalPhoto]
        let groups: [AlbumDataSQL.Personal]
    }

    /// A guest's photos, their texts on photos of others, and their hearts.
    static let albums = PersonalData(
        name: "albums",
        export: { guest, act in
            let (photos, groups) = try await act.tx.all(
                AlbumDataSQL.photos(addedBy: guest),
                AlbumDataSQL.everything(of: guest)
            )
            return Export(photos: photos, groups: groups)
        },
        erase: { guest, act in try await Photo.erase(of: AlbumDataSQL.travellers(of: guest), act) }
    )
}

extension Photo {
    fileprivate static func erase(of travellers: SQL, _ act: Act) async throws {
        try await forget(try await act.tx.all(AlbumSQL.delete(addedBy: travellers)), act)
        try await act.tx.run(AlbumDataSQL.lockPhotos(withTextsBy: travellers))
        for (photo, group, member) in try await act.tx.all(AlbumDataSQL.removeTexts(by: travellers)) {
            try await publish(photo, in: group, addedBy: member, isHidden: true, act)
        }
        try await act.tx.run(AlbumDataSQL.deleteEvents(by: travellers))
        try await forgetRoles(of: travellers, act)
        try await act.tx.run(UploadSQL.end(sentBy: travellers, at: act.now))
    }

    /// Removes the hearts and the curator's role of travellers.
    fileprivate static func forgetRoles(of travellers: SQL, _ act: Act) async throws {
        for row in try await act.tx.all(AlbumDataSQL.forgetHearts(of: travellers)) {
            try await publish(row.photo, isHidden: row.isHidden, act)
        }
        for (album, group) in try await act.tx.all(AlbumDataSQL.forgetCurators(travellers)) {
            act.tx.publish(album, .album, to: .group(group))
        }
    }

    /// Erases what a node of the version before, which knows no albums, has left of erased guests.
    static func forgetErased(_ act: Act) async throws {
        try await erase(of: AlbumDataSQL.erasedTravellers, act)
    }

    /// Deletes photos whose bytes have not come within thirty days.
    ///
    /// - Returns: whether there may be more.
    static func forgetComing(_ act: Act) async throws -> Bool {
        let gone = try await act.tx.all(AlbumSQL.deleteComing(before: act.now.earlier(days: 30)))
        try await forget(gone, act)
        return gone.count == Command.portion
    }
}

extension TakeOver {
    /// The hidden photos of a child who has an account now come to the new member's phone.
    static let albums = TakeOver { traveller, act in
        for row in try await act.tx.all(AlbumDataSQL.hidden(addedBy: traveller)) {
            try await Photo.publish(row.photo, isHidden: true, act)
        }
    }
}

extension Departure {
    /// The photos and objections of a member who leaves stay; the hearts and the curator's role go.
    static let albums = Departure { traveller, _, act in
        try await Photo.forgetRoles(of: AlbumDataSQL.only(traveller), act)
        // A member who left does not see their own hidden photos any more.
        for row in try await act.tx.all(AlbumDataSQL.hidden(addedBy: traveller)) {
            try await Photo.publish(row.photo, isHidden: true, act)
        }
    }
}
