import Foundation
import NIOPosix

/// Work with files, on threads that may wait for the disk.
///
/// Requests share as many threads as there are cores, and none of them may.
enum Files {
    static func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(work)
    }

    /// Deletes a file, or a folder with all that is in it; nothing happens where there is none.
    static func remove(_ url: URL) async throws {
        try await run {
            guard FileManager.default.fileExists(atPath: url.path()) else { return }
            try FileManager.default.removeItem(at: url)
        }
    }
}
