import Foundation
import GuestAPI
import GuestClient

/// The `voorpret-simulate` executable, with its own processes and database.
public enum Simulation {
    public static func payments(faults: Int, seed: UInt32) async throws -> (status: Int32, said: String) {
        try await run(["payments", "--faults", "\(faults)", "--seed", "\(seed)", "--groups", "4", "--minutes", "4"])
    }

    public static func phones(_ phones: Int, schedules: Int, seed: UInt32) async throws -> (status: Int32, said: String)
    {
        try await run([
            "phones", "--phones", "\(phones)", "--schedules", "\(schedules)", "--seed", "\(seed)", "--minutes", "4",
        ])
    }

    private static func run(_ arguments: [String]) async throws -> (status: Int32, said: String) {
        let program = ServiceProcess.product("voorpret-simulate")
        let output = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-simulate-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let places = [
            "--programs", program.deletingLastPathComponent().path(percentEncoded: false), "--project",
            projectFolder.path(percentEncoded: false),
        ]
        let status = try await ChildProcess(
            program.path(percentEncoded: false),
            arguments + places,
            output: output.path()
        ).wait()
        return (status, try String(contentsOf: output, encoding: .utf8))
    }
}
