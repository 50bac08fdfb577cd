import Crypto
import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Photo {
    /// The name of a photo's upload: the SHA-256 of the bytes, and their number.
    static func upload(of photo: Photo) -> String { "\(photo.name)-\(photo.size)" }

    /// The photo whose bytes a member wants to send.
    ///
    /// Every member may send them, because the photo says what they must be.
    static func expected(_ id: Photo.ID, _ look: Look) async throws -> Photo {
        try await find(id, look).photo
    }
}

extension UploadKind {
    /// The bytes of an album's photo; the upload's owner is the photo.
    static let albumPhoto = UploadKind(
        name: "albumPhoto",
        maximum: Picture.maximumBytes,
        allow: { owner, _, act in
            try await Photo.locked(Photo.ID(owner), act).row.photo.state == .coming
        },
        // The photo's row has its place in the album already.
        limit: { _, _ in },
        check: { upload, file, size in
            let (digest, first) = try file.digest(size)
            guard upload.name == "\(digest)-\(size)", Picture.Format(firstBytes: first) != nil else {
                throw Refusal.photoUnreadable
            }
        },
        finish: { upload, act in
            let (row, _) = try await Photo.locked(Photo.ID(upload.owner), act)
            if row.photo.state == .coming {
                try await act.tx.run(AlbumSQL.setMaking(row.photo.id))
                try await Photo.publish(row.photo, isHidden: row.isHidden, act)
            }
            // Two last requests of one upload queue one job.
            let work = MakePhoto(photoId: row.photo.id, uploadId: upload.id)
            try Job.enqueue(work, key: "\(upload.id)", at: act.now, act)
        }
    )
}

/// The job that makes the copies of a photo whose bytes have all come, and shows them.
struct MakePhoto: Work {
    static let kind = "makePhoto"
    static let queue = Job.Queue.photos
    static let patience = Job.patienceWithObjects

    let photoId: Photo.ID
    /// The upload, which gives its id to the picture.
    let uploadId: Upload.ID

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        let row = try await app.look(as: .job(Self.kind)) { try await $0.reader.first(AlbumSQL.photo(photoId)) }
        // The photo may be gone, or another member's upload may have brought it.
        guard let row, row.picture == nil else { return }
        try await Picture.make(of: uploadId, as: Self.kind, app)
    }

    func finish(_ act: Act) async throws {
        let id = Picture.ID(uploadId.uuid)
        let (rows, outcomes) = try await act.tx.all(
            AlbumSQL.photo(photoId, isLocked: true),
            PictureSQL.outcome(id)
        )
        act.tx.later([UploadSQL.end(uploadId, at: act.now)])
        // A try before may have stored some copies.
        guard let row = rows.first, row.picture == nil else { return try Picture.remove(id, act) }
        guard let outcome = outcomes.first else {
            try Picture.remove(id, act)
            // The sender was erased, so another member may bring the bytes.
            let others = try await act.tx.first(
                UploadSQL.hasWhole(UploadKind.albumPhoto.name, of: photoId.uuid, but: uploadId)
            )
            guard others != true else { return }
            try await act.tx.run(AlbumSQL.setComing(photoId))
            return try await Photo.publish(row.photo, isHidden: row.isHidden, act)
        }
        if let made = outcome.made {
            guard let album = try await act.tx.first(AlbumSQL.album(row.photo.bookingId)) else {
                throw Inconsistency("photo \(photoId) has no album")
            }
            let taken = made.taken(by: try ParkClock(stored: album.timeZone), atMost: row.photo.addedAt)
            let takenAt = row.isTimeMoved ? row.photo.takenAt : taken ?? row.photo.takenAt
            try await act.tx.run(AlbumSQL.setReady(photoId, id, takenAt: takenAt))
        } else {
            try await act.tx.run(AlbumSQL.setUnreadable(photoId))
        }
        try await Photo.publish(row.photo, isHidden: row.isHidden, act)
    }
}
