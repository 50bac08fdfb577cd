public import Foundation
public import Logging
import Synchronization

/// A pool of connections to one PostgreSQL database.
///
/// Single reads share connections and round trips. Each transaction has its own connection.
public final class Database: Sendable {
    public struct Configuration: Sendable {
        /// A connection string of libpq: `host=a,b dbname=voorpret target_session_attrs=read-write`, or a URL.
        public var connectionString: String
        public var readers = 3
        /// Separate connections for reads that may be slow; with 0, slow reads share the readers.
        public var slowReaders = 0
        public var writers = 12
        /// How long a task waits for a connection, in seconds.
        public var patience: TimeInterval = 2
        public var logger = Logger(label: "postgres")

        public init(connectionString: String) {
            self.connectionString = connectionString
        }
    }

    /// Turns the notes of a transaction into the statements that run last, in the round trip of COMMIT.
    public typealias Flush = @Sendable ([any Sendable]) -> [Command]

    /// Receives the notes of a transaction after it has committed; must not wait.
    public typealias Committed = @Sendable (_ notes: [any Sendable]) -> Void

    let reactor: Reactor
    private let configuration: Configuration
    private let flush: Flush
    private let committed: Committed

    public init(
        _ configuration: Configuration,
        flush: @escaping Flush = { _ in [] },
        committed: @escaping Committed = { _ in }
    ) throws {
        self.configuration = configuration
        self.flush = flush
        self.committed = committed
        reactor = try Reactor(
            .init(
                connectionString: configuration.connectionString,
                readers: configuration.readers,
                slowReaders: configuration.slowReaders,
                writers: configuration.writers,
                logger: configuration.logger
            )
        )
    }

    public func close() async {
        await reactor.close()
    }

    public var connectionString: String { configuration.connectionString }

    /// The state of the pool at one moment.
    public struct Census: Sendable {
        /// The connections that are open to the database.
        public let open: Int
        /// Connections that are lent to one transaction.
        public let leased: Int
        /// Tasks that wait for a connection.
        public let waiting: Int
        /// The number of loops of the reactor's thread since its start; a test uses it to see the thread sleep.
        package let turns: Int
    }

    /// Counts the pool's connections and waiting tasks at one moment.
    ///
    /// The answer comes even while every connection is lent.
    public func census() async -> Census {
        await withCheckedContinuation { continuation in
            reactor.census { continuation.resume(returning: $0) }
        }
    }

    // MARK: Reading

    /// Runs single queries as the principal.
    ///
    /// Each call on the reader is one segment of a shared pipeline: the principal's setting, the statements and one
    /// sync point. Each statement therefore sees its own snapshot.
    ///
    /// A cancelled task stops waiting. Its query goes on, because other tasks share the connection.
    ///
    /// - Parameter pace: the group of shared connections, for quick or for slow reads.
    public func read<Value>(
        as principal: String,
        at pace: Pace = .quick,
        _ body: (Reader) async throws -> Value
    ) async throws -> Value {
        try await body(Reader(database: self, principal: principal, pace: pace))
    }

    /// How long the database may take for a read.
    public enum Pace: Int, CaseIterable, Sendable {
        /// The pace of statements that take milliseconds.
        case quick
        /// The pace of searches, exports and long lists, which may take up to the statement timeout.
        case slow
    }

    /// Runs statements on a shared connection, and repeats them after some failures.
    ///
    /// A read is repeated after a lost connection, a shutdown or a stale plan. A read without an answer in time is
    /// repeated once, on another connection. The number of tries is at most the number of readers plus one. A pause
    /// comes before each repetition, so that a server in trouble gets no extra work.
    func ask(_ statements: [Statement], _ pace: Pace) async throws -> [ResultSet] {
        var isLate = false
        for turn in 0..<configuration.readers {
            do {
                return try await askOnce(statements, pace)
            } catch PostgresError.noAnswer where !isLate {
                isLate = true
            } catch let error as PostgresError where error.spoilsConnection {
                if case .closed = error { throw error }
            } catch let error as PostgresError where error.isStalePlan {
                continue
            }
            try await Task.sleep(for: .milliseconds(Double.random(in: 25...75) * Double(1 << min(turn, 4))))
        }
        return try await askOnce(statements, pace)
    }

