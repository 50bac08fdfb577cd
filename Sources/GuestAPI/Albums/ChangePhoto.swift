import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Photo {
    /// Changes a photo's caption, or the text for those who cannot see it; every member may.
    ///
    /// Throws `notFound` for a guest outside the group, and `textChanged` if somebody else was faster.
    static func change(_ request: PhotoChange, to id: Photo.ID, _ act: Act) async throws -> Outcome.Result {
        let (row, own) = try await locked(id, act)
        var photo = row.photo
        try photo.change(request)
        let changes = [("caption", row.photo.caption, photo.caption), ("alt", row.photo.alt, photo.alt)]
            .filter { $0.1 != $0.2 }
        guard !changes.isEmpty else { return .noop }
        try await act.tx.run(AlbumSQL.setTexts(of: photo))
        for (field, _, text) in changes {
            try await act.tx.run(AlbumSQL.record(text, as: field, of: id, by: own.id, at: act.now))
        }
        try await act.tx.run(AlbumSQL.forgetEvents(of: id))
        try await publish(photo, isHidden: row.isHidden, act)
        return .applied
    }

    /// Records whether the asking member likes a photo.
    ///
    /// - Returns: `noop` when a later answer is stored already.
    static func heart(_ request: HeartRequest, _ id: Photo.ID, _ act: Act) async throws -> Outcome.Result {
        let (row, own) = try await locked(id, act)
        let group = row.photo.groupId
        let command = AlbumSQL.heart(id, request.isHearted, by: own.id, in: group, at: act.now)
        guard try await act.tx.run(command) == 1 else { return .noop }
        try await publish(row.photo, isHidden: row.isHidden, act)
        return .applied
    }

    /// Corrects the times of photos that the asking member has added to an album.
    ///
    /// No photo is moved behind the moment at which it was added. Photos of others stay as they are.
    static func shiftTimes(_ request: TimeShift, in id: Booking.ID, _ act: Act) async throws -> Outcome.Result {
        guard let album = try await act.tx.first(AlbumSQL.album(id)) else { throw Refusal.notFound }
        let own = try await Album.enter(album.groupId, act)
        let rows = try await act.tx.all(AlbumSQL.photos(request.photoIds, of: id, addedBy: own.id))
        guard !rows.isEmpty else { return .noop }
        for row in rows {
            var photo = row.photo
            photo.shiftTime(by: request.seconds)
            try await act.tx.run(AlbumSQL.moveTime(of: photo.id, to: photo.takenAt))
            try await publish(photo, isHidden: row.isHidden, act)
        }
        return .applied
    }
}
