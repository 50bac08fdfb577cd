import Foundation
import GuestModels
import Synchronization

/// Records a test's requests and answers as text, for `scripts/transcripts.py`.
///
/// The transcript is written when `VOORPRET_TRANSCRIPTS` names a folder. Identifiers are then counted instead of
/// random, so that two builds with the same behaviour give the same answers.
final class Transcript: Sendable {
    private let file: FileHandle
    private let lock = Mutex(())

    /// Opens the transcript; nil when no transcripts are wanted.
    init?(of test: String, database: String) {
        guard let folder = ProcessInfo.processInfo.environment["VOORPRET_TRANSCRIPTS"] else { return nil }
        let path = "\(folder)/\(database).txt"
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: path, contents: Data("\(test)\n".utf8))
        guard let file = FileHandle(forWritingAtPath: path) else { return nil }
        self.file = file
    }

    deinit { try? file.close() }

    func note(_ method: String, _ path: String, _ raw: Data?, _ answer: GuestAPITestService.Response) {
        let headers = answer.headers.filter { !["date", "connection"].contains($0.key) }
            .sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        let lines = [
            "> \(method) \(path)", raw.map { "> \(String(decoding: $0, as: UTF8.self))" } ?? ">",
            "< \(answer.status) \(headers.joined(separator: "; "))", "< \(answer.text)",
        ]
        let text = Data((lines.map { $0.replacing("\n", with: "\\n") }.joined(separator: "\n") + "\n").utf8)
        lock.withLock { _ in
            _ = try? file.seekToEnd()
            try? file.write(contentsOf: text)
        }
    }

    /// Makes identifiers that count in the order in which they are asked for.
    static func counted() -> IdentifierSource {
        let count = Mutex<UInt64>(0)
        return IdentifierSource { now in
            let next = count.withLock { count in
                count += 1
                return count
            }
            let millis = UInt64(max(0, now.timeIntervalSince1970 * 1000))
            let text = String(format: "%012lx7000%016lx", UInt(millis), UInt(0x8000_0000_0000_0000 | next))
            var parts: [Substring] = []
            var rest = Substring(text)
            for length in [8, 4, 4, 4, 12] {
                parts.append(rest.prefix(length))
                rest = rest.dropFirst(length)
            }
            return UUID(uuidString: parts.joined(separator: "-")) ?? UUID()
        }
    }
}
