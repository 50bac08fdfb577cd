import Foundation

/// Files that are no rows: a folder `objects` in the state folder.
///
/// Written whole, then renamed, so a name has all of its bytes or none.
struct ObjectStore: Sendable {
    private let root: URL

    init(_ settings: Settings) {
        root = URL(filePath: settings.stateFolder).appending(path: "objects")
    }

    /// - Parameter name: of ours, with slashes; never what a client has sent.
    func put(_ data: Data, as name: String) async throws {
        let url = root.appending(path: name)
        try await Files.run {
            let folder = url.deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try data.write(to: url, options: .atomic)
        }
    }

    /// nil when there is none.
    func get(_ name: String) async throws -> Data? {
        let url = root.appending(path: name)
        return try await Files.run {
            do { return try Data(contentsOf: url) } catch CocoaError.fileReadNoSuchFile { return nil }
        }
    }

    func remove(_ name: String) async throws { try await Files.remove(root.appending(path: name)) }
}
