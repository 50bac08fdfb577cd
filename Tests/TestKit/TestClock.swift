public import Foundation
import Synchronization

/// A clock that the test advances, or the machine's own clock.
public final class TestClock: Sendable {
    /// Nil when the machine's clock counts.
    private let current: Mutex<Date?>

    public init(_ start: Date) {
        current = Mutex(start)
    }

    private init() {
        current = Mutex(nil)
    }

    public static let machine = TestClock()

    public var now: Date { current.withLock { $0 } ?? Date() }

    public func advance(by seconds: TimeInterval) {
        current.withLock { $0 = $0?.addingTimeInterval(seconds) }
    }
}
