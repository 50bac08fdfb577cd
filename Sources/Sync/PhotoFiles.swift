import Foundation
import GuestModels

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

    private func url(_ name: PhotoName, _ group: TravelGroup.ID) -> URL { folder.appending(path: "\(group)-\(name)") }

    /// Writes a photo; the function returns once the bytes are on the disk.
    func write(_ jpeg: Data, as name: PhotoName, in group: TravelGroup.ID) throws {
        if !FileManager.default.fileExists(atPath: folder.path(percentEncoded: false)) {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Self.synchronize(folder.deletingLastPathComponent())
        }
        let target = url(name, group)
        let temporary = folder.appending(path: UUID().uuidString)
        do {
            try jpeg.write(to: temporary)
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
    func read(_ name: PhotoName, in group: TravelGroup.ID) throws -> Data? {
        try read(name, in: group, from: 0, atMost: PhotoName.maximumBytes)
    }

    /// Some bytes of a photo; nil if it has no file.
    func read(_ name: PhotoName, in group: TravelGroup.ID, from offset: Int, atMost count: Int) throws -> Data? {
        let url = url(name, group)
        guard FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else { return nil }
        let file = try FileHandle(forReadingFrom: url)
        defer { try? file.close() }
        try file.seek(toOffset: UInt64(max(0, offset)))
        return try file.read(upToCount: count) ?? Data()
    }

    /// Deletes the files that no row has.
    ///
    /// - Parameter known: the groups and names of all rows.
    func sweep(except known: [(group: TravelGroup.ID, name: PhotoName)]) {
        let kept = Set(known.map { url($0.name, $0.group).lastPathComponent })
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        for file in files where !kept.contains(file.lastPathComponent) { try? FileManager.default.removeItem(at: file) }
    }

    /// Deletes the folder with all photos.
    static func remove(besides path: String) throws {
        let folder = path + "-photos"
        if FileManager.default.fileExists(atPath: folder) { try FileManager.default.removeItem(atPath: folder) }
    }
}
