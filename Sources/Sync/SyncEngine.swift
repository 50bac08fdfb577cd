public import Foundation
import GuestModels

/// Reaches the service; one for `URLSession`, one for servers and tests.
public protocol SyncTransport: Sendable {
    /// Sends a request to the service as the signed-in guest and returns its answer.
    ///
    /// - Throws: anything at all when there was none; then nothing is known of what became of the request.
    func send(_ method: String, _ path: String, body: Data?) async throws -> (status: Int, body: Data)
}

/// Brings a phone and the service to the same, whenever there is a network.
///
/// What was done goes up and what is new comes down in one request, so neither ever waits for the other. Each step is one
/// request and one local transaction: a phone that is stopped in between has lost nothing.
public actor SyncEngine {
    let store: LocalStore
    let transport: any SyncTransport
    private let limits: Limits
    private var course: SyncCourse

    /// What one request carries.
    public struct Limits: Sendable {
        /// Mutations of a request at most, and their bytes, about.
        public var mutations = 50
        public var bytes = 48 * 1024
        /// Rows of an answer at most.
        public var rows = 1_000

        public init() {}
    }

    public init(_ store: LocalStore, over transport: any SyncTransport, limits: Limits = Limits()) {
        self.store = store
        self.transport = transport
        self.limits = limits
        course = SyncCourse(largestBatch: limits.mutations)
    }

    /// Why there was no answer to work with.
    public enum Failure: Error, Hashable, Sendable {
        /// The service answered so; 401 asks for a new token, 503 for patience.
        case status(Int, code: String?)
        /// What came is no answer of the service, or was cut off.
        case malformed
        /// The service had no time for what was done; what is new has been read.
        case busy
        /// What was repaired and then read anew differs still.
        case beyondRepair(scope: String)
    }

    /// How things stand after a step.
    public enum Step: Hashable, Sendable {
        /// There is more to send or to fetch.
        case goingOn
        /// This phone shows what the server has, and has told it everything.
        case upToDate
    }

    /// Steps until this phone is up to date.
    ///
    /// - Parameter steps: after these it stops, and goes on at the next call.
    @discardableResult
    public func sync(atMost steps: Int = .max) async throws -> Step {
        var left = steps
        while left > 0 {
            left -= 1
            guard try await step() == .upToDate else { continue }
            // After everything else, which it would keep waiting.
            guard try await sendPart() else { return .upToDate }
        }
        return .goingOn
    }

    /// Keeps this phone up to date until the task is cancelled: what is done is told at once, what is new comes as soon
    /// as it is there, and after a failure it waits ever longer, at most a minute, before it tries again.
    ///
    /// - Parameter failed: hears of every failure; 401 wants a new token in the transport.
    public func run(failed: @escaping @Sendable (any Error) -> Void = { _ in }) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.repeatedly(failed) {
                    // Read up first, so that waiting begins with nothing to say.
                    try await self.sync()
                    _ = try await self.step(waiting: SyncRequest.longestWait)
                }
            }
            group.addTask {
                for await count in self.store.unsentCounts where count > 0 {
                    await self.repeatedly(failed) {
                        try await self.sync()
                    } until: {
                        try self.store.pending().isEmpty
                    }
                }
            }
            await group.waitForAll()
        }
    }

    private nonisolated func repeatedly(
        _ failed: @Sendable (any Error) -> Void,
        _ body: () async throws -> Void,
        until isOver: () throws -> Bool = { false }
    ) async {
        var patience = Patience()
        var dice = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            do {
                try await body()
                patience.succeeded()
                if try isOver() { return }
            } catch {
                guard !Task.isCancelled else { return }
                failed(error)
                try? await Task.sleep(for: .seconds(patience.pause(using: &dice)))
            }
        }
    }

    /// One request and what comes of it.
    ///
    /// - Parameter seconds: how long the service may wait for something new when there is nothing, up to
    ///   `SyncRequest.longestWait`.
    public func step(waiting seconds: Int = 0) async throws -> Step {
        let outgoing = try store.outgoing(atMost: course.batch, bytes: limits.bytes)
        var event = SyncCourse.Event.begun(
            isRegistered: outgoing.isRegistered,
            hasMutations: !outgoing.mutations.isEmpty
        )
        var answer = Data()
        while true {
            switch course.next(after: event) {
            case .register:
                let body = try JSONEncoder().encode(["id": outgoing.deviceId.lowercasedText])
                let (status, problem) = try await transport.send("POST", "/v1/sync/devices", body: body)
                event = .registered(status: status, code: Self.code(of: problem, status))
            case .exchange:
                let request = SyncRequest(
                    deviceId: outgoing.deviceId,
                    cursor: outgoing.cursor,
                    limit: limits.rows,
                    wait: seconds > 0 ? seconds : nil,
                    mutations: outgoing.mutations.isEmpty ? nil : outgoing.mutations
                )
                let body = try JSONEncoder.ofArguments.encode(request)
                let status: Int
                (status, answer) = try await transport.send("POST", "/v1/sync", body: body)
                event = .answered(status: status, code: Self.code(of: answer, status))
            case .take:
                let lines = try Self.lines(of: answer)
                let (isComplete, damaged) = try store.take(lines, since: outgoing.cursor)
                event = .taken(
                    isComplete: isComplete,
                    isBusy: lines.contains(.busy),
                    damaged: damaged,
                    hasPending: try !store.pending().isEmpty
                )
            case .mend(let scopes):
                event = .mended(still: try await mend(scopes))
            case .correct(let correction):
                switch correction {
                case .isRegistered: try store.registered()
                case .isNotRegistered: try store.unregister()
                case .needsOtherName: try store.rename()
                case .readAnew: try store.beginAnew()
                }
                return .goingOn
            case .end(let step): return step
            case .fail(let failure): throw failure
            }
        }
    }

    /// Every line, the last of which says how it goes on: without it the answer was cut off, and none of it counts.
    package static func lines(of answer: Data) throws -> [SyncLine] {
        let bytes = Array(answer)
        var lines: [SyncLine] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            do {
                if end > start, let parsed = try SyncLine.parse(bytes[start..<end]) { lines.append(parsed) }
            } catch {
                throw Failure.malformed
            }
            start = end + 1
        }
        switch lines.last {
        case .page, .complete: return lines
        default: throw Failure.malformed
        }
    }

    static func failure(_ status: Int, _ body: Data) -> Failure {
        .status(status, code: code(of: body, status))
    }

    /// Of a problem document; nil for what is none.
    private static func code(of body: Data, _ status: Int) -> String? {
        struct Problem: Decodable {
            let code: String
        }
        guard status >= 400 else { return nil }
        return try? JSONDecoder().decode(Problem.self, from: body).code
    }

    // MARK: Repair

    /// Repairs, and names what differs still although the service has nothing newer of it.
    private func mend(_ scopes: [ScopeState]) async throws -> String? {
        for scope in scopes { try await repair(scope) }
        guard let still = try store.damaged(scopes).first, try await isCurrent(still) else { return nil }
        return still.scope
    }

    /// Whether the service has nothing newer of it, which would explain a difference.
    private func isCurrent(_ scope: ScopeState) async throws -> Bool {
        try await digest(of: scope.scope, suffix: "").version == scope.version
    }

    private func digest(of scope: String, suffix: String) async throws -> Digest {
        let query = suffix.isEmpty ? "" : "?suffix=\(suffix)"
        let (status, body) = try await transport.send("GET", "/v1/sync/scopes/\(scope)/digest\(query)", body: nil)
        guard status == 200 else { throw Self.failure(status, body) }
        do { return try JSONDecoder().decode(Digest.self, from: body) } catch { throw Failure.malformed }
    }

    private struct Digest: Decodable {
        struct Bucket: Decodable {
            let suffix: String
            let count: Int
            let digest: String
        }

        struct Entity: Decodable {
            let kind: String
            let id: UUID
            let hash: String
            let body: String
        }

        let version: Int64
        let buckets: [Bucket]
        let rows: [Entity]?
    }

    /// Finds what differs by digests of ever fewer rows, and takes those rows as the server has them.
    private func repair(_ scope: ScopeState) async throws {
        var open = [""]
        while let suffix = open.popLast() {
            let theirs = try await digest(of: scope.scope, suffix: suffix)
            // It has changed since: the next step brings that, and looks again.
            guard theirs.version == scope.version else { return }
            if let rows = theirs.rows {
                let rows = try rows.map { row in
                    guard let hash = UInt64(row.hash, radix: 16),
                        hash == SyncRow.hash(kind: row.kind, id: row.id, body: row.body)
                    else { throw Failure.malformed }
                    return SyncRow(kind: row.kind, id: row.id, content: .init(hash: hash, body: row.body))
                }
                try store.repair(scope.scope, suffix: suffix, with: rows)
                continue
            }
            let known = Dictionary(theirs.buckets.map { ($0.suffix, $0) }) { first, _ in first }
            let ours = try store.buckets(of: scope.scope, suffix: suffix)
            for (key, mine) in ours where known[key] == nil && mine.count > 0 {
                try store.repair(scope.scope, suffix: key, with: [])
            }
            let wrong = theirs.buckets.filter { bucket in
                let mine = ours[bucket.suffix] ?? (0, 0)
                return mine.count != bucket.count || mine.digest != UInt64(bucket.digest, radix: 16)
            }
            // Reading everything anew costs less.
            guard wrong.count <= 16 else { return }
            open += wrong.map(\.suffix)
        }
    }
}
