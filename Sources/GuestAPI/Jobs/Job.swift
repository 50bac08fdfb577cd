import Foundation
import GuestModels
import Postgres

/// A kind of background work.
///
/// Its value is the arguments; they are kept as JSON, so nothing personal belongs in them that the work can
/// look up.
protocol Work: Codable, Sendable {
    static var kind: String { get }
    static var queue: Job.Queue { get }
    /// Tries before it is set aside for staff, and the longest pause between two, in seconds.
    static var patience: (tries: Int, pause: TimeInterval) { get }

    /// Reaches the world outside, in no transaction. May run twice when a worker dies in between, so it must
    /// be harmless to repeat; `job` is the same each time.
    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws

    /// The effects in our own tables. They commit together with the job's end, so they happen once.
    func finish(_ act: Act) async throws

    /// The time at which the same job runs again, or nil when the job is over; asked after its effects are written.
    func again(_ act: Act) async throws -> Date?
}

extension Work {
    static var patience: (tries: Int, pause: TimeInterval) { Job.usualPatience }
    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {}
    func finish(_ act: Act) async throws {}
    func again(_ act: Act) async throws -> Date? { nil }
}

/// Work that is due, as a row.
struct Job: Sendable {
    typealias ID = Identifier<Job>

    enum Queue: String, CaseIterable, Sendable {
        /// Effects in our own tables.
        case effects
        /// Deliveries to the world outside, each a queue of its own, so that one that is down stops no other.
        case mail, push, payments, objects

        /// Jobs of one batch run beside each other: they wait for others more than they work.
        var isOutside: Bool { self != .effects }
    }

    static let usualPatience = (tries: 12, pause: TimeInterval(600))

    /// Payment jobs wait for a provider that is down for three days and a half, and longer by the time of the tries.
    static let patienceWithProvider = (tries: 20_000, pause: TimeInterval(15))

    let id: ID
    let kind: String
    let arguments: String
    let attempts: Int

    /// Queues work in the caller's transaction.
    ///
    /// - Parameters:
    ///   - key: at most one waiting job of a kind has it; enqueuing again moves that one to the new time.
    ///   - due: when it may run.
    static func enqueue<Task: Work>(_ work: Task, key: String? = nil, at due: Date, _ act: Act) throws {
        act.tx.later([
            JobSQL.insert(
                act.app.ids.next(at: act.app.now()),
                queue: Task.queue,
                kind: Task.kind,
                arguments: try JSONText(encoding: work),
                key: key,
                due: due
            )
        ])
        if due <= act.app.now() { act.tx.record(WorkBell.Ring(queue: Task.queue)) }
    }

    func work(_ features: FeatureTable) throws -> any Work {
        guard let type = features.jobs[kind] else { throw UnknownKind(kind: kind) }
        return try JSONDecoder.ofJobs.decode(type, from: Data(arguments.utf8))
    }

    struct UnknownKind: Error {
        let kind: String
    }

    /// Of its kind; of one that is unknown, the usual.
    func patience(_ features: FeatureTable) -> (tries: Int, pause: TimeInterval) {
        features.jobs[kind]?.patience ?? Self.usualPatience
    }

    /// Seconds until the next try: doubling from one second to the longest pause, a tenth at random.
    func backoff(atMost pause: TimeInterval) -> TimeInterval {
        min(pow(2, Double(min(attempts, 20))), pause) * Double.random(in: 0.9...1.1)
    }
}

extension JSONDecoder {
    fileprivate static var ofJobs: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            guard let date = Date(rfc3339: try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be an instant")
            }
            return date
        }
        return decoder
    }
}

extension Job {
    /// Jobs that were given up, in the order in which they were due, 500 at most.
    static func listDead(_ look: Look) async throws -> [JobRow] {
        try await look.reader.all(JobSQL.list(onlyDead: true, limit: 500))
    }

    /// Has a job that was given up tried again.
    static func retry(_ id: Job.ID, _ act: Act) async throws {
        guard try await act.tx.run(JobSQL.retry(id, at: act.now)) == 1 else { throw Refusal.notFound }
        try Audit.record("job.retry", target: id.uuid, act)
    }
}
