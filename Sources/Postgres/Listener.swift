import CLibPQ
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What a `LISTEN` connection has to say.
public enum ListenerEvent: Sendable, Equatable {
    /// Listening, for the first time or again: what was sent in between has been missed.
    case connected
    case notification(channel: String, payload: String)
}

/// LISTENs on a connection of its own, for as long as the sequence is read; reconnects by itself.
public struct Listener: Sendable {
    private let connectionString: String
    private let channels: [String]

    public init(connectionString: String, channels: [String]) {
        self.connectionString = connectionString
        self.channels = channels
    }

    /// Keeps the newest 1,000 events for a reader that lags.
    public var events: AsyncStream<ListenerEvent> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1000)) { continuation in
            let stopped = Flag()
            continuation.onTermination = { _ in stopped.raise() }
            let thread = Thread {
                var delay: useconds_t = 50_000
                while !stopped.isRaised {
                    if listen(continuation, until: stopped) { delay = 50_000 }
                    usleep(delay)
                    delay = min(delay * 2, 1_000_000)
                }
            }
            thread.name = "postgres-listen"
            thread.start()
        }
    }

    /// Listens until the connection is lost; true if it had been made.
    private func listen(_ continuation: AsyncStream<ListenerEvent>.Continuation, until stopped: Flag) -> Bool {
        guard case .success(let connection) = LibPQ.connect(connectionString) else { return false }
        defer { PQfinish(connection) }
        for channel in channels {
            let quoted = "\"" + channel.replacing("\"", with: "\"\"") + "\""
            let result = PQexec(connection, "LISTEN \(quoted)")
            defer { PQclear(result) }
            guard PQresultStatus(result) == PGRES_COMMAND_OK else { return false }
        }
        continuation.yield(.connected)
        var heardAt = ContinuousClock.now
        while !stopped.isRaised {
            var entry = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
            // A quarter of a second at most, to notice that nobody reads any more.
            if poll(&entry, 1, 250) > 0 {
                guard PQconsumeInput(connection) == 1, PQstatus(connection) == CONNECTION_OK else { return true }
            } else {
                // A network that is cut without a word is heard by asking alone.
                guard heardAt.duration(to: .now) > .seconds(10) else { continue }
                let answer = PQexec(connection, "")
                defer { PQclear(answer) }
                guard PQresultStatus(answer) == PGRES_EMPTY_QUERY else { return true }
            }
            heardAt = .now
            while let notification = PQnotifies(connection) {
                continuation.yield(
                    .notification(
                        channel: String(cString: notification.pointee.relname),
                        payload: String(cString: notification.pointee.extra)
                    )
                )
                PQfreemem(notification)
            }
        }
        return true
    }
}

private final class Flag: Sendable {
    private let value = Mutex(false)
    var isRaised: Bool { value.withLock { $0 } }
    func raise() { value.withLock { $0 = true } }
}
