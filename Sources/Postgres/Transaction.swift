import Foundation
import Synchronization

/// A transaction under way.
///
/// Statements run one after another. BEGIN, SAVEPOINT and RELEASE travel in the round trip of the statement that
/// follows them.
///
/// Cancelling the task stops the transaction before its next statement. A running statement is never cancelled, above
/// all not COMMIT.
public final class Transaction: Sendable {
    private struct State {
        /// Statements that are not sent yet; they go with the next round trip.
        var prefix: [Statement] = []
        var hasBegun = false
        /// Whether `later` has added commands, beside BEGIN and the settings that every transaction starts with.
        var isWanted = false
        var depth = 0
        var notes: [any Sendable] = []
    }

    private let reactor: Reactor
    private let wire: Wire
    /// The time limit of each statement, and of all statements together.
    private let seconds: TimeInterval
    private let deadline: Reactor.Instant
    /// The principal that the transaction runs as; tables read it from the setting `app.principal`.
    public let principal: String
    private let state: Mutex<State>

    init(reactor: Reactor, wire: Wire, principal: String, seconds: TimeInterval) {
        self.reactor = reactor
        self.wire = wire
        self.seconds = seconds
        deadline = .now + .seconds(seconds)
        self.principal = principal
        let millis = "\(Int(max(0.001, min(seconds, 86_400)) * 1000))"
        let begin = Command("BEGIN").statement
        let settings = Command(
            """
            SELECT set_config('app.principal', \(principal), true), set_config('statement_timeout', \(millis), true)
            """
        ).statement
        state = Mutex(State(prefix: [begin, settings]))
    }

    // MARK: Asking

    public func all<Element>(_ query: Query<Element>) async throws -> [Element] {
        try await ask([query.statement])[0].decode(query.decode)
    }

    public func first<Element>(_ query: Query<Element>) async throws -> Element? {
        try await all(query).first
    }

    /// Runs a command and returns the number of changed rows.
    @discardableResult
    public func run(_ command: Command) async throws -> Int {
        try await ask([command.statement])[0].affected
    }

    /// Runs several commands in one round trip, in order; after a failure the later commands do not run.
    public func run(_ commands: [Command]) async throws {
        guard !commands.isEmpty else { return }
        _ = try await ask(commands.map(\.statement))
    }

    /// Adds commands to the next round trip, at the latest to the one of COMMIT, and does not wait.
    ///
    /// Use this function only for a write that can fail by our own mistake alone. The next call throws the error of
    /// the write.
    public func later(_ commands: [Command]) {
        state.withLock { state in
            state.prefix += commands.map(\.statement)
            state.isWanted = state.isWanted || !commands.isEmpty
        }
    }

    /// Runs several queries in one round trip, in order.
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

    // MARK: Savepoints

    /// Runs `body` in a savepoint.
    ///
    /// If `body` throws, its writes and notes are undone and the transaction continues.
    public func savepoint<Value>(_ body: (Transaction) async throws -> Value) async throws -> Value {
        let (name, notes) = state.withLock { state in
            state.depth += 1
            let name = "s\(state.depth)"
            state.prefix.append(Statement(text: "SAVEPOINT \(name)", parameters: []))
            return (name, state.notes.count)
        }
        defer { state.withLock { $0.depth -= 1 } }
        do {
            let value = try await body(self)
            state.withLock { $0.prefix.append(Statement(text: "RELEASE SAVEPOINT \(name)", parameters: [])) }
            return value
        } catch {
            let isLost = (error as? PostgresError)?.spoilsConnection ?? false
            if !isLost {
                state.withLock { state in
                    state.notes.removeSubrange(min(notes, state.notes.count)...)
                    // A SAVEPOINT that was never sent needs no rollback.
                    if let index = state.prefix.lastIndex(where: { $0.text == "SAVEPOINT \(name)" }) {
                        state.prefix.removeSubrange(index...)
                    } else {
                        // Waiting statements came after the savepoint, so they are dropped instead of sent and undone.
                        state.prefix = ["ROLLBACK TO SAVEPOINT \(name)", "RELEASE SAVEPOINT \(name)"].map {
                            Statement(text: $0, parameters: [])
                        }
                    }
                }
            }
            throw error
        }
    }

    // MARK: Notes

    /// Records a note for the flush before COMMIT; the rollback of a savepoint removes it.
    public func record(_ note: any Sendable) {
        state.withLock { $0.notes.append(note) }
    }

    /// The recorded notes that no rollback has removed.
    public var notes: [any Sendable] {
        state.withLock { $0.notes }
    }

    // MARK: COPY

