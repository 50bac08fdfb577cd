import Crypto
import Foundation
import GuestModels

/// The default: a file per mail or notice, `mail/<recipient>/<job>.eml` in the state folder.
///
/// Written whole and then renamed, and named after the job, so a repeat replaces it with the same.
struct Spool {
    private let root: URL

    /// - Parameter kind: `mail` or `push`.
    init(_ settings: Settings, _ kind: String) {
        root = URL(filePath: settings.stateFolder).appending(path: kind)
    }

    /// A recipient's folder says nothing about the address or id, so it can be erased by name.
    static func folder(of recipient: String) -> String {
        SHA256.hash(data: Data(recipient.lowercased().utf8)).prefix(8).map {
            String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
        }
        .joined()
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
                // A folder in use is not empty, and stays.
                if written.isEmpty { rmdir(folder.path()) }
            }
        }
    }

    func erase(_ folder: String) async throws {
        try await Files.remove(root.appending(path: folder))
    }
}

/// Deletes what was spooled for somebody who has been erased.
struct EraseSpool: Work {
    static let kind = "eraseSpool"
    static let queue = Job.Queue.mail

    let folder: String

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        for kind in ["mail", "push"] { try await Spool(app.settings, kind).erase(folder) }
    }
}
