import Foundation
import Synchronization

/// Shows the progress of long work: a bar on a terminal, elsewhere a plain line every tenth.
public final class ProgressBar: Sendable {
    private let title: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let last = Mutex(-1)

    public init(_ title: String) {
        self.title = title
    }

    public func show(_ done: Int, of total: Int) {
        let percent = total > 0 ? done * 100 / total : 100
        let step = isTerminal ? percent : percent / 10 * 10
        let isNew = last.withLock { last in
            defer { last = max(last, step) }
            return step > last
        }
        guard isNew else { return }
        let line: String
        if isTerminal {
            let filled = percent * 30 / 100
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
            line = "\r\(title)  \(bar) \(percent) %"
        } else {
            line = "\(title): \(done) of \(total)\n"
        }
        FileHandle.standardError.write(Data(line.utf8))
    }

    public func finish() {
        if isTerminal { FileHandle.standardError.write(Data("\n".utf8)) }
    }
}
