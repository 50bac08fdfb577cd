public import Foundation
import GuestModels
package import SyncMessages

/// Sends requests to the service; one type uses `URLSession`, another is for servers and tests.
public protocol SyncTransport: Sendable {
    /// Sends a request to the service as the signed-in guest and returns its answer.
    ///
    /// - Parameter headers: the headers besides the token, such as `content-type`.
    /// - Throws: any error when no answer came, or only a part of it. The service may still have carried out the
    ///   request.
    func send(_ method: String, _ path: String, headers: [String: String], body: Data?) async throws -> SyncAnswer
}

extension SyncTransport {
    /// Sends a request with a body of JSON, or without a body.
    package func send(_ method: String, _ path: String, body: Data?) async throws -> SyncAnswer {
        let headers = body == nil ? [:] : ["content-type": "application/json"]
        return try await send(method, path, headers: headers, body: body)
    }
}

/// A complete answer of the service.
public struct SyncAnswer: Sendable {
    /// The HTTP status.
    public var status: Int
    /// The headers, with their names in lower case.
    public var headers: [String: String]
    public var body: Data
    /// Seconds from the header `Retry-After`; nil when the header is missing or is a date.
    public var retryAfter: TimeInterval? { headers["retry-after"].flatMap(TimeInterval.init) }

