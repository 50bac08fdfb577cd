import CLibPQ
import Foundation
import Logging
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One thread that owns every connection of a pool and waits for all their sockets at once.
///
/// Tasks post work to the mailbox and are resumed with the answer, so no cooperative thread blocks. One thread sees all
/// work, so queries that arrive together leave in one write and share a round trip.
///
/// `@unchecked Sendable` is safe because no two threads reach changing state at the same time:
/// - `configuration` and the pipe's ends are constants; `mailbox` is a `Mutex`.
/// - Every `var` is private. `init` sets each one before the thread starts. After this only `run`, the functions that
///   `run` calls, and posted work read or write them. The methods for any thread (`read`, `lease`, `send`, `release`,
///   `close`, `census`) only post work.
/// - While the thread lives, only this thread runs posted work. When the thread ends, it sets `isOver` under the
///   mailbox's lock, after its last access. From then on `post` runs work under the same lock, one at a time and after
///   all work of the thread.
/// - The pipe is closed under the same lock. `wake` is called under this lock too, and never after `isOver` is set.
final class Reactor: @unchecked Sendable {
    struct Configuration: Sendable {
        var connectionString: String
        /// Connections for single reads; many tasks share one through pipelining.
        var readers: Int
        /// Connections for reads that may be slow; a slow read delays only other slow reads.
        var slowReaders: Int
        /// Connections that are each lent to one transaction at a time.
        var writers: Int
        var logger: Logger
    }

    /// An instant of the steady clock, so changes of the wall clock do not move deadlines.
    typealias Instant = ContinuousClock.Instant

    /// Seconds that the server may take for a segment once its turn has come.
    ///
    /// A session's `statement_timeout` is 5 s per statement. After 5 s more without an answer the server is frozen or
    /// gone.
    private static func seconds(for statements: [Statement]) -> TimeInterval { 5 * Double(statements.count) + 5 }

    typealias Answer<Value> = @Sendable (Result<Value, PostgresError>) -> Void

    private let configuration: Configuration
    private struct Mailbox {
        var work: [@Sendable (Reactor) -> Void] = []
        /// The thread has ended and its pipe is closed.
        var isOver = false
    }

    private let mailbox = Mutex(Mailbox())
    private let wakeRead: Int32
    private let wakeWrite: Int32

    /// The shared connections of one kind of read, and the reads that wait for a connection.
    private struct Lane {
        var wires: [Wire] = []
        var connecting = 0
        var waiting: [WaitingRead] = []
    }

    /// The lanes, indexed by `Database.Pace`.
    private var lanes = Database.Pace.allCases.map { _ in Lane() }
    private var idle: [Wire] = []
    private var leased: [ObjectIdentifier: Wire] = [:]
    private var writersConnecting = 0
    private var waiters: [Waiter] = []
    private var failuresInARow = 0
    private var nextConnect = Instant.now
    private var isClosing = false
    private var turns = 0
    private var lastConnectError = "not connected yet"

    private struct Waiter {
        let deadline: Instant
        let answer: Answer<Wire>
    }

    private struct WaitingRead {
        let deadline: Instant
        let statements: [Statement]
        let answer: Answer<[ResultSet]>
    }

