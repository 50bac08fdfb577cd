import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Album {
    /// Names the members who may hide and order an album's photos besides the organiser.
    ///
    /// Throws `notFound` for a guest outside the group, `forbidden` for a member who is not the organiser, and
    /// `unknownTraveller` for somebody who is no member.
    static func setCurators(_ request: CuratorsRequest, of id: Booking.ID, _ act: Act) async throws {
        guard let album = try await act.tx.first(AlbumSQL.album(id)) else { throw Refusal.notFound }
        _ = try await TravelGroup.require(.organiser, in: album.groupId, staying: true, act)
        let members = try await act.tx.all(GroupSQL.travellers(of: album.groupId)).filter { $0.role != nil }.map(\.id)
        for (index, traveller) in request.travellerIds.enumerated() where !members.contains(traveller) {
            throw Refusal.unknownTraveller.at("/travellerIds/\(index)")
        }
        _ = try await act.tx.all(AlbumSQL.lock(id))
        try await act.tx.run(CurationSQL.setCurators(request.travellerIds, of: id, in: album.groupId))
        act.tx.publish(id, .album, to: .group(album.groupId))
    }

    /// The photos that curators have hidden, for the organiser and the curators.
    ///
    /// Throws `forbidden` for other members.
    static func listHidden(_ id: Booking.ID, _ look: Look) async throws -> JSONText {
        guard let album = try await look.reader.first(AlbumSQL.album(id)) else { throw Refusal.notFound }
        let own = try await Album.enter(album.groupId, look)
        let (curators, hidden) = try await look.reader.all(
            CurationSQL.isCurator(own.id, of: id),
            CurationSQL.hidden(in: id)
        )
        guard own.isCurator(curators) else { throw Refusal.forbidden }
        return hidden.first ?? JSONText("[]")
    }
}

extension Photo {
    /// Hides a photo from the group, shows it again, or puts it in another place.
    ///
    /// Throws `forbidden` for a member who is neither the organiser nor a curator.
    static func place(_ request: PhotoPlacement, _ id: Photo.ID, _ act: Act) async throws -> Outcome.Result {
        let (row, own, isCurator) = try await lockedForAll(id, act)
        guard row.isSeen(by: own.id, isCurator: isCurator) else { throw Refusal.notFound }
        guard isCurator else { throw Refusal.forbidden }
        let (isHidden, rank) = (request.isHidden ?? row.photo.isHidden ?? false, request.rank ?? row.photo.rank)
        guard isHidden != row.photo.isHidden || rank != row.photo.rank else { return .noop }
        try await act.tx.run(AlbumSQL.place(id, rank, hiddenAt: isHidden ? act.now : nil))
        try await publish(row.photo, isHidden: true, act)
        return .applied
    }
}
