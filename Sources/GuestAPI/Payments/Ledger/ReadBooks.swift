import Foundation
import GuestModels
import Logging
import Postgres

/// Reads new movements in the provider's books, and books the ones that only the provider knows.
///
/// These are fees, payouts and money taken back in disputes. Each account is read from its newest movement back to the
/// newest known one. Each page is read in a transaction of its own, and the progress is kept. So many jobs share a long
/// history, and payments are settled between them.
struct ReadBooks: Work {
    static let kind = "readBooks"
    static let queue = Job.Queue.payments
    static let patience = Job.patienceWithProvider

    /// The number of pages that one job reads of an account; a page has a hundred movements.
    static let pages = 5

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        // One account that cannot be read must not keep the others unread.
        var failure: (any Error)?
        for account in try await Self.accounts(app) {
            do {
                _ = try await Self.read(account, pages: Self.pages, app)
            } catch {
                if error is CancellationError { throw error }
                app.logger.warning(
                    "an account's books cannot be read",
                    metadata: ["account": "\(account)", "error": "\(error)"]
                )
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// The job runs again at once while a reading has not ended.
    func again(_ act: Act) async throws -> Date? {
        try await act.tx.first(ProviderBooksSQL.isReading) == true ? act.now : nil
    }

    /// Reads all accounts to the end; harmless to repeat.
    static func read(_ app: AppEnvironment) async throws {
        for account in try await accounts(app) {
            while try await !read(account, pages: pages, app) {}
        }
    }

    private static func accounts(_ app: AppEnvironment) async throws -> [String] {
        try await app.database.read(as: Principal.job(kind).setting) { try await $0.all(ProviderBooksSQL.accounts) }
    }

    /// Goes on reading an account's books.
    ///
    /// - Returns: true if all of the account's books have been read.
    private static func read(_ account: String, pages: Int, _ app: AppEnvironment) async throws -> Bool {
        guard let provider = app.payments?.acting(for: account.isEmpty ? nil : account) else { return true }
        let acting = Principal.job(kind)
        var reading =
            try await app.database.read(as: acting.setting) {
                try await $0.first(ProviderBooksSQL.reading(of: account))
            }
            ?? .init()
        for _ in 0..<pages {
            let begun = reading.begunAt ?? app.now()
            let (movements, hasMore) = try await provider.movements(after: reading.reached)
            let fresh = Array(movements.prefix { $0.id != reading.newest })
            let named = try await names(of: fresh, provider, app)
            let isOver = fresh.count < movements.count || !hasMore
            let newest = reading.begunWith ?? movements.first?.id ?? reading.newest
            let before = reading
            reading =
                isOver
                ? .init(newest: newest)
                : .init(newest: before.newest, begunWith: newest, reached: fresh.last?.id, begunAt: begun)
            let after = reading
            let isOurs = try await app.act(as: acting, within: 60) { act in
                let next = ProviderBooksSQL.goOn(account, from: before, to: after, readAt: isOver ? begun : nil)
                guard try await act.tx.run(next) == 1 else { return false }
                for movement in fresh.reversed() {
                    let about = movement.source.flatMap { named[$0.id] }
                    try await book(movement, about: about, at: provider.account, act)
                }
                guard isOver else { return true }
                // Review attempts whose money moved without us, whether or not a webhook came.
                for attempt in try await act.tx.all(AttemptSQL.reviewsDue(since: begun.addingTimeInterval(-30 * 86400)))
                {
                    try Job.enqueue(ReviewCharge(attemptId: attempt), key: attempt.description, at: begun, act)
                }
                return true
            }
            // Another process has already written this page.
            guard isOurs else { return false }
            if isOver { return true }
        }
        return false
    }

    /// The payment that a movement belongs to, where the movement does not name it.
    private struct About: Sendable {
        let intent: String?
        /// The movement in the payment's currency; nil where that is not known.
        let amount: Money?
    }

    /// Asks the provider about disputes, and about refunds and charges that are not known here yet.
    private static func names(
        of movements: [PaymentProvider.Movement],
        _ provider: PaymentProvider,
        _ app: AppEnvironment
    ) async throws -> [String: About] {
        let sources = movements.compactMap { $0.source?.id }
        let acting = Principal.job(kind)
        let ours = Set(
            try await app.database.read(as: acting.setting) { try await $0.all(ProviderBooksSQL.known(sources)) }
        )
        var named: [String: About] = [:]
        for source in Set(sources) where !ours.contains(source) {
            if source.hasPrefix("dp_") || source.hasPrefix("du_") {
                let dispute = try await provider.dispute(source)
                named[source] = About(intent: dispute.paymentIntent?.id, amount: dispute.money)
            } else if source.hasPrefix("re_") || source.hasPrefix("pyr_") {
                let refund = try await provider.refund(source)
                named[source] = About(intent: refund.paymentIntent?.id, amount: refund.money)
            } else if source.hasPrefix("ch_") || source.hasPrefix("py_") {
                let charge = try await provider.charge(source)
                named[source] = About(intent: charge.paymentIntent?.id, amount: charge.money)
            }
        }
        return named
    }

    private static func book(
        _ movement: PaymentProvider.Movement,
        about: About?,
        at account: String?,
        _ act: Act
    ) async throws {
        var park = try await act.tx.first(AttemptSQL.park(ofSource: about?.intent ?? movement.source?.id))
        // A movement of the whole account belongs to a park only if no other park is paid into it.
        if park == nil, let account { park = try await act.tx.first(AttemptSQL.park(ofAccount: account)) }
        let known = try await act.tx.first(AttemptSQL.amount(ofSource: movement.source?.id)) ?? about?.amount
        let theirs = movement.money
        // The account's currency may be another than the payment's.
        let paid = known.flatMap { $0.currency == theirs.currency ? nil : $0 }.map { known in
            Money(theirs.amount < 0 ? -known.amount : known.amount, known.currency)
        }
        let insert = AttemptSQL.insert(movement, at: account, park: park, intent: about?.intent, ours: paid?.amount)
        guard try await act.tx.run(insert) == 1 else { return }
        func post(_ what: String, _ other: Journal.Account, _ amount: Money) {
            guard amount.amount != 0 else { return }
            Journal(
                key: "\(what):\(movement.id)",
                park: park,
                sellerAccount: account,
                reason: "\(movement.type) at the provider",
                day: LocalDate(daysSince1970: Int(movement.created.value / 86400)),
                currency: amount.currency,
                entries: [
                    .init(account: other, amount: -amount.amount), .init(account: .provider, amount: amount.amount),
                ]
            ).post(act)
        }
        post("fee", .fees, Money(-movement.feeMoney.amount, theirs.currency))
        if let paid {
            // The account holds the money in its own currency, so book an exchange.
            var exchange = Journal(
                key: "exchange:\(movement.id):\(paid.currency)",
                park: park,
                sellerAccount: account,
                reason: "exchanged by the provider",
                day: LocalDate(daysSince1970: Int(movement.created.value / 86400)),
                currency: paid.currency,
                entries: [
                    .init(account: .exchange, amount: paid.amount), .init(account: .provider, amount: -paid.amount),
                ]
            )
            exchange.post(act)
            exchange = Journal(
                key: "exchange:\(movement.id):\(theirs.currency)",
                park: park,
                sellerAccount: account,
                reason: exchange.reason,
                day: exchange.day,
                currency: theirs.currency,
                entries: [
                    .init(account: .provider, amount: theirs.amount), .init(account: .exchange, amount: -theirs.amount),
                ]
            )
            exchange.post(act)
        }
        switch movement.type {
        // The ledger has these movements already, since our payments and refunds were reconciled.
        case "charge", "payment", "refund", "payment_refund", "refund_failure", "payment_failure_refund": break
        case "payout", "payout_cancel", "payout_failure", "topup", "topup_reversal": post("payout", .bank, theirs)
        case "adjustment": post("dispute", .disputed, paid ?? theirs)
        case "reserve_transaction", "reserved_funds", "payment_reserve_hold", "payment_reserve_release",
            "risk_reserved_funds":
            post("other", .reserve, theirs)
        default: post("other", .fees, theirs)
        }
    }
}
