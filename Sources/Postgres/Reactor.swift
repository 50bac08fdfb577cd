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
/// Tasks post work to its mailbox and are resumed with the answer; nothing blocks a cooperative
/// thread. Because one thread sees all work, the questions of many requests that arrive together
/// leave in one write and share a round trip.
///
/// `@unchecked Sendable` is safe because no two threads reach anything of it at once that can change:
/// - `configuration` and the pipe's ends are constants; `mailbox` is a `Mutex`.
/// - Every `var` is private. `init` sets it before the thread starts; then only `run`, what `run` calls, and posted work
///   read or write it. Other methods for any thread (`read`, `lease`, `send`, `release`, `close`, `census`) do nothing
///   but post.
/// - The thread alone runs posted work while it lives. When it ends it sets `isOver` under the mailbox's lock, after its
///   last access; from then on `post` runs work under that same lock, so one at a time and after all of the thread's.
/// - The pipe is closed in that same stretch, and `wake` is called under the lock and not once `isOver` is set.
final class Reactor: @unchecked Sendable {
    struct Configuration: Sendable {
        var connectionString: String
        /// Connections that answer single reads, pipelined, many tasks at once.
        var readers: Int
        /// As `readers`, for reads that may be slow: one of them holds up nothing but its like.
        var slowReaders: Int
        /// Connections that are leased whole to one transaction at a time.
        var writers: Int
        var logger: Logger
    }

    /// An instant of the steady clock: a step of the wall clock ends no deadline and delays none.
    typealias Instant = ContinuousClock.Instant

    /// Seconds that the server may take for a segment once it is its turn: a session's statement_timeout is 5 s, and 5 s
    /// later without an answer the server is frozen or gone.
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

    /// The shared connections of one kind of read, and who waits for the first of them.
    private struct Lane {
        var wires: [Wire] = []
        var connecting = 0
        var waiting: [WaitingRead] = []
    }

    /// By `Database.Pace`.
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
            // Nobody will come for it: it is told so here, under the lock, which stands in for the thread.
            guard !mailbox.isOver else { return work(self) }
            mailbox.work.append(work)
            if mailbox.work.count == 1 { wake() }
        }
    }

    private func wake() {
        var byte: UInt8 = 1
        _ = write(wakeWrite, &byte, 1)
    }

    /// Asks one segment on a shared connection.
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

    /// Lends a whole connection; `release` must follow.
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
            // Under the lock, so that nobody wakes a descriptor that belongs to somebody else by then.
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

    /// Connections that are wanted, not there and not being made.
    ///
    /// Writers are made as they are needed, one for each task that waits.
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

    /// Connecting looks up names and walks through the hosts of the string, which libpq does blocking;
    /// so it has a thread of its own.
    ///
    /// - Parameter pace: nil for a writer.
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

    /// Milliseconds until the next deadline or attempt to connect; -1 is for ever.
    ///
    /// Whatever else there is to do comes as posted work or on a socket, both of which wake the thread.
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

/// The C calls whose names collide with Swift's.
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

/// What a pool and a listener both need of libpq.
enum LibPQ {
    /// A server that is gone without a word is noticed within half a minute, and an address that swallows everything
    /// holds nobody for longer than five seconds.
    private static let defaults = [
        ("connect_timeout", "5"), ("keepalives", "1"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
        ("keepalives_count", "3"), ("tcp_user_timeout", "20000"),
    ]

    /// Connects, blocking, with the settings every session has: UTC, ISO dates, quiet notices.
    static func connect(_ text: String) -> Result<OpaquePointer, PostgresError> {
        // Settings in the connection string come later in the list and override these.
        let settings = defaults + [("dbname", text)]
        let words = settings.map { strdup($0.0) }
        let values = settings.map { strdup($0.1) }
        defer { for word in words + values { free(word) } }
        let connection = (words.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { words in
            (values.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { values in
                PQconnectdbParams(words.baseAddress, values.baseAddress, 1)
            }
        }
        guard let connection else { return .failure(.unreachable("out of memory")) }
        guard PQstatus(connection) == CONNECTION_OK else {
            let reason = String(cString: PQerrorMessage(connection)).trimmingCharacters(in: .whitespacesAndNewlines)
            PQfinish(connection)
            return .failure(.unreachable(reason))
        }
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        let session = """
            SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET client_encoding = 'UTF8';
            SET extra_float_digits = 1; SET bytea_output = 'hex';
            SET statement_timeout = 5000; SET lock_timeout = 500; SET idle_in_transaction_session_timeout = 30000;
            """
        let result = PQexec(connection, session)
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_COMMAND_OK else {
            PQfinish(connection)
            return .failure(.unreachable("the session settings were refused"))
        }
        return .success(connection)
    }
}
