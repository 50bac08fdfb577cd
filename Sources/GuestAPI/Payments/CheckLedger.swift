import Foundation
import GuestModels
import Postgres

/// Looks through the ledger for what contradicts, a portion at a time, and keeps what it finds for the reconciliation.
///
/// One pass goes over everything, once a day. Another goes over what has changed since the last of its kind, every hour. A
/// portion is one short transaction on a writer, so nobody who reads waits for it.
struct CheckLedger: Work {
    static let kind = "checkLedger"
    static let queue = Job.Queue.effects

    enum Pass: String, Codable, Sendable {
        case all, recent
    }

    /// In this order; each goes through its rows by their ids.
    enum Stage: String, CaseIterable, Sendable {
        case bookings, journals, movements, parks
    }

    let pass: Pass

    /// Rows of a portion.
    static let portion = 500

    /// Seconds in which what moved at the provider is settled here, unless there is trouble.
    static let patience: TimeInterval = 600

    func finish(_ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        let known = try await tx.first(CheckSQL.pass(pass.rawValue))
        let stage = known?.stage.flatMap(Stage.init) ?? .bookings
        let isNew = known?.stage == nil
        let begun = isNew ? now : known?.begunAt ?? now
        // A transaction that began before the last pass may have committed after it had looked.
        let since = isNew ? (pass == .recent ? known.map { $0.begunAt.addingTimeInterval(-3600) } : nil) : known?.since
        let cursor = isNew ? nil : known?.cursor
        let deadline = now.addingTimeInterval(-Self.patience)
        let (items, findings) = try await Self.check(stage, after: cursor, since: since, settledBy: deadline, in: tx)
        tx.later(CheckSQL.replace(stage.rawValue, items, with: findings, at: now))
        let isOver = items.count < Self.portion
        let next = isOver ? Stage.allCases.drop { $0 != stage }.dropFirst().first : stage
        tx.later([
            CheckSQL.set(
                pass.rawValue,
                stage: next?.rawValue,
                cursor: isOver ? nil : items.last,
                begun: begun,
                since: since,
                at: now
            )
        ])
    }

    /// At once, until the pass is over.
    func again(_ app: AppEnvironment, at now: Date, in tx: Transaction) async throws -> Date? {
        try await tx.first(CheckSQL.pass(pass.rawValue))?.stage == nil ? nil : now
    }

    /// The next portion of a stage: the rows that were looked at, and what was found.
    private static func check(
        _ stage: Stage,
        after cursor: String?,
        since: Date?,
        settledBy deadline: Date?,
        in tx: Transaction
    ) async throws -> (items: [String], findings: [CheckSQL.Finding]) {
        switch stage {
        case .bookings:
            let after = cursor.flatMap { Booking.ID($0) }
            let ids = try await tx.all(CheckSQL.bookings(after: after, since: since, limit: portion))
            let (own, missing) = try await tx.all(
                CheckSQL.contradictions(in: ids),
                CheckSQL.missing(atProvider: ids)
            )
            return (ids.map(\.description), own + missing)
        case .journals:
            let after = cursor.flatMap { UUID(uuidString: $0) }
            let ids = try await tx.all(CheckSQL.journals(after: after, since: since, limit: portion))
            return (ids.map(\.lowercasedText), try await tx.all(CheckSQL.contradictions(inJournals: ids)))
        case .movements:
            let ids = try await tx.all(CheckSQL.movements(after: cursor, since: since, limit: portion))
            return (ids, try await tx.all(CheckSQL.contradictions(inMovements: ids, settledBy: deadline)))
        case .parks:
            let ids = try await tx.all(CheckSQL.parks)
            return (ids.map(\.description), try await tx.all(CheckSQL.contradictions(inParks: ids)))
        }
    }

    /// Everything that contradicts in our own tables, for the command line and tests.
    static func own(in tx: Transaction) async throws -> [CheckSQL.Finding] {
        var found: [CheckSQL.Finding] = []
        try await portions { after in
            let cursor = after.flatMap { Booking.ID($0) }
            let ids = try await tx.all(CheckSQL.bookings(after: cursor, since: nil, limit: portion))
            found += try await tx.all(CheckSQL.contradictions(in: ids))
            return ids.map(\.description)
        }
        try await portions { after in
            let ids = try await tx.all(
                CheckSQL.journals(after: after.flatMap { UUID(uuidString: $0) }, since: nil, limit: portion)
            )
            found += try await tx.all(CheckSQL.contradictions(inJournals: ids))
            return ids.map(\.lowercasedText)
        }
        found += try await tx.all(CheckSQL.contradictions(inParks: tx.all(CheckSQL.parks)))
        return found
    }

    /// Everything that contradicts the provider's books, as far as they have been read.
    static func atProvider(in tx: Transaction) async throws -> [CheckSQL.Finding] {
        var found: [CheckSQL.Finding] = []
        try await portions { after in
            let cursor = after.flatMap { Booking.ID($0) }
            let ids = try await tx.all(CheckSQL.bookings(after: cursor, since: nil, limit: portion))
            found += try await tx.all(CheckSQL.missing(atProvider: ids))
            return ids.map(\.description)
        }
        try await portions { after in
            let ids = try await tx.all(CheckSQL.movements(after: after, since: nil, limit: portion))
            found += try await tx.all(CheckSQL.contradictions(inMovements: ids, settledBy: nil))
            return ids
        }
        return found + (try await tx.all(CheckSQL.differenceOfSums))
    }

    /// Goes on until a portion is not full.
    ///
    /// - Parameter check: checks the rows behind one, and answers which they were.
    private static func portions(_ check: (_ after: String?) async throws -> [String]) async throws {
        var after: String?
        while true {
            let items = try await check(after)
            guard items.count == portion, let last = items.last else { return }
            after = last
        }
    }
}