    init(_ configuration: Configuration) throws {
        self.configuration = configuration
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw PostgresError.unreachable("no descriptors left") }
        wakeRead = ends[0]
        wakeWrite = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        let thread = Thread { [self] in run() }
        thread.name = "postgres"
        thread.start()
    }

    // MARK: From any thread

    func post(_ work: @escaping @Sendable (Reactor) -> Void) {
        mailbox.withLock { mailbox in
            // The thread has ended, so the work runs here, under the lock, and reports that the pool is closed.
            guard !mailbox.isOver else { return work(self) }
            mailbox.work.append(work)
            if mailbox.work.count == 1 { wake() }
        }
    }

    private func wake() {
        var byte: UInt8 = 1
        _ = write(wakeWrite, &byte, 1)
    }

    /// Sends one segment on a shared connection.
    func read(
        _ statements: [Statement],
        _ pace: Database.Pace,
        deadline: Instant,
        answer: @escaping Answer<[ResultSet]>
    ) {
        post { reactor in
            guard !reactor.isClosing else { return answer(.failure(.closed)) }
            let pace = reactor.wanted(pace) > 0 ? pace : .quick
            let readers = reactor.lanes[pace.rawValue].wires.lazy.filter { !$0.isBroken }
            if let reader = readers.min(by: { $0.inFlight.count < $1.inFlight.count }) {
                reader.send(statements, within: Self.seconds(for: statements), answer: answer)
            } else {
                let read = WaitingRead(deadline: deadline, statements: statements, answer: answer)
                reactor.lanes[pace.rawValue].waiting.append(read)
            }
        }
    }

    /// Lends a connection to one transaction; `release` must follow.
    func lease(deadline: Instant, answer: @escaping Answer<Wire>) {
        post { reactor in
            guard !reactor.isClosing else { return answer(.failure(.closed)) }
            reactor.waiters.append(Waiter(deadline: deadline, answer: answer))
            reactor.serveWaiters()
        }
    }

    func send(
        _ statements: [Statement],
        on wire: Wire,
        within seconds: TimeInterval,
        answer: @escaping Answer<[ResultSet]>
    ) {
        post { _ in wire.send(statements, within: seconds, answer: answer) }
    }

    func release(_ wire: Wire, discard: Bool) {
        post { reactor in
            reactor.leased[ObjectIdentifier(wire)] = nil
            if discard || wire.isBroken || !wire.isIdle || wire.isInTransaction || reactor.isClosing {
                wire.close()
            } else {
                reactor.idle.append(wire)
                reactor.serveWaiters()
            }
        }
    }

    func close() async {
        await withCheckedContinuation { continuation in
            post { reactor in
                reactor.isClosing = true
                for waiter in reactor.waiters { waiter.answer(.failure(.closed)) }
                reactor.waiters = []
                for index in reactor.lanes.indices {
                    for read in reactor.lanes[index].waiting { read.answer(.failure(.closed)) }
                    reactor.lanes[index].waiting = []
                }
                for wire in reactor.readers + reactor.idle + reactor.leased.values { wire.fail("the pool was closed") }
                continuation.resume()
            }
        }
    }

    func census(_ answer: @escaping @Sendable (Database.Census) -> Void) {
        post { reactor in
            answer(
                Database.Census(
                    open: reactor.readers.count + reactor.idle.count + reactor.leased.count,
                    leased: reactor.leased.count,
                    waiting: reactor.waiters.count + reactor.lanes.reduce(0) { $0 + $1.waiting.count },
                    turns: reactor.turns
                )
            )
        }
    }

    // MARK: On the thread

    private var readers: [Wire] { lanes.flatMap(\.wires) }
    private var readersConnecting: Int { lanes.reduce(0) { $0 + $1.connecting } }

    private func wanted(_ pace: Database.Pace) -> Int {
        switch pace {
        case .quick: configuration.readers
        case .slow: configuration.slowReaders
        }
    }

    private func run() {
        while true {
            turns += 1
            let work = mailbox.withLock { mailbox in
                defer { mailbox.work = [] }
                return mailbox.work
            }
            for item in work { item(self) }
            sweep()
            if isClosing, leased.isEmpty, readersConnecting + writersConnecting == 0 { break }
            connectMissing()
            waitForSockets()
        }
        mailbox.withLock { mailbox in
            mailbox.isOver = true
            for item in mailbox.work { item(self) }
            mailbox.work = []
            // The lock ensures that `wake` never writes to a descriptor that another file uses by then.
            Glue.close(wakeRead)
            Glue.close(wakeWrite)
        }
    }

    private func sweep() {
        let now = Instant.now
        for index in lanes.indices {
            for wire in lanes[index].wires where wire.isLate(at: now) {
                wire.fail("no answer in time", first: .noAnswer)
            }
            lanes[index].wires.removeAll(where: \.isBroken)
        }
        for wire in leased.values where wire.isLate(at: now) { wire.fail("no answer in time") }
        idle.removeAll(where: \.isBroken)
        guard !waiters.isEmpty || lanes.contains(where: { !$0.waiting.isEmpty }) else { return }
        let noServer = readers.isEmpty && idle.isEmpty && leased.isEmpty && failuresInARow > 0
        let error = noServer ? PostgresError.unreachable(lastConnectError) : .poolExhausted
        for waiter in waiters where waiter.deadline <= now { waiter.answer(.failure(error)) }
        waiters.removeAll { $0.deadline <= now }
        for index in lanes.indices {
            for read in lanes[index].waiting where read.deadline <= now { read.answer(.failure(error)) }
            lanes[index].waiting.removeAll { $0.deadline <= now }
        }
    }

    private func serveWaiters() {
        while !waiters.isEmpty, let wire = idle.popLast() {
            guard !wire.isBroken else { continue }
            let waiter = waiters.removeFirst()
            leased[ObjectIdentifier(wire)] = wire
            waiter.answer(.success(wire))
        }
    }

    /// The number of writers that are needed, but neither open nor connecting.
    ///
    /// Writers connect on demand, one for each waiting task.
    private var missingWriters: Int {
        guard !isClosing else { return 0 }
        return max(0, min(waiters.count, configuration.writers - idle.count - leased.count) - writersConnecting)
    }

    private func missingReaders(_ pace: Database.Pace) -> Int {
        guard !isClosing else { return 0 }
        let lane = lanes[pace.rawValue]
        return max(0, wanted(pace) - lane.wires.count - lane.connecting)
    }

    private var isMissing: Bool {
        missingWriters > 0 || Database.Pace.allCases.contains { missingReaders($0) > 0 }
    }

    private func connectMissing() {
        guard Instant.now >= nextConnect else { return }
        for pace in Database.Pace.allCases {
            let missing = missingReaders(pace)
            lanes[pace.rawValue].connecting += missing
            for _ in 0..<missing { connect(asReader: pace) }
        }
        let missing = missingWriters
        writersConnecting += missing
        for _ in 0..<missing { connect(asReader: nil) }
    }

    /// Connects in a separate thread, because libpq blocks while it looks up names and tries the hosts.
    ///
    /// - Parameter pace: the lane of a reader; nil for a writer.
    private func connect(asReader pace: Database.Pace?) {
        let text = configuration.connectionString
        let thread = Thread { [self] in
            let outcome = Glue.connect(text)
            post { reactor in reactor.connected(outcome, asReader: pace) }
        }
        thread.name = "postgres-connect"
        thread.start()
    }

    private func connected(_ outcome: Result<Wire, PostgresError>, asReader pace: Database.Pace?) {
        if let pace { lanes[pace.rawValue].connecting -= 1 } else { writersConnecting -= 1 }
        switch outcome {
        case .success(let wire):
            failuresInARow = 0
            guard !isClosing else { return wire.close() }
            if let pace {
                lanes[pace.rawValue].wires.append(wire)
                let reads = lanes[pace.rawValue].waiting
                lanes[pace.rawValue].waiting = []
                for read in reads {
                    wire.send(read.statements, within: Self.seconds(for: read.statements), answer: read.answer)
                }
            } else {
                idle.append(wire)
                serveWaiters()
            }
        case .failure(let error):
            if failuresInARow == 0 {
                configuration.logger.warning("database unreachable", metadata: ["error": "\(error)"])
            }
            lastConnectError = if case .unreachable(let reason) = error { reason } else { "\(error)" }
            failuresInARow += 1
            nextConnect = .now + .seconds(min(0.05 * Double(1 << min(failuresInARow, 5)), 1))
        }
    }

    private func waitForSockets() {
        let wires = (readers + idle + leased.values).filter { !$0.isBroken }
        var entries = [pollfd(fd: wakeRead, events: Int16(POLLIN), revents: 0)]
        for wire in wires {
            entries.append(
                pollfd(fd: wire.descriptor, events: Int16(POLLIN | (wire.wantsWrite ? POLLOUT : 0)), revents: 0)
            )
        }
        guard poll(&entries, nfds_t(entries.count), timeout) > 0 else { return }
        if entries[0].revents != 0 { Glue.drain(wakeRead) }
        for (wire, entry) in zip(wires, entries.dropFirst()) where entry.revents != 0 {
            if entry.revents & Int16(POLLOUT) != 0 { wire.flush() }
            if entry.revents & ~Int16(POLLOUT) != 0 { wire.receive() }
        }
    }

    /// Milliseconds until the next deadline or attempt to connect; -1 means no limit.
    ///
    /// All other work arrives as posted work or on a socket, and both wake the thread.
    private var timeout: Int32 {
        var next: Instant?
        func consider(_ instant: Instant?) {
            if let instant { next = min(next ?? instant, instant) }
        }
        for lane in lanes {
            for wire in lane.wires { consider(wire.inFlight.first?.expires) }
            for read in lane.waiting { consider(read.deadline) }
        }
        for wire in leased.values { consider(wire.inFlight.first?.expires) }
        for waiter in waiters { consider(waiter.deadline) }
        if isMissing { consider(nextConnect) }
        guard let next else { return -1 }
        return Int32(min(max(0, (Instant.now.duration(to: next) / .milliseconds(1)).rounded(.up)), 60_000))
    }
}

/// The C functions with names that collide with Swift's.
private enum Glue {
    static func close(_ descriptor: Int32) {
        #if canImport(Glibc)
        _ = Glibc.close(descriptor)
        #else
        _ = Darwin.close(descriptor)
        #endif
    }

    static func drain(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(descriptor, &bytes, bytes.count) == bytes.count {}
    }

    static func connect(_ text: String) -> Result<Wire, PostgresError> {
        LibPQ.connect(text).flatMap { connection in
            Wire(connection).map { .success($0) } ?? .failure(.unreachable("the socket cannot be made non-blocking"))
        }
    }
}
