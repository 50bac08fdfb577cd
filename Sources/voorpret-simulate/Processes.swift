import AsyncHTTPClient
import Foundation
import GuestAPI
import GuestClient
import NIOCore
import NIOHTTP1
import Synchronization

/// One of our programs, which can be killed and started again.
final class Program: Sendable {
    private let path: String
    private let arguments: [String]
    private let environment: [String: String]
    private let health: String
    private let running = Mutex<ChildProcess?>(nil)

    /// - Parameter health: an address that answers 200 when the program is ready.
    init(_ path: String, _ arguments: [String], environment: [String: String] = [:], health: String) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.health = health
    }

    func start() async throws {
        let process = try ChildProcess(path, arguments, environment: environment)
        running.withLock { $0 = process }
        for _ in 0..<1200 where process.exitCode == nil {
            let answer = try? await HTTPClient.shared.execute(HTTPClientRequest(url: health), timeout: .seconds(1))
            if answer?.status == .ok { return }
            try await Task.sleep(for: .milliseconds(25))
        }
        throw GuestClient.Stopped(description: "\(path) did not become ready")
    }

    /// Kills the program like `kill -9` and waits until it is gone and its port is free.
    func kill() async {
        let process = running.withLock { running in
            defer { running = nil }
            return running
        }
        await process?.end()
    }
}

/// Runs a program to its end; returns the exit code and the output.
func run(_ path: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> (Int32, String) {
    let output = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-\(UUID().uuidString).out")
    defer { try? FileManager.default.removeItem(at: output) }
    let status = try await ChildProcess(path, arguments, environment: environment, output: output.path()).wait()
    return (status, try String(contentsOf: output, encoding: .utf8))
}
