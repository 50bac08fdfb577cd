import Foundation
import GuestModels
import Logging
import Postgres

/// Brings a refund and the provider to the same state, as `ReconcileAttempt` does for an attempt.
struct ReconcileRefund: Work {
    static let kind = "settleRefund"
    static let queue = Job.Queue.payments
    static let patience = Job.patienceWithProvider

    let refundId: Refund.ID

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        guard let payments = app.payments else { return }
        let acting = Principal.job(Self.kind)
        guard
            let row = try await app.database.read(
                as: acting.setting,
                { try await $0.first(RefundSQL.refund(refundId)) }
            ),
            row.refund.state != .failed
        else { return }
        let provider = payments.acting(for: row.account)
        do {
            let found: PaymentProvider.Refund
            if let reference = row.reference {
                found = try await provider.refund(reference)
            } else {
                let isFirst = try await app.act(as: acting) { act in
                    try await act.tx.run(RefundSQL.send(refundId, at: app.now())) == 1
                }
                var known: PaymentProvider.Refund?
                if !isFirst { known = try await provider.refund(refundId, of: row.intent) }
                if let known {
                    found = known
                } else {
                    found = try await provider.createRefund(row.refund, of: row.intent)
                }
            }
            try await reconcile(Self.state(found.status), reference: found.id, amount: found.money.amount, app)
        } catch PaymentProvider.Failure.refused(let code, _) {
            app.logger.warning("the provider refused a refund", metadata: ["refund": "\(refundId)", "code": "\(code)"])
            // The provider's books decide: money that a bank or the dashboard has already moved must not become a
            // credit here. A refusal with a passing reason is tried again.
            let review = try await provider.review(row.intent)
            guard Self.isFinal(code) else { return }
            try await app.act(as: acting, within: 60) { act in
                // Release the sum set aside first, so that the refunds made elsewhere fit below what was paid.
                try await Refund.reconcile(
                    refundId,
                    .failed,
                    reference: nil,
                    amount: row.refund.amount.amount,
                    isElsewhere: review.movesMoney || Self.isTaken(code),
                    act
                )
                try await Attempt.review(row.refund.attemptId, review, act)
            }
        }
    }

    /// Whether a code of the provider says that the money has been moved already.
    private static func isTaken(_ code: String) -> Bool {
        ["charge_disputed", "charge_already_refunded", "charge_charged_back"].contains(code)
    }

    /// True if the provider will never take the same refund.
    ///
    /// An account without enough balance takes the refund later.
    private static func isFinal(_ code: String) -> Bool {
        !["balance_insufficient", "insufficient_funds", "lock_timeout", "rate_limit"].contains(code)
    }

    /// The state of a refund by the provider's word for it.
    ///
    /// - Throws: `Inconsistency` for an unknown word, so that money never counts as given back by mistake.
    static func state(_ status: String?) throws -> Refund.State {
        switch status {
        case "succeeded": .succeeded
        case "failed", "canceled": .failed
        case "pending", "requires_action": .sent
        default: throw Inconsistency("a refund at the provider is \(status ?? "without a status")")
        }
    }

    private func reconcile(_ state: Refund.State, reference: String?, amount: Int64, _ app: AppEnvironment) async throws
    {
        try await app.act(as: .job(Self.kind), within: 60) { act in
            try await Refund.reconcile(refundId, state, reference: reference, amount: amount, act)
        }
    }

    func again(_ act: Act) async throws -> Date? {
        guard let refund = try await act.tx.first(RefundSQL.refund(refundId))?.refund,
            refund.state == .reserved || refund.state == .sent
        else { return nil }
        return act.now.addingTimeInterval(Attempt.pause(atAge: act.now.timeIntervalSince(refund.createdAt)))
    }
}

extension Refund {
    /// Records how a refund stands at the provider.
    ///
    /// The provider's balance goes down once it has accepted the refund. A failed refund comes back: the share has the
    /// credit, and staff give the money back another way.
    ///
    /// - Parameter isElsewhere: true if the provider refuses because its review shows that the money was moved already.
    ///   Then staff need to give nothing back.
    static func reconcile(
        _ id: Refund.ID,
        _ state: State,
        reference: String?,
        amount: Int64,
        isElsewhere: Bool = false,
        _ act: Act
    ) async throws {
        guard let unlocked = try await act.tx.first(RefundSQL.refund(id)) else { return }
        var booking = try await Booking.locked(unlocked.bookingID, act.as(.job(ReconcileRefund.kind)))
        guard let row = try await act.tx.first(RefundSQL.refund(id, locked: true)),
            let zone = try await act.tx.first(BookingSQL.zone(of: booking.id)), row.refund.state != .failed,
            row.refund.state != state
        else { return }
        var refund = row.refund
        let today = try ParkClock(stored: zone).date(at: act.now)
        func post(_ what: String, _ reason: String, _ entries: [Journal.Entry]) {
            Journal(
                key: "\(what):\(id)",
                park: booking.parkId,
                sellerAccount: row.account,
                booking: booking.id,
                reason: reason,
                day: today,
                currency: refund.amount.currency,
                entries: entries
            ).post(act)
        }
        // A refund with a reference was accepted by the provider, even if it failed before this look.
        let isAccepted = refund.state != .reserved
        if !isAccepted, reference != nil {
            guard amount == refund.amount.amount else {
                try await alert("is not what was asked for", refund, booking, today, act)
                return
            }
            post(
                "refund-sent",
                "given back through the provider",
                [
                    .init(account: .refunds, share: refund.shareId, amount: refund.amount.amount),
                    .init(account: .provider, amount: -refund.amount.amount),
                ]
            )
        }
        refund.state = state
        act.tx.later([RefundSQL.update(refund, reference: reference, at: act.now)])
        if state == .succeeded, let household = try await act.tx.first(ShareSQL.share(refund.shareId))?.householdId {
            let (number, amount) = (booking.number, refund.amount)
            try await Booking.mailMembers("refund:\(id)", about: booking.id, to: household, act) {
                .moneyReturned(number: number, park: $0, amount: amount)
            }
        }
        guard state == .failed else { return }
        act.tx.later([RefundSQL.comeBack(refund, isRefundable: isElsewhere)])
        let account: Journal.Account = isAccepted || reference != nil ? .provider : .refunds
        try await booking.credit(
            refund.amount.amount,
            to: refund.shareId,
            from: account,
            into: row.account,
            key: "refund-failed:\(id)",
            reason: "a refund that came back",
            notifies: false,
            on: today,
            act
        )
        if isElsewhere { return }
        try await alert("came back", refund, booking, today, act)
    }

    private static func alert(
        _ what: String,
        _ refund: Refund,
        _ booking: Booking,
        _ today: LocalDate,
        _ act: Act
    ) async throws {
        try await StaffTask.open(
            StaffTaskRequest(
                title: "A refund of \(refund.amount.plainText) for booking \(booking.number) \(what)",
                detail: "Refund \(refund.id). The guest has the credit on the share; give it back another way.",
                due: today
            ),
            source: .refund,
            subject: refund.shareId.description,
            in: booking.parkId,
            act
        )
    }
}
