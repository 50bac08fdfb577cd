import Foundation
import Synchronization

/// Writes the texts of all prepared statements into the file that `VOORPRET_STATEMENTS` names.
///
/// A test uses such a file to check that a later schema still serves the version that wrote the file. Nothing is
/// written unless the variable is set.
enum StatementRecord {
    /// Separates two texts in the file.
    static let separator = "\n--;\n"

    private static let file: FileHandle? = {
        guard let path = ProcessInfo.processInfo.environment["VOORPRET_STATEMENTS"] else { return nil }
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        return FileHandle(forWritingAtPath: path)
    }()
    private static let known = Mutex<Set<String>>([])

    static func note(_ text: String) {
        guard let file else { return }
        known.withLock { known in
            guard known.insert(text).inserted else { return }
            _ = try? file.seekToEnd()
            try? file.write(contentsOf: Data((text + separator).utf8))
        }
    }
}
