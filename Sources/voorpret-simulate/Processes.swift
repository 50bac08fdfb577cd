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
            try await Task.sleep(for: .milliseconds(25))
        }
        throw GuestClient.Stopped(description: "\(path) did not become ready")
    }

    func signal(_ number: Int32) {
        running.withLock { id in
            if let id { _ = kill(id, number) }
            id = nil
        }
    }
}

/// Runs to its end; answers the exit code and what it said.
func run(_ path: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> (Int32, String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = output
    try process.run()
    let reading = Task.detached { (try? output.fileHandleForReading.readToEnd()) ?? Data() }
    let text = String(decoding: await reading.value, as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
}
