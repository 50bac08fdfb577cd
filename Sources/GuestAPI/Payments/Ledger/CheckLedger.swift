import Foundation
import GuestModels
import Postgres

/// Checks the ledger in portions and keeps the contradictions for the reconciliation.
///
/// Once a day everything is checked, every hour what has changed. Each portion is a short transaction on a writer, so
/// readers do not wait.
struct CheckLedger: Work {
    static let kind = "checkLedger"
    static let queue = Job.Queue.effects

    enum Pass: String, Codable, Sendable {
        case all, recent
    }

    /// The stages of a pass, in their order; each walks through its rows by id.
    enum Stage: String, CaseIterable, Sendable {
        case bookings, journals, movements, parks
    }

    let pass: Pass

    /// The rows that a check reads at once.
    static let portion = 500

    /// Seconds that a movement at the provider may take to be settled here before the check reports it.
    static let settlingTime: TimeInterval = 600

    func finish(_ act: Act) async throws {
        let known = try await act.tx.first(CheckSQL.pass(pass.rawValue))
        let stage = known?.stage.flatMap(Stage.init) ?? .bookings
        let isNew = known?.stage == nil
        let begun = isNew ? act.now : known?.begunAt ?? act.now
        // A transaction may have begun before the last pass and committed after that pass had read, so look an hour
        // back.
        let since = isNew ? (pass == .recent ? known.map { $0.begunAt.addingTimeInterval(-3600) } : nil) : known?.since
        let cursor = isNew ? nil : known?.cursor
        let (items, findings) = try await Self.check(
            stage,
            after: cursor,
            since: since,
            settledBy: act.now.addingTimeInterval(-Self.settlingTime),
            withProvider: true,
            in: act.tx
        )
        act.tx.later(CheckSQL.replace(stage.rawValue, items, with: findings))
        let isOver = items.count < Self.portion
        let next = isOver ? Stage.allCases.drop { $0 != stage }.dropFirst().first : stage
        act.tx.later([
            CheckSQL.set(
                pass.rawValue,
                stage: next?.rawValue,
                cursor: isOver ? nil : items.last,
                begun: begun,
                since: since
            )
        ])
    }

    /// The job runs again at once until the pass is over.
    func again(_ act: Act) async throws -> Date? {
        try await act.tx.first(CheckSQL.pass(pass.rawValue))?.stage == nil ? nil : act.now
    }

    /// Checks the next portion of a stage, and answers the rows of the portion and the contradictions.
    ///
    /// - Parameter withProvider: whether bookings are compared with the provider's books too.
    private static func check(
        _ stage: Stage,
        after cursor: String?,
        since: Date?,
        settledBy deadline: Date?,
        withProvider: Bool,
        in tx: Transaction
    ) async throws -> (items: [String], findings: [CheckSQL.Finding]) {
        switch stage {
        case .bookings:
            let after = cursor.flatMap { Booking.ID($0) }
            let ids = try await tx.all(CheckSQL.bookings(after: after, since: since, limit: portion))
            let own = try await tx.all(CheckSQL.contradictions(in: ids))
            let missing = withProvider ? try await tx.all(CheckSQL.missing(atProvider: ids)) : []
            return (ids.map(\.description), own + missing)
        case .journals:
            let after = cursor.flatMap { UUID(uuidString: $0) }
            let ids = try await tx.all(CheckSQL.journals(after: after, since: since, limit: portion))
            return (ids.map(\.lowercasedText), try await tx.all(CheckSQL.contradictions(inJournals: ids)))
        case .movements:
            let ids = try await tx.all(CheckSQL.movements(after: cursor, since: since, limit: portion))
            return (ids, try await tx.all(CheckSQL.contradictions(inMovements: ids, settledBy: deadline)))
        case .parks:
            let after = cursor.flatMap { Park.ID($0) }
            let ids = try await tx.all(CheckSQL.parks(after: after, limit: portion))
            return (ids.map(\.description), try await tx.all(CheckSQL.contradictions(inParks: ids)))
        }
    }

    /// Every contradiction in the tables, for the command line and tests.
    ///
    /// - Parameter withProvider: whether the provider's books are compared too.
    static func all(withProvider: Bool, in tx: Transaction) async throws -> [CheckSQL.Finding] {
        var found: [CheckSQL.Finding] = []
        for stage in Stage.allCases where withProvider || stage != .movements {
            var after: String?
            var isOver = false
            while !isOver {
                let (items, new) = try await check(
                    stage,
                    after: after,
                    since: nil,
                    settledBy: nil,
                    withProvider: withProvider,
                    in: tx
                )
                found += new
                after = items.last
                isOver = items.count < portion
            }
        }
        return withProvider ? found + (try await tx.all(CheckSQL.differenceOfSums)) : found
    }
}