    /// Sends rows in COPY's text format as fast as the server takes them, in constant memory.
    ///
    /// - Parameter sql: `COPY table (columns) FROM STDIN`, without parameters.
    /// - Returns: the number of rows.
    public func copyIn(_ sql: String, _ rows: some AsyncSequence<[UInt8], any Error>) async throws -> Int {
        try await flushPending()
        _ = try await copy { $0.startCopy(sql, mode: .copyIn(started: false), answer: $1) }
        do {
            for try await chunk in rows where !chunk.isEmpty {
                _ = try await copy { $0.putCopy(chunk, answer: $1) }
            }
        } catch let error as PostgresError {
            throw error
        } catch {
            _ = try? await copy { $0.endCopyIn(error: "the sender gave up", answer: $1) }
            throw error
        }
        guard case .done(let count) = try await copy({ $0.endCopyIn(error: nil, answer: $1) }) else { return 0 }
        return count
    }

    /// Gives the rows of `COPY … TO STDOUT` to `body`, in chunks of whole rows of about 64 KiB.
    public func copyOut(_ sql: String, _ body: ([UInt8]) async throws -> Void) async throws {
        try await flushPending()
        var event = try await copy { $0.startCopy(sql, mode: .copyOut, answer: $1) }
        while case .rows(let bytes) = event {
            try await body(bytes)
            event = try await copy { $0.nextCopyRows(answer: $1) }
        }
    }

    private func copy(
        _ step: @escaping @Sendable (Wire, @escaping Reactor.Answer<Wire.CopyEvent>) -> Void
    ) async throws -> Wire.CopyEvent {
        let wire = wire
        return try await withCheckedThrowingContinuation { continuation in
            reactor.post { _ in step(wire) { continuation.resume(with: $0.mapError { $0 }) } }
        }
    }

    // MARK: Sending

    /// Takes the waiting statements, which are sent before `statements`.
    ///
    /// Throws for a text that cannot be sent. Then nothing is taken, so BEGIN still waits to be sent first.
    private func takePrefix(before statements: [Statement]) throws(PostgresError) -> [Statement] {
        let prefix: [Statement]? = state.withLock { state in
            guard !(state.prefix + statements).contains(where: \.hasZeroByte) else { return nil }
            defer { state.prefix = [] }
            state.hasBegun = state.hasBegun || !state.prefix.isEmpty
            return state.prefix
        }
        guard let prefix else { throw .zeroByte }
        return prefix
    }

    /// Sends the waiting statements and waits for them.
    ///
    /// At the end of a savepoint this makes their errors appear inside the savepoint.
    public func flushPending() async throws {
        try Task.checkCancellation()
        let prefix = try takePrefix(before: [])
        if !prefix.isEmpty { _ = try await send(prefix) }
    }

    private func ask(_ statements: [Statement]) async throws -> [ResultSet] {
        try Task.checkCancellation()
        // Many quick statements can together exceed the time limit.
        guard .now < deadline else { throw PostgresError.deadline }
        let prefix = try takePrefix(before: statements)
        let results = try await send(prefix + statements)
        guard results.count == prefix.count + statements.count else {
            throw PostgresError.connectionLost("an answer is missing")
        }
        return Array(results.dropFirst(prefix.count))
    }

    private func send(_ statements: [Statement]) async throws -> [ResultSet] {
        try await withCheckedThrowingContinuation { continuation in
            reactor.send(statements, on: wire, within: seconds + 5) { continuation.resume(with: $0.mapError { $0 }) }
        }
    }

    func commit(flush: Database.Flush) async throws {
        let (isUntouched, notes) = state.withLock { (!$0.hasBegun && !$0.isWanted, $0.notes) }
        let last = flush(notes).map(\.statement)
        // No statement was sent and no note recorded, so there is no transaction to end.
        if isUntouched, last.isEmpty { return }
        let prefix = try takePrefix(before: last)
        do {
            let results = try await send(prefix + last + [Statement(text: "COMMIT", parameters: [])])
            guard results.last?.tag == "COMMIT" else {
                throw PostgresError.server(
                    .init(sqlState: "25P02", message: "the transaction had failed", constraint: nil)
                )
            }
        } catch PostgresError.connectionLost {
            throw PostgresError.outcomeUnknown
        }
        state.withLock { $0.hasBegun = false }
    }

    func rollback() async {
        guard state.withLock({ $0.hasBegun }) else { return }
        // If the rollback fails too, the connection is not idle and the pool throws it away.
        _ = try? await send([Statement(text: "ROLLBACK", parameters: [])])
    }
}