    public init(status: Int, headers: [String: String] = [:], body: Data) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Keeps a phone and the service the same, whenever there is a network.
///
/// One request sends mutations and fetches new rows, so neither waits for the other. Each step is one request and one
/// local transaction, so a phone that stops in between loses nothing.
public actor SyncEngine {
    let store: LocalStore
    let transport: any SyncTransport
    private let limits: Limits
    let now: @Sendable () -> Date
    private var course: SyncCourse
    /// When `sync` last finished reading rows, while it sends photos.
    private var readUpAt: ContinuousClock.Instant?
    /// The sizes of what is sent of photos, which follow the line.
    var pace = UploadPace()
    /// The photos whose small pictures the service did not have.
    var missingPictures: Set<Photo.ID> = []
    /// True while a portion of a photo is under way; a second loop of the engine then sends none.
    var isSendingPortion = false

    /// The size of one request and of its answer.
    public struct Limits: Sendable {
        /// The most mutations of a request, and about how many bytes they may have.
        public var mutations = 50
        public var bytes = 48 * 1024
        /// The most rows of an answer.
        public var rows = 1_000

        public init() {}
    }

    /// - Parameter now: the phone's clock; it decides when refused photos are tried again.
    public init(
        _ store: LocalStore,
        over transport: any SyncTransport,
        limits: Limits = Limits(),
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.store = store
        self.transport = transport
        self.limits = limits
        self.now = now
        course = SyncCourse(largestBatch: limits.mutations)
    }

    /// A reason why a step got no usable answer.
    public enum Failure: Error, Hashable, Sendable {
        /// The service answered with an error status: 401 asks for a new token, 503 asks to wait.
        ///
        /// `after` is the number of seconds that the service wants the phone to wait.
        case status(Int, code: String?, after: TimeInterval? = nil)
        /// The answer did not come from the service, or was cut off.
        case malformed
        /// The service was too busy for the mutations; the new rows have been read.
        case busy
        /// The scope was repaired and then read anew, and still differs from the server's.
        case beyondRepair(scope: String)
        /// The service and the phone correct each other endlessly.
        case disagreement
    }

    /// The state after a step.
    public enum Step: Hashable, Sendable {
        /// There is more to send or to fetch.
        case goingOn
        /// This phone shows what the server has, and has told it everything.
        case upToDate
    }

    /// Runs steps until this phone is up to date.
    ///
    /// - Parameter steps: the most steps of this call; the next call continues.
    @discardableResult
    public func sync(atMost steps: Int = .max) async throws -> Step {
        var left = steps
        readUpAt = nil
        missingPictures = []
        while left > 0 {
            left -= 1
            // Photos come last. While photos are carried, a step for everything else runs every five seconds.
            if let readUpAt, readUpAt.duration(to: .now) < .seconds(5) {
                guard try await carryPhotos() else { return .upToDate }
            } else {
                guard try await step() == .upToDate else { continue }
                readUpAt = .now
                try store.settlePhotos()
                if try !hasPhotosToCarry() { return .upToDate }
            }
        }
        return .goingOn
    }

    /// Keeps this phone up to date until the task is cancelled.
    ///
    /// Mutations are sent at once, and new rows come as soon as the service has them. After a failure the engine waits
    /// longer each time, at most about a minute or as long as the service asks.
    ///
    /// - Parameter failed: called for every failure; after a 401 the transport needs a new token.
    public func run(failed: @escaping @Sendable (any Error) -> Void = { _ in }) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.repeatedly(failed) { try await self.cycle() }
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

    /// Sends one request that waits for new rows; the service answers at once when it has rows or gets mutations.
    private func cycle() async throws {
        // While the other loop sends a photo, this one waits for rows.
        let hasPhotos = try !isSendingPortion && hasPhotosToCarry()
        guard try await step(waiting: hasPhotos ? 0 : SyncRequest.longestWait) == .upToDate, hasPhotos else { return }
        try await sync()
    }

    /// Whether a photo waits to be sent, or the small picture of one waits to be fetched.
    private func hasPhotosToCarry() throws -> Bool {
        try store.nextPortion(at: now()) != nil || store.nextSmallPicture(except: missingPictures) != nil
    }

    /// Sends a portion of a photo that waits; when none waits, fetches a small picture.
    private func carryPhotos() async throws -> Bool {
        if try await sendPortion() { return true }
        return try await fetchSmallPicture()
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
                var wanted: TimeInterval = 0
                if case .status(_, _, let after?) = error as? Failure { wanted = after }
                try? await Task.sleep(for: .seconds(patience.pause(atLeast: wanted, using: &dice)))
            }
        }
    }

    /// Sends one request and stores its answer.
    ///
    /// - Parameter seconds: how long the service may wait when it has nothing new, at most `SyncRequest.longestWait`.
    public func step(waiting seconds: Int = 0) async throws -> Step {
        let outgoing = try store.outgoing(atMost: course.mutations, bytes: max(1, limits.bytes / course.divisor))
        var event = SyncCourse.Event.begun(
            isRegistered: outgoing.isRegistered,
            hasMutations: !outgoing.mutations.isEmpty
        )
        var answer = Data()
        while true {
            switch course.next(after: event) {
            case .register:
                let body = try JSONEncoder().encode(["id": outgoing.deviceId.lowercasedText])
                let told = try await transport.send("POST", Paths.syncDevices(), body: body)
                event = .registered(status: told.status, code: Self.code(of: told), after: told.retryAfter)
            case .exchange:
                let request = SyncRequest(
                    deviceId: outgoing.deviceId,
                    cursor: outgoing.cursor,
                    limit: max(1, limits.rows / course.divisor),
                    wait: seconds > 0 ? seconds : nil,
                    mutations: outgoing.mutations.isEmpty ? nil : outgoing.mutations
                )
                let body = try JSONEncoder.ofArguments.encode(request)
                let told: SyncAnswer
                let began = ContinuousClock.now
                do { told = try await transport.send("POST", Paths.sync(), body: body) } catch {
                    // The network was there but too slow, so the next request carries less and asks for less.
                    if began.duration(to: .now) > .seconds(3) { _ = course.next(after: .cut(.malformed)) }
                    throw error
                }
                answer = told.body
                event = .answered(status: told.status, code: Self.code(of: told), after: told.retryAfter)
            case .take:
                let lines: [SyncLine]
                do { lines = try Self.lines(of: answer) } catch {
                    event = .cut(.malformed)
                    continue
                }
                let (isComplete, damaged) = try store.apply(lines, since: outgoing.cursor)
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

    /// Parses the lines of an answer.
    ///
    /// The last line must be one that ends an answer. Otherwise the answer was cut off, and none of its lines count.
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

    static func failure(_ answer: SyncAnswer) -> Failure {
        .status(answer.status, code: code(of: answer), after: answer.retryAfter)
    }

    /// The code in a problem document; nil for other answers.
    private static func code(of answer: SyncAnswer) -> String? {
        struct Problem: Decodable {
            let code: String
        }
        guard answer.status >= 400 else { return nil }
        return try? JSONDecoder().decode(Problem.self, from: answer.body).code
    }

    // MARK: Repair

    /// Repairs the scopes; returns a scope that still differs although the service has no newer version of it.
    private func mend(_ scopes: [ScopeState]) async throws -> String? {
        for scope in scopes { try await repair(scope) }
        guard let still = try store.damaged(scopes).first, try await isCurrent(still) else { return nil }
        return still.scope
    }

    /// Whether the service has no newer version of the scope; a newer version would explain a difference.
    private func isCurrent(_ scope: ScopeState) async throws -> Bool {
        try await digest(of: scope.scope, suffix: "").version == scope.version
    }

    private func digest(of scope: String, suffix: String) async throws -> Digest {
        let query = suffix.isEmpty ? "" : "?suffix=\(suffix)"
        let answer = try await transport.send("GET", Paths.syncScopeDigest(scope) + query, body: nil)
        guard answer.status == 200 else { throw Self.failure(answer) }
        do { return try JSONDecoder().decode(Digest.self, from: answer.body) } catch { throw Failure.malformed }
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

    /// Finds the rows that differ, by digests of ever fewer rows, and replaces them with the server's rows.
    private func repair(_ scope: ScopeState) async throws {
        var open = [""]
        while let suffix = open.popLast() {
            let theirs = try await digest(of: scope.scope, suffix: suffix)
            // The scope has changed since. The next step fetches the change and checks the scope again.
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
            // With more than 16 wrong parts, reading everything anew costs less than the repair.
            guard wrong.count <= 16 else { return }
            open += wrong.map(\.suffix)
        }
    }
}