    private func askOnce(_ statements: [Statement], _ pace: Pace) async throws -> [ResultSet] {
        let deadline = Reactor.Instant.now + .seconds(configuration.patience)
        let box = Continuation<[ResultSet]>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard box.set(continuation) else { return }
                reactor.read(statements, pace, deadline: deadline) { box.resume($0.mapError { $0 }) }
            }
        } onCancel: {
            box.resume(.failure(CancellationError()))
        }
    }

    // MARK: Writing

    /// Runs `body` in one transaction as the principal and commits.
    ///
    /// - Parameters:
    ///   - seconds: the `statement_timeout` of each statement, and the time after which the transaction accepts no
    ///     further statement; 5 by default.
    /// - Throws: the error of `body`, after a rollback. After a serialisation failure or a deadlock `body` runs again,
    ///   at most three times. `PostgresError.outcomeUnknown` when the connection was lost during COMMIT.
    @discardableResult
    public func transaction<Value>(
        as principal: String,
        within seconds: TimeInterval = 5,
        _ body: (Transaction) async throws -> Value
    ) async throws -> Value {
        var retries = 0
        while true {
            do {
                return try await attempt(as: principal, within: seconds, body)
            } catch let error as PostgresError where error.isSerializationConflict && retries < 3 {
                retries += 1
                // A random pause, so that two conflicting transactions do not meet again.
                try await Task.sleep(for: .milliseconds(Int.random(in: 1...(10 * retries))))
            } catch let error as PostgresError where error.isStalePlan && retries < 3 {
                retries += 1
            }
        }
    }

    private func attempt<Value>(
        as principal: String,
        within seconds: TimeInterval,
        _ body: (Transaction) async throws -> Value
    ) async throws -> Value {
        try Task.checkCancellation()
        let wire = try await lease()
        let transaction = Transaction(reactor: reactor, wire: wire, principal: principal, seconds: seconds)
        do {
            let value = try await body(transaction)
            try Task.checkCancellation()
            try await transaction.commit(flush: flush)
            reactor.release(wire, discard: false)
            committed(transaction.notes)
            return value
        } catch {
            await transaction.rollback()
            let spoilt = (error as? PostgresError)?.spoilsConnection ?? false
            reactor.release(wire, discard: spoilt)
            throw error
        }
    }

    private func lease() async throws -> Wire {
        let deadline = Reactor.Instant.now + .seconds(configuration.patience)
        return try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Wire, any Error>) in
            reactor.lease(deadline: deadline) { continuation.resume(with: $0.mapError { $0 }) }
        }
    }
}

extension Database {
    /// The statements that `body` would send in its first round trip, with parameters as literals.
    ///
    /// Nothing is sent to the server. The texts serve to measure the same statements without the service.
    public func statements(as principal: String, of body: (Reader) async throws -> Void) async throws -> [String] {
        let recorder = Reader.Recorder()
        do {
            try await body(Reader(database: self, principal: principal, pace: .quick, recorder: recorder))
        } catch is Reader.Recorder.Finished {}
        return ([principalSetting(principal).statement] + recorder.statements.withLock { $0 }).map(\.literal)
    }
}

/// Runs single queries; see `Database.read`.
public struct Reader: Sendable {
    let database: Database
    let principal: String
    let pace: Database.Pace
    /// Records the statements instead of sending them to the server; nil for a reader that sends them.
    var recorder: Recorder?

    /// The statements of the first round trip.
    final class Recorder: Sendable {
        struct Finished: Error {}

        let statements = Mutex<[Statement]>([])
    }

    public func all<Element>(_ query: Query<Element>) async throws -> [Element] {
        let results = try await ask([query.statement])
        return try results[0].decode(query.decode)
    }

    public func first<Element>(_ query: Query<Element>) async throws -> Element? {
        try await all(query).first
    }

    /// Several questions in one segment: one round trip, and one transaction on the server.
    public func all<each Element>(_ queries: repeat Query<each Element>) async throws -> (repeat [each Element]) {
        var statements: [Statement] = []
        for query in repeat each queries { statements.append(query.statement) }
        let results = try await ask(statements)
        var index = -1
        func next() -> ResultSet {
            index += 1
            return results[index]
        }
        return (repeat try next().decode((each queries).decode))
    }

    private func ask(_ statements: [Statement]) async throws -> [ResultSet] {
        if let recorder {
            recorder.statements.withLock { $0 = statements }
            throw Recorder.Finished()
        }
        let results = try await database.ask([principalSetting(principal).statement] + statements, pace)
        guard results.count == statements.count + 1 else {
            throw PostgresError.connectionLost("an answer is missing")
        }
        return Array(results.dropFirst())
    }
}

/// Sets the principal until the transaction ends; tables read it with `current_setting('app.principal')`.
func principalSetting(_ principal: String) -> Command {
    Command("SELECT set_config('app.principal', \(principal), true)")
}

/// A continuation that is resumed only once, by the first result or by cancellation.
private final class Continuation<Value: Sendable>: Sendable {
    private enum State {
        case fresh
        case waiting(CheckedContinuation<Value, any Error>)
        case resumed
    }

    private let state = Mutex(State.fresh)

    /// Stores the continuation; returns false when the wait was already over and the continuation was resumed here.
    func set(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
        let isFresh = state.withLock { state in
            guard case .fresh = state else { return false }
            state = .waiting(continuation)
            return true
        }
        if !isFresh { continuation.resume(throwing: CancellationError()) }
        return isFresh
    }

    func resume(_ result: Result<Value, any Error>) {
        let continuation: CheckedContinuation<Value, any Error>? = state.withLock { state in
            defer { state = .resumed }
            guard case .waiting(let continuation) = state else { return nil }
            return continuation
        }
        continuation?.resume(with: result)
    }
}
