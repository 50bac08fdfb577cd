import Foundation
import GuestModels
import Postgres

enum CheckPhotosSQL {
    /// The names of the objects of all photos of messages.
    static let messagePhotos = Query<String>(
        "SELECT group_id, name AS photo, object FROM message_photo ORDER BY group_id, name"
    ) { row in
        guard let name = PhotoName(try row.decode("photo", as: String.self)) else {
            throw Inconsistency("a photo's name is no SHA-256")
        }
        return MessagePhoto.object(try row.decodeIfPresent("object"), of: name, in: try row.decode("group_id"))
    }

    /// The pictures that have been made, with the bytes of their masters.
    static let pictures = Query<(id: Picture.ID, size: Int)>(
        "SELECT id, size FROM picture WHERE size IS NOT NULL ORDER BY id"
    ) { (try $0.decode("id"), try $0.decode("size")) }

    /// All uploads: their ids, and the size of those whose bytes wait for a job.
    static let uploads = Query<(id: Upload.ID, waiting: Int?)>(
        """
        SELECT id, CASE WHEN whole_at IS NOT NULL AND gone_at IS NULL THEN size END AS waiting FROM upload ORDER BY id
        """
    ) { (try $0.decode("id"), try $0.decodeIfPresent("waiting")) }

    /// The arguments of the jobs that will remove photos of messages.
    static let removals = Query<String>("SELECT arguments FROM job WHERE kind = \(RemovePhoto.kind) ORDER BY id") {
        try $0.decode("arguments")
    }
}
