import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Photo {
    /// Adds a photo to an album; its bytes follow.
    ///
    /// An album has a photo once. A member who adds one that is there gets that one.
    ///
    /// Throws `notFound` for a guest outside the group, `albumClosed`, `albumFull`, `photoHidden`, `idTaken`.
    ///
    /// - Returns: the photo's id, and whether it is new.
    static func add(
        _ request: PhotoRequest,
        to id: Booking.ID,
        _ act: Act
    ) async throws -> (id: Photo.ID, isNew: Bool) {
        guard let album = try await act.tx.first(AlbumSQL.album(id)) else { throw Refusal.notFound }
        let own = try await Album.enter(album.groupId, act)
        try album.allowAdding(today: ParkClock(stored: album.timeZone).date(at: act.now))
        // Two members may send one photo at the same time, and the last place may be wanted twice.
        let (_, known, rooms) = try await act.tx.all(
            AlbumSQL.lock(id),
            AlbumSQL.photo(request.name, size: request.size, in: id),
            AlbumSQL.room(in: id)
        )
        if let known = known.first {
            let (row, _, isCurator) = try await lockedForAll(known, act)
            guard row.isSeen(by: own.id, isCurator: isCurator) else { throw Refusal.photoHidden }
            return (known, false)
        }
        let room = rooms.first ?? (photos: 0, bytes: 0)
        try Album.allowOneMore(of: request.size, besides: room.photos, with: room.bytes)
        let photo = Photo(
            request,
            id: request.id ?? act.id(),
            album: id,
            group: album.groupId,
            by: own.id,
            at: act.now
        )
        try await act.tx.run(AlbumSQL.insert(photo), refusing: ["photo_pkey": .idTaken.at("/id")])
        for (field, text) in [("caption", photo.caption), ("alt", photo.alt)] where text != nil {
            try await act.tx.run(AlbumSQL.record(text, as: field, of: photo.id, by: own.id, at: act.now))
        }
        act.tx.publish(photo.id, .photo, to: .group(album.groupId))
        return (photo.id, true)
    }

    /// A photo that the guest sees, locked, with the guest's row in the group.
    ///
    /// Throws `notFound` for a guest outside the group and for a hidden photo, as for a photo that does not exist.
    static func locked(_ id: Photo.ID, _ act: Act) async throws -> (row: AlbumSQL.PhotoRow, own: Traveller) {
        let (row, own, isCurator) = try await lockedForAll(id, act)
        guard row.isSeen(by: own.id, isCurator: isCurator) else { throw Refusal.notFound }
        return (row, own)
    }

    /// A photo of an album of one of the guest's groups, locked, whether or not the guest sees it.
    ///
    /// Throws `notFound` for a guest outside the group.
    static func lockedForAll(
        _ id: Photo.ID,
        _ act: Act
    ) async throws -> (row: AlbumSQL.PhotoRow, own: Traveller, isCurator: Bool) {
        guard let photo = try await act.tx.first(AlbumSQL.photo(id))?.photo else { throw Refusal.notFound }
        // The guest's place in the group is locked before the photo, in the order of an erasure.
        let own = try await Album.enter(photo.groupId, act)
        let (rows, curators) = try await act.tx.all(
            AlbumSQL.photo(id, isLocked: true),
            CurationSQL.isCurator(own.id, of: photo.bookingId)
        )
        guard let row = rows.first else { throw Refusal.notFound }
        return (row, own, own.isCurator(curators))
    }

    /// Publishes a photo to all who see it, or have seen it.
    ///
    /// - Parameter isHidden: whether the photo is hidden, or was before this act.
    static func publish(_ photo: Photo, isHidden: Bool, _ act: Act) async throws {
        try await publish(photo.id, in: photo.groupId, addedBy: photo.travellerId, isHidden: isHidden, act)
    }

    static func publish(
        _ id: Photo.ID,
        in group: TravelGroup.ID,
        addedBy traveller: Traveller.ID,
        isHidden: Bool,
        _ act: Act
    ) async throws {
        act.tx.publish(id, .photo, to: .group(group))
        guard isHidden else { return }
        act.tx.publish(id, .photo, to: .organiser(group))
        guard let guest = try await act.tx.first(GroupSQL.guest(of: traveller)) else { return }
        act.tx.publish(id, .photo, to: .guest(guest))
    }
}

extension Traveller {
    /// Whether the traveller may hide and order an album's photos: the organiser, or a curator of the album.
    ///
    /// - Parameter rows: the answer to `CurationSQL.isCurator`.
    func isCurator(_ rows: [Bool]) -> Bool { role == .organiser || !rows.isEmpty }
}

extension AlbumSQL.PhotoRow {
    /// Whether the group does not see the photo.
    var isHidden: Bool { isObjected || photo.isHidden == true }

    func isSeen(by traveller: Traveller.ID, isCurator: Bool) -> Bool {
        photo.isSeen(by: traveller, isCurator: isCurator, isObjected: isObjected)
    }
}
