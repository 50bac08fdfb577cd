import Foundation
import GuestModels
import Postgres

/// Reads what has moved in the provider's own books since the last time, and books what only they tell: fees, payouts,
/// what was taken back in a dispute.
struct ReadBooks: Work {
    static let kind = "readBooks"
    static let queue = Job.Queue.payments
    static let patience = Job.patienceWithProvider

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws { try await Self.read(app) }

    /// Reads to the end; harmless to repeat.
    static func read(_ app: AppEnvironment) async throws {
        guard let provider = app.payments else { return }
        let acting = Principal.job(kind).setting
        let begun = app.now()
        let known = Set(try await app.database.read(as: acting) { try await $0.all(AttemptSQL.newestMovements) })
        let movements = try await provider.movements { known.contains($0) }
        let sources = movements.compactMap { $0.source?.id }
        let refunds = Set(
            try await app.database.read(as: acting) { try await $0.all(AttemptSQL.refunds(named: sources)) }
        )
        var intents: [String: String] = [:]
        for source in sources where !refunds.contains(source) {
            if source.hasPrefix("dp_") || source.hasPrefix("du_") {
                intents[source] = try await provider.dispute(source).paymentIntent?.id
            } else if source.hasPrefix("re_") || source.hasPrefix("pyr_") {
                intents[source] = try await provider.refund(source).paymentIntent?.id
            }
        }
        // Oldest first, and all of them or none, so that the newest we know is always followed by all that is older.
        let read = movements.reversed()
        let named = intents
        try await app.database.transaction(as: acting, within: 60) { tx in
            for movement in read {
                try await book(movement, about: movement.source.flatMap { named[$0.id] }, app, in: tx)
            }
            try await tx.run(AttemptSQL.booksRead(at: begun))
            // Told or not, what the books say of money that has been moved without us is seen to.
            for attempt in try await tx.all(AttemptSQL.reviewsDue(since: begun.addingTimeInterval(-30 * 86400))) {
                try Job.enqueue(ReviewCharge(attemptId: attempt), key: attempt.description, at: begun, app, in: tx)
            }
        }
    }

    private static func book(
        _ movement: PaymentProvider.Movement,
        about intent: String?,
        _ app: AppEnvironment,
        in tx: Transaction
    ) async throws {
        let park = try await tx.first(AttemptSQL.park(ofSource: intent ?? movement.source?.id))
        let fee = movement.feeMoney.amount
        let insert = AttemptSQL.insert(movement, kind: movement.type, park: park, intent: intent)
        guard try await tx.run(insert) == 1 else { return }
        func post(_ what: String, _ account: Journal.Account, _ amount: Int64) {
            guard amount != 0 else { return }
            Journal(
                key: "\(what):\(movement.id)",
                park: park,
                reason: "\(movement.type) at the provider",
                day: LocalDate(daysSince1970: Int(movement.created.value / 86400)),
                currency: movement.currency.uppercased(),
                entries: [.init(account: account, amount: amount), .init(account: .provider, amount: -amount)]
            ).post(app, at: app.now(), in: tx)
        }
        post("fee", .fees, fee)
        switch movement.type {
        // Booked when they were settled here.
        case "charge", "payment", "refund", "payment_refund", "refund_failure", "payment_failure_refund": break
        case "payout", "payout_cancel", "payout_failure": post("payout", .bank, -movement.money.amount)
        case "adjustment": post("dispute", .disputed, -movement.money.amount)
        default: post("other", .fees, -movement.money.amount)
        }
    }
}
