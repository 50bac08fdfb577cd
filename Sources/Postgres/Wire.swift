import CLibPQ
import Foundation
import Synchronization

/// One connection, and the queries that are running on it.
///
/// The wire is used only on the reactor's thread.
///
/// `@unchecked Sendable` is safe because one thread at a time uses it, each after the previous one:
/// - `init` runs on the thread that connects. This thread hands the wire over through the mailbox's lock and forgets
///   it.
/// - Afterwards only the reactor's loop and posted work use its properties and its connection. Both run on the
///   reactor's thread or, once the thread has ended, under the mailbox's lock (see `Reactor`).
/// - A task that has leased it (`Transaction`, `Database`) only holds it. The task passes it to `Reactor.send`, to
///   `Reactor.release` or into posted work, and calls nothing on it.
/// - The last reference may be released on any thread, because there is no `deinit`. `close` calls `PQfinish` on the
///   reactor's side; a failing `init` calls it before another thread has the wire.
final class Wire: @unchecked Sendable {
    enum Step {
        case prepare(text: String)
        case execute
    }

    /// One segment of the pipeline: its statements, then a sync point.
    ///
    /// The server runs the statements between two sync points as one transaction, unless BEGIN opened a longer one.
    struct Segment {
        var steps: [Step] = []
        var position = 0
        var results: [ResultSet] = []
        var failure: PostgresError?
        /// Seconds that the server may take once this segment is the first in line.
        let seconds: TimeInterval
        /// The instant after which an unanswered server counts as frozen; nil while other segments are before this one.
        private(set) var expires: Reactor.Instant?
        let answer: @Sendable (Result<[ResultSet], PostgresError>) -> Void

        init(seconds: TimeInterval, answer: @escaping @Sendable (Result<[ResultSet], PostgresError>) -> Void) {
            self.seconds = seconds
            self.answer = answer
        }

        /// Starts the time limit, because the segment is now the first in line.
        mutating func begin() { expires = .now + .seconds(seconds) }
    }

    enum Mode {
        case pipeline
        case copyIn(started: Bool)
        case copyOut
    }

    /// The most prepared statements of a session; further statements are sent unprepared, so that memory stays bounded.
    static let maximumPrepared = 512

    private let connection: OpaquePointer
    let descriptor: Int32
    private(set) var inFlight: [Segment] = []
    private var names: [String: String] = [:]
    private var preparing: Set<String> = []
    private var nextName = 0
    private(set) var wantsWrite = false
    private(set) var isBroken = false
    var mode = Mode.pipeline
    private var copyAnswer: (@Sendable (Result<CopyEvent, PostgresError>) -> Void)?
    private var copyBuffer: [UInt8] = []

    enum CopyEvent: Sendable {
        case ready
        case rows([UInt8])
        case done(Int)
    }

    /// Takes over a connection that has been made; nil if it cannot be made non-blocking.
    init?(_ connection: OpaquePointer) {
        self.connection = connection
        descriptor = PQsocket(connection)
        guard PQsetnonblocking(connection, 1) == 0, PQenterPipelineMode(connection) == 1 else {
            PQfinish(connection)
            return nil
        }
    }

    func close() {
        guard !isBroken else { return }
        isBroken = true
        PQfinish(connection)
    }

    var isIdle: Bool { inFlight.isEmpty && copyAnswer == nil }

    var isInTransaction: Bool {
        let status = PQtransactionStatus(connection)
        return status != PQTRANS_IDLE
    }

    // MARK: Asking

    /// - Parameter seconds: the time that the server may take before the connection is given up.
    func send(
        _ statements: [Statement],
        within seconds: TimeInterval,
        answer: @escaping @Sendable (Result<[ResultSet], PostgresError>) -> Void
    ) {
        guard !isBroken else { return answer(.failure(.connectionLost("the connection is closed"))) }
        guard !statements.contains(where: \.hasZeroByte) else { return answer(.failure(.zeroByte)) }
        var segment = Segment(seconds: seconds, answer: answer)
        if inFlight.isEmpty { segment.begin() }
        for statement in statements {
            guard send(statement, into: &segment.steps) else { return fail(errorText, alsoTelling: segment) }
        }
        guard PQpipelineSync(connection) == 1 else { return fail(errorText, alsoTelling: segment) }
        inFlight.append(segment)
        flush()
    }

