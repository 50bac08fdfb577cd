import Crypto
import Foundation
import GuestModels

/// Writes each mail or notice to a file, unless another delivery is set up.
///
/// A mail becomes `mail/<recipient>/<job>.eml` in the state folder. The file is written whole and then renamed. Its
/// name is the id of the job, so a repeated job replaces the file.
struct Spool {
    private let root: URL

    /// - Parameter kind: `mail` or `push`.
    init(_ settings: Settings, _ kind: String) {
        root = URL(filePath: settings.stateFolder).appending(path: kind)
    }

    /// The name of a recipient's folder: a hash, so that the name reveals nothing and an erasure finds the folder.
    static func folder(of recipient: String) -> String {
        SHA256.hash(data: Data(recipient.lowercased().utf8)).prefix(8).hexadecimal
    }

    func put(_ message: MailMessage) async throws {
        try await put(Data(message.text.utf8), to: message.address, as: "\(message.id).eml")
    }

    func put(_ data: Data, to recipient: String, as name: String) async throws {
        let folder = root.appending(path: Self.folder(of: recipient))
        try await Files.run {
            var tries = 0
            while true {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                do {
                    return try data.write(to: folder.appending(path: name), options: .atomic)
                } catch  where tries < 3 {
                    // `forget` may have removed the folder while it was empty.
                    tries += 1
                }
            }
        }
    }

    /// Deletes files of jobs that were made before an instant, and folders that are empty then.
    func forget(before then: Date) async throws {
        try await Files.run {
            let files = FileManager.default
            for folder in (try? files.contentsOfDirectory(at: root, includingPropertiesForKeys: nil)) ?? [] {
                let written = (try? files.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
                for file in written {
                    let job = Job.ID(file.deletingPathExtension().lastPathComponent)
                    if let made = job?.madeAt, made < then { try? files.removeItem(at: file) }
                }
                // `rmdir` deletes only an empty folder, so a folder that got a new file meanwhile stays.
                if written.isEmpty { rmdir(folder.path()) }
            }
        }
    }

    func erase(_ folder: String) async throws {
        try await Files.remove(root.appending(path: folder))
    }
}

/// Deletes the spooled mails and notices of one recipient, for example after an erasure.
struct EraseSpool: Work {
    static let kind = "eraseSpool"
    static let queue = Job.Queue.mail

    let folder: String

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        for kind in ["mail", "push"] { try await Spool(app.settings, kind).erase(folder) }
    }
}
