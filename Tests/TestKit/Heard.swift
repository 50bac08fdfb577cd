import Synchronization

/// Lines that several tasks of a test have heard, or that one task tells another.
public final class Heard: Sendable {
    private let lines = Mutex<[String]>([])

    public init() {}

    public var all: [String] { lines.withLock { $0 } }

    public func add(_ line: String) { lines.withLock { $0.append(line) } }

    public func forget() { lines.withLock { $0 = [] } }
}
