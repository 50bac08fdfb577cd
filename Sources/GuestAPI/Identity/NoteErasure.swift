import Foundation
public import GuestModels
import Postgres

/// Puts the id of an erased guest on a list outside all backups, so that a restore can erase the guest again.
///
/// The list is a folder with an empty file for each guest, named after the guest's id.
struct NoteErasure: Work {
    static let kind = "noteErasure"
    static let queue = Job.Queue.mail

    let guest: Guest.ID

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        let folder = URL(filePath: app.settings.stateFolder).appending(path: ErasedGuests.folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data().write(to: folder.appending(path: guest.description))
    }
}

public enum ErasedGuests {
    /// The name of the list's folder in the state folder.
    public static let folder = "erased"

    /// The guests on the list; none if there is no list.
    public static func ids(in folder: String) -> [Guest.ID] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().compactMap { Guest.ID($0) }
    }
}
