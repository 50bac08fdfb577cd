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
    func put(_ data: Data, as name: String) throws {
        let url = root.appending(path: name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url, options: .atomic)
    }

    /// nil when there is none.
    func get(_ name: String) -> Data? { try? Data(contentsOf: root.appending(path: name)) }

    func remove(_ name: String) throws {
        let url = root.appending(path: name)
        guard FileManager.default.fileExists(atPath: url.path()) else { return }
        try FileManager.default.removeItem(at: url)
    }
}