    private func send(_ statement: Statement, into steps: inout [Step]) -> Bool {
        let text = statement.text
        if let name = names[text] {
            steps.append(.execute)
            return withParameters(statement) { count, values in
                PQsendQueryPrepared(connection, name, count, values, nil, nil, 0) == 1
            }
        }
        // Another segment's PREPARE of the same text is still running and may fail, so send this text without a name.
        if preparing.contains(text) || names.count + preparing.count >= Self.maximumPrepared {
            steps.append(.execute)
            return withParameters(statement) { count, values in
                PQsendQueryParams(connection, text, count, nil, values, nil, nil, 0) == 1
            }
        }
        nextName += 1
        let name = "v\(nextName)"
        preparing.insert(text)
        StatementRecord.note(text)
        steps.append(.prepare(text: text))
        steps.append(.execute)
        pendingNames[text] = name
        return PQsendPrepare(connection, name, text, 0, nil) == 1
            && withParameters(statement) { count, values in
                PQsendQueryPrepared(connection, name, count, values, nil, nil, 0) == 1
            }
    }

    private var pendingNames: [String: String] = [:]

    private func withParameters(
        _ statement: Statement,
        _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?) -> Bool
    ) -> Bool {
        let parameters = statement.parameters
        guard !parameters.isEmpty else { return body(0, nil) }
        // One buffer holds all texts, each ended by a zero byte; `offsets` holds where each text starts.
        var bytes: [CChar] = []
        var offsets: [Int?] = []
        for parameter in parameters {
            guard let text = parameter.text else {
                offsets.append(nil)
                continue
            }
            offsets.append(bytes.count)
            bytes.append(contentsOf: text.utf8.lazy.map { CChar(bitPattern: $0) })
            bytes.append(0)
        }
        return bytes.withUnsafeBufferPointer { buffer in
            let addresses = offsets.map { offset in
                offset.flatMap { offset in buffer.baseAddress.map { $0 + offset } }
            }
            return addresses.withUnsafeBufferPointer { body(Int32(parameters.count), $0.baseAddress) }
        }
    }

    func flush() {
        guard !isBroken else { return }
        switch PQflush(connection) {
        case 0: wantsWrite = false
        case 1: wantsWrite = true
        default: fail(errorText)
        }
        if case .copyIn(true) = mode, !wantsWrite, let copyAnswer {
            self.copyAnswer = nil
            copyAnswer(.success(.ready))
        }
    }

    // MARK: Hearing

    /// Reads the bytes that have arrived and answers every segment that is complete.
    func receive() {
        guard !isBroken else { return }
        guard PQconsumeInput(connection) == 1 else { return fail(errorText) }
        switch mode {
        case .pipeline: receiveSegments()
        // While rows are being sent, the server's result is read only after the last row.
        case .copyIn(started: true): break
        case .copyIn, .copyOut: receiveCopy()
        }
        if wantsWrite { flush() }
    }

    private func receiveSegments() {
        while !inFlight.isEmpty, !isBroken, PQisBusy(connection) == 0 {
            guard let result = PQgetResult(connection) else {
                inFlight[0].position += 1
                continue
            }
            let status = PQresultStatus(result)
            if status == PGRES_PIPELINE_SYNC {
                PQclear(result)
                let segment = inFlight.removeFirst()
                if !inFlight.isEmpty { inFlight[0].begin() }
                segment.answer(segment.failure.map { .failure($0) } ?? .success(segment.results))
                continue
            }
            record(result, status)
        }
        if PQstatus(connection) == CONNECTION_BAD { fail(errorText) }
    }

    private func record(_ result: OpaquePointer, _ status: ExecStatusType) {
        let position = inFlight[0].position
        guard position < inFlight[0].steps.count else {
            PQclear(result)
            return
        }
        let step = inFlight[0].steps[position]
        let succeeded = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK
        if case .prepare(let text) = step {
            preparing.remove(text)
            let name = pendingNames.removeValue(forKey: text)
            if succeeded { names[text] = name }
        }
        if !succeeded, status != PGRES_PIPELINE_ABORTED, inFlight[0].failure == nil {
            let error = PostgresError.ServerError(result, on: connection)
            inFlight[0].failure = .server(error)
            // The tables have changed under the prepared plans, so statements are prepared anew from now on.
            if error.isStalePlan { names.removeAll() }
        }
        if succeeded, case .execute = step {
            inFlight[0].results.append(ResultSet(result))
        } else {
            PQclear(result)
        }
    }

    private var errorText: String {
        String(cString: PQerrorMessage(connection)).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Whether the first segment in line has exceeded its time limit; the other segments' time has not started.
    func isLate(at now: ContinuousClock.Instant) -> Bool { inFlight.first?.expires.map { $0 <= now } ?? false }

    /// Closes the connection and tells every task that waits for it.
    ///
    /// - Parameter error: the error for the first segment in line, when it differs from the others' error.
    func fail(_ reason: String, first error: PostgresError? = nil, alsoTelling segment: Segment? = nil) {
        guard !isBroken else { return }
        close()
        if let error, !inFlight.isEmpty { inFlight[0].failure = inFlight[0].failure ?? error }
        let waiting = inFlight + (segment.map { [$0] } ?? [])
        inFlight = []
        for segment in waiting { segment.answer(.failure(segment.failure ?? .connectionLost(reason))) }
        let copying = copyAnswer
        copyAnswer = nil
        copying?(.failure(.connectionLost(reason)))
    }

    // MARK: COPY, which the pipeline does not speak

    func startCopy(
        _ text: String,
        mode newMode: Mode,
        answer: @escaping @Sendable (Result<CopyEvent, PostgresError>) -> Void
    ) {
        guard !isBroken, inFlight.isEmpty, PQexitPipelineMode(connection) == 1 else {
            return answer(.failure(.connectionLost("the connection cannot start a COPY")))
        }
        mode = newMode
        copyAnswer = answer
        guard PQsendQuery(connection, text) == 1 else { return fail(errorText) }
        flush()
    }

    /// Sends some rows in COPY's text format.
    ///
    /// The answer comes after the socket has taken the rows, so that a fast producer waits for a slow server.
    func putCopy(_ bytes: [UInt8], answer: @escaping @Sendable (Result<CopyEvent, PostgresError>) -> Void) {
        guard !isBroken else { return answer(.failure(.connectionLost("the connection is closed"))) }
        copyAnswer = answer
        let sent = bytes.withUnsafeBytes { buffer in
            PQputCopyData(connection, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count))
        }
        guard sent == 1 else { return fail(errorText) }
        flush()
    }

    func endCopyIn(error: String?, answer: @escaping @Sendable (Result<CopyEvent, PostgresError>) -> Void) {
        guard !isBroken else { return answer(.failure(.connectionLost("the connection is closed"))) }
        mode = .copyIn(started: false)
        copyAnswer = answer
        guard PQputCopyEnd(connection, error) == 1 else { return fail(errorText) }
        flush()
        // The server's refusal may already have been read with earlier bytes; then no further byte would announce it.
        receiveCopy()
    }

    func nextCopyRows(answer: @escaping @Sendable (Result<CopyEvent, PostgresError>) -> Void) {
        guard !isBroken else { return answer(.failure(.connectionLost("the connection is closed"))) }
        copyAnswer = answer
        receiveCopy()
    }

    private func receiveCopy() {
        if case .copyOut = mode, copyAnswer == nil { return }
        var affected = 0
        while !isBroken, isCopyingOut || PQisBusy(connection) == 0 {
            if isCopyingOut {
                guard drainCopyOut() else { return }
                continue
            }
            guard let result = PQgetResult(connection) else { return endCopy(.success(.done(affected))) }
            let status = PQresultStatus(result)
            if status == PGRES_COPY_IN {
                mode = .copyIn(started: true)
                PQclear(result)
                copyAnswer.take()?(.success(.ready))
                return
            }
            if status == PGRES_COPY_OUT {
                isCopyingOut = true
                PQclear(result)
                continue
            }
            if status == PGRES_COMMAND_OK {
                affected = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
                PQclear(result)
                continue
            }
            let failure = PostgresError.server(.init(result, on: connection))
            PQclear(result)
            copyFailure = copyFailure ?? failure
        }
        if PQstatus(connection) == CONNECTION_BAD { fail(errorText) }
    }

    private var isCopyingOut = false
    private var copyFailure: PostgresError?

    /// Collects up to 64 KiB of rows; returns false when the answer was given or more bytes must arrive first.
    private func drainCopyOut() -> Bool {
        var row: UnsafeMutablePointer<CChar>?
        while copyBuffer.count < 65_536 {
            let count = PQgetCopyData(connection, &row, 1)
            if count > 0, let row {
                copyBuffer.append(contentsOf: UnsafeRawBufferPointer(start: row, count: Int(count)))
                PQfreemem(row)
            } else if count == 0 {
                break
            } else {
                isCopyingOut = false
                if copyBuffer.isEmpty { return true }
                break
            }
        }
        guard !copyBuffer.isEmpty else { return false }
        let rows = copyBuffer
        copyBuffer = []
        copyAnswer.take()?(.success(.rows(rows)))
        return false
    }

    private func endCopy(_ outcome: Result<CopyEvent, PostgresError>) {
        mode = .pipeline
        let failure = copyFailure
        copyFailure = nil
        guard PQenterPipelineMode(connection) == 1 else { return fail(errorText) }
        copyAnswer.take()?(failure.map { .failure($0) } ?? outcome)
    }
}
