import CLibPQ
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An event of a `LISTEN` connection.
public enum ListenerEvent: Sendable, Equatable {
    /// The connection listens, for the first time or again; notifications sent before this were missed.
    case connected
    case notification(channel: String, payload: String)
}

/// Listens on its own connection while the sequence is read; reconnects by itself.
public struct Listener: Sendable {
    private let connectionString: String
    private let channels: [String]

    public init(connectionString: String, channels: [String]) {
        self.connectionString = connectionString
        self.channels = channels
    }

    /// The events; the newest 1,000 are kept for a slow reader.
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

    /// Listens until the connection is lost; returns true if a connection had been made.
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
            // The poll lasts at most a quarter of a second, so that the end of reading is noticed soon.
            if poll(&entry, 1, 250) > 0 {
                guard PQconsumeInput(connection) == 1, PQstatus(connection) == CONNECTION_OK else { return true }
            } else {
                // A network may break without a signal; only a query shows the break.
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
