import Foundation
import GuestModels
import Postgres

/// A kind of background work.
///
/// The stored properties are the arguments of a job, kept as JSON. Personal data that the work can look up does not
/// belong in them.
protocol Work: Codable, Sendable {
    static var kind: String { get }
    static var queue: Job.Queue { get }
    /// The number of tries before a job is set aside for staff, and the longest pause between two tries in seconds.
    static var patience: (tries: Int, pause: TimeInterval) { get }

    /// Does the part of the job that reaches other systems, outside any transaction.
    ///
    /// The call may run twice if a worker dies in between, so it must be harmless to repeat. `job` is the same each
    /// time.
    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws

    /// Writes the job's effects in our own tables.
    ///
    /// The effects commit together with the end of the job, so they happen once.
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

/// One row of the job table: the kind of work, its arguments and the tries so far.
struct Job: Sendable {
    typealias ID = Identifier<Job>

    enum Queue: String, CaseIterable, Sendable {
        /// The queue of jobs with effects in our own tables.
        case effects
        /// The queues of jobs that reach other systems.
        ///
        /// Each system has its own queue, so that a system that is down delays no other.
        case mail, push, payments, objects
        /// The queue of jobs that make pictures in processes of their own.
        case photos

        /// Whether the jobs of the queue reach other systems or processes.
        ///
        /// A batch of such jobs runs concurrently, because the jobs mostly wait for answers.
        var isOutside: Bool { self != .effects }
    }

    static let usualPatience = (tries: 12, pause: TimeInterval(600))

    /// The patience of payment jobs with a provider that is down: three and a half days of pauses between the tries.
    static let patienceWithProvider = (tries: 20_000, pause: TimeInterval(15))

    /// Jobs of the object store wait two weeks for a store that is away.
    static let patienceWithObjects = (tries: 2_000, pause: TimeInterval(600))

    let id: ID
    let kind: String
    let arguments: String
    let attempts: Int

    /// Queues work in the caller's transaction.
    ///
    /// - Parameters:
    ///   - key: names the job within its kind. Enqueuing with the same key replaces the job that waits, and its time.
    ///   - due: the time at which the job may run.
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

    /// The patience of the job's kind; an unknown kind has the usual patience.
    func patience(_ features: FeatureTable) -> (tries: Int, pause: TimeInterval) {
        features.jobs[kind]?.patience ?? Self.usualPatience
    }

    /// The seconds until the next try.
    ///
    /// The pause doubles from one second up to the longest pause, and varies by a tenth at random.
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
