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

    /// When the same job is to come by again; asked once its effects are there, nil when it is over.
    func again(_ act: Act) async throws -> Date?
}

extension Work {
    static var patience: (tries: Int, pause: TimeInterval) { (12, 600) }
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
        case mail, push, payments

        /// Jobs of one batch run beside each other: they wait for others more than they work.
        var isOutside: Bool { self != .effects }
    }

    /// Money waits for a provider that is down as long as it takes, and comes back soon after it does: some four days.
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

    /// Every kind that a worker knows.
    static let kinds: [String: any Work.Type] = {
        let all: [any Work.Type] = [
            Mail.self, EndMailChange.self, EraseSpool.self, NoteErasure.self, RemovePhoto.self, ForgetPhotos.self,
            ForgetSpool.self,
            Notify.self,
            SendNotice.self,
            ExpireHold.self, Republish.self, CleanUp.self, ForgetRegister.self, CheckOccupancy.self,
            RemindPayers.self,
            Overpaid.self, EndPayments.self, ExpireChange.self, LapseDeposit.self, LapseShares.self, LeftOwing.self,
            SettleAttempt.self,
            SettleRefund.self,
            ReviewCharge.self, ReadEvent.self,
            ReadBooks.self,
            EarnRevenue.self, CheckLedger.self,
        ]
        return Dictionary(uniqueKeysWithValues: all.map { ($0.kind, $0) })
    }()

    static let knownKinds = kinds.keys.sorted()

    func work() throws -> any Work {
        guard let type = Self.kinds[kind] else { throw UnknownKind(kind: kind) }
        return try JSONDecoder.ofJobs.decode(type, from: Data(arguments.utf8))
    }

    struct UnknownKind: Error {
        let kind: String
    }

    /// Of its kind; of one that is unknown, the usual.
    var patience: (tries: Int, pause: TimeInterval) { Self.kinds[kind]?.patience ?? Mail.patience }

    /// Seconds until the next try: doubling from one second to the longest pause, a tenth at random.
    var backoff: TimeInterval {
        min(pow(2, Double(min(attempts, 20))), patience.pause) * Double.random(in: 0.9...1.1)
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
