import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Photo {
    /// Hides a photo because the asking member, or a child whose guardian the member is, says to be pictured.
    ///
    /// The photo is hidden at once from all but the member who added it, as long as the objection stands. When it is
    /// withdrawn, the photo is shown again if nobody else objects. Withdrawing an objection that does not exist changes
    /// nothing.
    ///
    /// Throws `notFound` for a photo that the member does not see, unless somebody objects to it already. Throws
    /// `forbidden` for a traveller for whom the member does not speak.
    static func object(_ request: ObjectionRequest, to id: Photo.ID, _ act: Act) async throws -> Outcome.Result {
        let (row, own, isCurator) = try await lockedForAll(id, act)
        let pictured = request.travellerId ?? own.id
        if pictured != own.id {
            guard let child = try await act.tx.first(GroupSQL.traveller(pictured, in: row.photo.groupId)),
                child.role == nil, child.guardianId == own.id
            else { throw Refusal.forbidden.at("/travellerId") }
        }
        guard request.isObjecting else {
            guard try await act.tx.run(CurationSQL.withdrawObjection(to: id, for: pictured)) == 1 else { return .noop }
            try await publish(row.photo, isHidden: true, act)
            return .applied
        }
        // Somebody else may have hidden the photo already; a second objection must count then too.
        guard row.isObjected || row.isSeen(by: own.id, isCurator: isCurator) else { throw Refusal.notFound }
        let group = row.photo.groupId
        let command = CurationSQL.object(to: id, in: group, for: pictured, by: own.id, at: act.now)
        guard try await act.tx.run(command) == 1 else { return .noop }
        try await publish(row.photo, isHidden: true, act)
        return .applied
    }

    /// The objections that the asking member has made to photos of an album.
    static func objections(to id: Booking.ID, _ look: Look) async throws -> [PhotoObjection] {
        guard let album = try await look.reader.first(AlbumSQL.album(id)) else { throw Refusal.notFound }
        let own = try await Album.enter(album.groupId, look)
        return try await look.reader.all(CurationSQL.objections(to: id, by: own.id))
    }
}
