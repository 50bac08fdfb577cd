import Foundation
import GuestClient

/// The `voorpret-simulate` executable, on processes and a database of its own.
public enum Simulation {
    public static func payments(faults: Int, seed: UInt32) async throws -> (status: Int32, said: String) {
        let program = ServiceProcess.product("voorpret-simulate")
        let output = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-simulate-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let arguments = [
            "payments", "--faults", "\(faults)", "--seed", "\(seed)", "--groups", "4", "--minutes", "4",
            "--programs", program.deletingLastPathComponent().path(percentEncoded: false), "--project",
            projectFolder.path(percentEncoded: false),
        ]
        let status = try await ChildProcess(program.path(percentEncoded: false), arguments, output: output.path())
            .wait()
        return (status, try String(contentsOf: output, encoding: .utf8))
    }
}
