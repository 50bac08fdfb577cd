import Crypto
import Foundation
import GuestModels
import NIOCore

/// A file of bytes that are on their way, in the state folder's `staged`.
///
/// The file's durable length is how much has come; no table knows it. Of several requests that write to one file, in
/// whichever process, the newest wins: a request takes the file over by writing its mark beside it, and each write of
/// an older one finds another mark and fails. A lock on the file is held only for one write, so a request whose client
/// hangs keeps nobody out.
struct StagedFile: Sendable {
    private let bytes: URL
    private let mark: URL

    init(_ id: UUID, in state: String) {
        let folder = Self.folder(in: state)
        bytes = folder.appending(path: id.lowercasedText)
        mark = folder.appending(path: id.lowercasedText + ".writer")
    }

    /// The path of the bytes, for a process that only reads them.
    var path: String { bytes.path(percentEncoded: false) }

    static func folder(in state: String) -> URL { URL(filePath: state).appending(path: "staged") }

    /// The error of a writer that a newer one has replaced.
    struct TakenOver: Error {}

    /// The error of a disk that is full.
    struct NoSpace: Error {}

    // MARK: On threads that may block

    /// Makes the file, empty, unless it exists; the function returns once its name is on the disk.
    func make() throws {
        let folder = bytes.deletingLastPathComponent()
        try Files.makeDurableFolder(folder)
        let file = open(bytes.path(percentEncoded: false), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure("open", bytes) }
        close(file)
        try Files.synchronize(folder)
    }

    /// Takes the file over, so that older writers write no more; nil if the file does not exist.
    func takeOver() throws -> Writer? {
        let file = open(bytes.path(percentEncoded: false), O_RDWR | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Self.failure("open", bytes)
        }
        let writer = Writer(file, bytes, mark)
        try writer.begin()
        return writer
    }

    /// The first bytes of the file; fewer if the file is shorter.
    func read(_ count: Int) throws -> [UInt8] {
        guard let file = try Files.ReadableFile(bytes) else { return [] }
        return Array(try file.read(0..<min(count, file.size)).readableBytesView)
    }

    /// The number of bytes that have come; nil if there is no file.
    func size() throws -> Int? { try Files.ReadableFile(bytes)?.size }

    /// The SHA-256 of the first bytes, and the first bytes that tell a format; reads piece by piece.
    func digest(_ count: Int) throws -> (digest: String, first: [UInt8]) {
        guard let file = try Files.ReadableFile(bytes) else { return ("", []) }
        var (hash, first, place) = (SHA256(), [UInt8](), 0)
        while place < count {
            let piece = try file.read(place..<min(place + 1024 * 1024, count))
            guard piece.readableBytes > 0 else { break }
            if place == 0 { first = Array(piece.readableBytesView.prefix(Picture.Format.telling)) }
            piece.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
            place += piece.readableBytes
        }
        return (hash.finalize().hexadecimal, first)
    }

    /// Deletes the file; nothing happens if there is none.
    func remove() throws {
        for url in [bytes, mark] {
            guard unlink(url.path(percentEncoded: false)) == 0 || errno == ENOENT || errno == ENOTDIR else {
                throw Files.Failed("unlink", url)
            }
        }
    }

    fileprivate static func failure(_ call: String, _ url: URL) -> any Error {
        errno == ENOSPC || errno == EDQUOT ? NoSpace() : Files.Failed(call, url)
    }

    /// A writer may write to a staged file until a newer writer takes the file over.
    final class Writer: Sendable {
        private let file: CInt
        private let url: URL
        private let mark: URL
        private let name = Array(UUID().uuidString.utf8)

        fileprivate init(_ file: CInt, _ url: URL, _ mark: URL) {
            self.file = file
            self.url = url
            self.mark = mark
        }

        deinit { close(file) }

        fileprivate func begin() throws {
            try locked {
                let file = open(mark.path(percentEncoded: false), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
                guard file >= 0 else { throw failure("open", mark) }
                defer { close(file) }
                guard pwrite(file, name, name.count, 0) == name.count else { throw failure("write", mark) }
            }
        }

        /// Adds bytes at the end.
        ///
        /// - Throws: `TakenOver` if another has taken the file over, `NoSpace` if the disk is full.
        func append(_ buffer: ByteBuffer) throws {
            try locked {
                try requireMark()
                var place = try end()
                let whole = buffer.readableBytesView
                var rest = whole[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, place) }
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { throw failure("write", url) }
                    rest = rest.dropFirst(count)
                    place += off_t(count)
                }
            }
        }

        /// Writes the bytes to the disk and returns their number, which may be told from then on.
        ///
        /// - Throws: `TakenOver` if another has taken the file over.
        func synchronize() throws -> Int {
            try locked {
                try requireMark()
                #if canImport(Glibc)
                let isWritten = fdatasync(file) == 0
                #else
                let isWritten = fsync(file) == 0
                #endif
                guard isWritten else {
                    // A later call may succeed although bytes are lost, so the upload must begin anew.
                    let failed = failure("fdatasync", url)
                    unlink(url.path(percentEncoded: false))
                    throw failed
                }
                return Int(try end())
            }
        }

        private func end() throws -> off_t {
            let end = lseek(file, 0, SEEK_END)
            guard end >= 0 else { throw failure("lseek", url) }
            return end
        }

        private func requireMark() throws {
            let file = open(mark.path(percentEncoded: false), O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { throw errno == ENOENT || errno == ENOTDIR ? TakenOver() : failure("open", mark) }
            defer { close(file) }
            var found = [UInt8](repeating: 0, count: name.count)
            guard pread(file, &found, found.count, 0) == found.count, found == name else { throw TakenOver() }
        }

        private func locked<Value>(_ work: () throws -> Value) throws -> Value {
            while flock(file, LOCK_EX) != 0 {
                guard errno == EINTR else { throw failure("flock", url) }
            }
            defer { flock(file, LOCK_UN) }
            return try work()
        }

        private func failure(_ call: String, _ url: URL) -> any Error { StagedFile.failure(call, url) }
    }
}
