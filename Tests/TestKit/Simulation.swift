import Foundation

/// The `voorpret-simulate` executable, on processes and a database of its own.
public enum Simulation {
    public static func payments(faults: Int, seed: UInt32) async throws -> (status: Int32, said: String) {
        let program = ServiceProcess.product("voorpret-simulate")
        let output = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-simulate-\(UUID().uuidString)")
        guard FileManager.default.createFile(atPath: output.path(), contents: nil) else {
            throw Leak(description: "\(output.path()) cannot be written")
        }
        defer { try? FileManager.default.removeItem(at: output) }
        let process = Process()
        process.executableURL = program
        process.arguments = [
            "payments", "--faults", "\(faults)", "--seed", "\(seed)", "--groups", "4", "--minutes", "4",
            "--programs", program.deletingLastPathComponent().path(), "--project", projectFolder.path(),
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return (status, try String(contentsOf: output, encoding: .utf8))
    }
}
