import Foundation
import NIOCore

/// Objects as files in a folder of this machine.
///
/// A file that is replaced or removed while it is read keeps its bytes for the reader.
struct DiskObjects: ObjectStore {
    private let root: URL
    private let unfinished: URL
    private static let piece = 256 * 1024

    /// - Parameter state: the state folder; objects are in its `objects`.
    init(_ state: URL) {
        root = state.appending(path: "objects")
        unfinished = Files.unfinished(in: state)
    }

    func put(_ bytes: [UInt8], as name: String) async throws {
        let target = root.appending(path: name)
        try await run {
            try Files.makeDurableFolder(unfinished)
            let temporary = unfinished.appending(path: UUID().uuidString)
            defer { unlink(temporary.path(percentEncoded: false)) }
            try Files.writeDurably(bytes, to: temporary)
            try Files.makeDurableFolder(target.deletingLastPathComponent())
            try Files.move(temporary, to: target)
        }
    }

    func open(_ name: String) async throws -> StoredObject? {
        let url = root.appending(path: name)
        guard let file = try await run({ try Files.ReadableFile(url) }) else { return nil }
        return StoredObject(size: file.size) { range, send in
            var next = range.lowerBound
            while next < range.upperBound {
                let wanted = next..<min(next + Self.piece, range.upperBound)
                let piece = try await run { try file.read(wanted) }
                guard piece.readableBytes == wanted.count else {
                    throw ObjectsUnavailable(description: "\(name) ends before byte \(wanted.upperBound)")
                }
                try await send(piece)
                next = wanted.upperBound
            }
        }
    }

    func remove(_ name: String) async throws {
        let url = root.appending(path: name)
        try await run {
            guard unlink(url.path(percentEncoded: false)) == 0 || errno == ENOENT || errno == ENOTDIR else {
                throw Files.Failed("unlink", url)
            }
        }
    }

    func list(_ folder: String) async throws -> [ListedObject] {
        try await run {
            let files = FileManager.default
            let top = root.appending(path: folder)
            guard let paths = files.enumerator(atPath: top.path(percentEncoded: false)) else { return [] }
            var found: [ListedObject] = []
            for case let path as String in paths {
                let name = top.appending(path: path).path(percentEncoded: false)
                // A file that was removed since has no attributes.
                guard let facts = try? files.attributesOfItem(atPath: name), let size = facts[.size] as? Int,
                    facts[.type] as? FileAttributeType == .typeRegular
                else { continue }
                found.append(ListedObject(name: "\(folder)/\(path)", size: size))
            }
            return found
        }
    }

    private func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        do {
            return try await Files.run(work)
        } catch let error as Files.Failed {
            throw ObjectsUnavailable(description: error.description)
        }
    }
}
