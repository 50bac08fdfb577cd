import Foundation
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
            guard FileManager.default.fileExists(atPath: url.path()) else { return }
            try FileManager.default.removeItem(at: url)
        }
    }
}
