import Foundation
import GuestModels

/// The name of a photo's file on the phone.
struct PhotoFile: Hashable, Sendable {
    let name: String

    /// A photo of a group as it was taken, or as a message has it.
    static func photo(_ name: PhotoName, in group: TravelGroup.ID) -> PhotoFile { PhotoFile(name: "\(group)-\(name)") }

    /// A picture of an album's photo that the phone has fetched.
    static func picture(_ photo: Photo.ID, _ size: Picture.Size) -> PhotoFile {
        PhotoFile(name: "\(photo)-\(size.rawValue)")
    }
}

/// The files of photos, in a folder beside the database.
///
/// A file is written before its row and deleted after it. So each row has its file, and a file without a row is what a
/// stop in between has left.
struct PhotoFiles: Sendable {
    private let folder: URL

    /// - Parameter path: the path of the database; the folder's name is the database's with `-photos` behind it.
    init(besides path: String) {
        folder = URL(filePath: path + "-photos", directoryHint: .isDirectory)
    }

    private func url(_ file: PhotoFile) -> URL { folder.appending(path: file.name) }

    /// Writes a photo; the function returns once the bytes are on the disk.
    func write(_ bytes: Data, as photo: PhotoFile) throws {
        if !FileManager.default.fileExists(atPath: folder.path(percentEncoded: false)) {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Self.synchronize(folder.deletingLastPathComponent())
        }
        let target = url(photo)
        let temporary = folder.appending(path: UUID().uuidString)
        do {
            try bytes.write(to: temporary)
            let file = try FileHandle(forUpdating: temporary)
            defer { try? file.close() }
            try file.synchronize()
            guard rename(temporary.path(percentEncoded: false), target.path(percentEncoded: false)) == 0 else {
                throw CocoaError(.fileWriteUnknown)
            }
            try Self.synchronize(folder)
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw error
        }
    }

    /// Writes the list of a folder's files to the disk.
    private static func synchronize(_ folder: URL) throws {
        let file = open(folder.path(percentEncoded: false), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw CocoaError(.fileReadUnknown) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    /// The bytes of a photo; nil if it has no file.
    func read(_ photo: PhotoFile) throws -> Data? { try read(photo, from: 0, atMost: Picture.maximumBytes) }

    /// Some bytes of a photo; nil if it has no file.
    func read(_ photo: PhotoFile, from offset: Int, atMost count: Int) throws -> Data? {
        let url = url(photo)
        guard FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else { return nil }
        let file = try FileHandle(forReadingFrom: url)
        defer { try? file.close() }
        try file.seek(toOffset: UInt64(max(0, offset)))
        return try file.read(upToCount: count) ?? Data()
    }

    /// Deletes the files that no row has.
    ///
    /// - Parameter known: the names of the files of all rows.
    func sweep(except known: Set<String>) {
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        for file in files where !known.contains(file.lastPathComponent) {
            try? FileManager.default.removeItem(at: file)
        }
    }

    /// Deletes the folder with all photos.
    static func remove(besides path: String) throws {
        let folder = path + "-photos"
        if FileManager.default.fileExists(atPath: folder) { try FileManager.default.removeItem(atPath: folder) }
    }
}
