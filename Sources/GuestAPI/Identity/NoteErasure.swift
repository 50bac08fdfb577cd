import Foundation
public import GuestModels
import Postgres

/// Somebody was erased: their id goes on a list that no backup holds, so that a restore can erase them again.
///
/// The list is a folder with an empty file for each, named after the guest's id.
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
    /// Its name in the state folder.
    public static let folder = "erased"

    /// Those on the list; none where there is no list.
    public static func ids(in folder: String) -> [Guest.ID] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().compactMap { Guest.ID($0) }
    }
}
