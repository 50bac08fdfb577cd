import Foundation
import NIOCore
import NIOPosix

/// Runs file work on threads that may block.
///
/// Requests share one thread per core, so file work there would delay other requests.
enum Files {
    static func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(work)
    }

    /// Deletes a file, or a folder with all that is in it; nothing happens where there is none.
    static func remove(_ url: URL) async throws {
        try await run {
            guard FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else { return }
            try FileManager.default.removeItem(at: url)
        }
    }

    /// The folder of files that are being written.
    ///
    /// It is on the file system of the state folder, so a rename puts a whole file in place. It is no part of a backup.
    static func unfinished(in state: URL) -> URL { state.appending(path: "unfinished") }

    /// Deletes files and folders that a crash before the instant has left half written.
    static func forgetUnfinished(in state: URL, before instant: Date) async throws {
        try await run {
            let (files, folder) = (FileManager.default, unfinished(in: state))
            let left = try? files.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            for file in left ?? [] {
                let written =
                    try? files.attributesOfItem(atPath: file.path(percentEncoded: false))[.modificationDate] as? Date
                if let written, written < instant { try? files.removeItem(at: file) }
            }
        }
    }

    /// A call to the system that failed.
    struct Failed: Error, CustomStringConvertible {
        let description: String

        /// - Parameter call: the call that has just failed; `errno` says why.
        init(_ call: String, _ url: URL) {
            description = "\(call) of \(url.lastPathComponent): \(String(cString: strerror(errno)))"
        }
    }

    // MARK: On threads that may block

    /// All bytes of a file that the service has made itself.
    static func read(_ url: URL) throws -> [UInt8] {
        guard let file = try ReadableFile(url) else { throw Failed("open", url) }
        return Array(try file.read(0..<file.size).readableBytesView)
    }

    /// Writes a new file; the function returns once the bytes are on the disk.
    static func writeDurably(_ bytes: [UInt8], to url: URL) throws {
        let file = open(url.path(percentEncoded: false), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failed("open", url) }
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failed("write", url) }
            rest = rest.dropFirst(count)
        }
        guard fsync(file) == 0 else { throw Failed("fsync", url) }
    }

    /// Renames a file and replaces any file of that name; the function returns once the name is on the disk.
    static func move(_ url: URL, to target: URL) throws {
        guard rename(url.path(percentEncoded: false), target.path(percentEncoded: false)) == 0 else {
            throw Failed("rename", url)
        }
        try synchronize(target.deletingLastPathComponent())
    }

    /// Makes a folder and its missing parents; the function returns once they are on the disk.
    static func makeDurableFolder(_ url: URL) throws {
        guard !FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else { return }
        let parent = url.deletingLastPathComponent()
        try makeDurableFolder(parent)
        guard mkdir(url.path(percentEncoded: false), 0o700) == 0 || errno == EEXIST else { throw Failed("mkdir", url) }
        try synchronize(parent)
    }

    /// Writes the list of a folder's files to the disk.
    static func synchronize(_ folder: URL) throws {
        let file = open(folder.path(percentEncoded: false), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failed("open", folder) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw Failed("fsync", folder) }
    }

    /// A file that is open for reading, until nobody holds it.
    final class ReadableFile: Sendable {
        private let file: CInt
        /// The file's size in bytes.
        let size: Int

        /// Opens a file; the result is nil if the file does not exist.
        init?(_ url: URL) throws {
            file = open(url.path(percentEncoded: false), O_RDONLY | O_CLOEXEC)
            guard file >= 0 else {
                if errno == ENOENT || errno == ENOTDIR { return nil }
                throw Failed("open", url)
            }
            let end = lseek(file, 0, SEEK_END)
            guard end >= 0 else {
                let failed = Failed("lseek", url)
                close(file)
                throw failed
            }
            size = Int(end)
        }

        deinit { if file >= 0 { close(file) } }

        /// The bytes of a range, as far as the file has them.
        func read(_ range: Range<Int>) throws -> ByteBuffer {
            var buffer = ByteBufferAllocator().buffer(capacity: range.count)
            while buffer.readableBytes < range.count {
                var isInterrupted = false
                let done = buffer.readableBytes
                let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 1) { space in
                    let wanted = min(space.count, range.count - done)
                    let read = pread(file, space.baseAddress, wanted, off_t(range.lowerBound + done))
                    isInterrupted = read < 0 && errno == EINTR
                    return max(read, 0)
                }
                if count == 0, !isInterrupted { break }
            }
            return buffer
        }
    }
}
