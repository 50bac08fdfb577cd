import AsyncHTTPClient
import Foundation
import GuestClient
import NIOCore
import NIOHTTP1
import Synchronization

/// A process of ours that can be killed and started again.
final class Program: Sendable {
    private let path: String
    private let arguments: [String]
    private let environment: [String: String]
    private let health: String
    private let running = Mutex<Int32?>(nil)

    /// - Parameter health: an address that answers 200 once it is ready.
    init(_ path: String, _ arguments: [String], environment: [String: String] = [:], health: String) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.health = health
    }

    func start() async throws {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        running.withLock { $0 = process.processIdentifier }
        for _ in 0..<1200 {
            let answer = try? await HTTPClient.shared.execute(HTTPClientRequest(url: health), timeout: .seconds(1))
            if answer?.status == .ok { return }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(25))
        }
        throw GuestClient.Stopped(description: "\(path) did not become ready")
    }

    /// As `kill -9`; comes back once it is gone and its port is free.
    func kill() async {
        guard
            let id = running.withLock({ id in
                defer { id = nil }
                return id
            })
        else { return }
        _ = Foundation.kill(id, SIGKILL)
        for _ in 0..<1000 where Foundation.kill(id, 0) == 0 { try? await Task.sleep(for: .milliseconds(10)) }
    }
}

/// Runs to its end; answers the exit code and what it said.
///
/// What it says goes to a file: a server that it starts may keep a pipe open for ever.
func run(_ path: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> (Int32, String) {
    let output = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-\(UUID().uuidString).out")
    guard FileManager.default.createFile(atPath: output.path(), contents: nil) else {
        throw GuestClient.Stopped(description: "\(output.path()) cannot be written")
    }
    defer { try? FileManager.default.removeItem(at: output) }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    let status: Int32 = try await withCheckedThrowingContinuation { continuation in
        process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
        do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    return (status, try String(contentsOf: output, encoding: .utf8))
}
