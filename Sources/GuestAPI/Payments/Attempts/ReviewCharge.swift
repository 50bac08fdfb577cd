import Foundation
import GuestModels
import Postgres

/// Checks a payment that had come in: a bank may have taken it back, or somebody may have refunded it in the provider's
/// dashboard.
///
/// A webhook, a movement in the provider's books or a refused refund starts the review. The review asks the provider
/// for the present state, so the order and number of these triggers do not matter.
struct ReviewCharge: Work {
    static let kind = "reviewCharge"
    static let queue = Job.Queue.payments
    static let patience = Job.patienceWithProvider

    let attemptId: Attempt.ID

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws { try await Self.carryOut(attemptId, app) }

    static func carryOut(_ attemptId: Attempt.ID, _ app: AppEnvironment) async throws {
        guard let provider = app.payments else { return }
        let acting = Principal.job(kind)
        guard
            let row = try await app.database.read(
                as: acting.setting,
                { try await $0.first(AttemptSQL.attempt(attemptId)) }
            ),
            row.attempt.state == .succeeded, let intent = row.reference
        else { return }
        let review = try await provider.acting(for: row.attempt.account).review(intent)
        try await app.act(as: acting, within: 60) { act in
            try await Attempt.review(attemptId, review, act)
        }
    }
}

extension Attempt {
    /// Records disputes and refunds made at the provider: their sums no longer count as paid.
    ///
    /// A disputed sum counts again once the dispute is won. A repeated review changes nothing.
    static func review(_ id: Attempt.ID, _ review: PaymentProvider.Review, _ act: Act) async throws {
        guard let unlocked = try await act.tx.first(AttemptSQL.attempt(id)) else { return }
        try await endImpossible(of: unlocked.attempt, review, act)
        let worker = Principal.job(ReviewCharge.kind)
        var booking = try await Booking.locked(unlocked.bookingID, act.as(worker))
        guard let row = try await act.tx.first(AttemptSQL.attempt(id, locked: true)), row.attempt.state == .succeeded,
            let zone = try await act.tx.first(BookingSQL.zone(of: booking.id))
        else { return }
        let today = try ParkClock(stored: zone).date(at: act.now)
        let disputed = review.disputes.filter(\.hasMoney).reduce(0) { $0 + $1.money.amount }
        let takenBack = min(disputed, row.attempt.amount.amount)
        if takenBack != row.takenBack {
            act.tx.later([AttemptSQL.setTakenBack(takenBack, of: id)])
            try await booking.credit(
                row.takenBack - takenBack,
                to: row.attempt.shareId,
                from: .disputed,
                key: "taken:\(id):\(row.reviews + 1)",
                reason: takenBack > row.takenBack ? "taken back by the payer's bank" : "a dispute that was won",
                on: today,
                act
            )
        }
        if let dispute = review.disputes.max(by: { $0.created?.value ?? 0 < $1.created?.value ?? 0 }) {
            try await follow(row, dispute, booking, today, act)
        }
        let known = Set(try await act.tx.all(RefundSQL.refundReferences(of: id)))
        let ours = Set(try await act.tx.all(RefundSQL.refunds(of: id)).map(\.refund.id.description))
        for found in review.refunds where !["failed", "canceled"].contains(found.status ?? "") {
            // The provider may have made one of our refunds although its answer never came; that refund's own job
            // settles it.
            guard !known.contains(found.id), !ours.contains(found.metadata?["refund"] ?? "") else { continue }
            let refund = Refund(
                id: act.id(),
                attemptId: id,
                shareId: row.attempt.shareId,
                amount: found.money,
                state: found.status == "pending" ? .sent : .succeeded,
                createdAt: act.now
            )
            act.tx.later(RefundSQL.insertForeign(refund, reference: found.id, at: act.now))
            try await booking.credit(
                -refund.amount.amount,
                to: refund.shareId,
                from: .provider,
                into: row.attempt.account,
                key: "refund:\(refund.id)",
                reason: "given back at the provider",
                on: today,
                act
            )
            if refund.state == .sent {
                try Job.enqueue(ReconcileRefund(refundId: refund.id), key: refund.id.description, at: act.now, act)
            }
        }
    }

    /// Ends our refunds that the provider can never make, because too little of the payment is left there.
    ///
    /// Such a refund would reserve a sum that the review of other refunds must write down.
    private static func endImpossible(of attempt: Attempt, _ review: PaymentProvider.Review, _ act: Act) async throws {
        let made = review.refunds.filter { !["failed", "canceled"].contains($0.status ?? "") }
        let left = attempt.amount.amount - made.reduce(0) { $0 + $1.money.amount }
        let known = Set(made.compactMap { $0.metadata?["refund"] })
        for refund in try await act.tx.all(RefundSQL.refunds(of: attempt.id)).map(\.refund)
        where refund.state == .reserved && refund.amount.amount > left && !known.contains(refund.id.description) {
            try await Refund.reconcile(
                refund.id,
                .failed,
                reference: nil,
                amount: refund.amount.amount,
                isElsewhere: true,
                act
            )
        }
    }

    /// Opens a task for an open or lost dispute, and ends it once the dispute is won.
    private static func follow(
        _ row: AttemptSQL.Row,
        _ dispute: PaymentProvider.Dispute,
        _ booking: Booking,
        _ today: LocalDate,
        _ act: Act
    ) async throws {
        let subject = row.attempt.id.description
        guard dispute.status != "won", dispute.status != "warning_closed" else {
            try await StaffTask.resolve(
                .dispute,
                subject,
                in: booking.parkId,
                note: "The dispute is won; the money counts again.",
                act
            )
            return
        }
        let what = "\(dispute.money.plainText) of booking \(booking.number)"
        let (title, detail) =
            switch dispute.status {
            case "lost":
                ("The bank has taken back \(what)", "The share is open again; do not refund it.")
            case _ where dispute.hasMoney:
                (
                    "A payer disputes \(what)",
                    "Answer at the provider. The share is open until the dispute is won; do not refund it."
                )
            default:
                ("A payer's bank asks about \(what)", "Answer at the provider. The bank has taken nothing back.")
            }
        try await StaffTask.open(
            StaffTaskRequest(title: title, detail: "Attempt \(row.attempt.id). \(detail)", due: today),
            source: .dispute,
            subject: subject,
            in: booking.parkId,
            act
        )
    }
}
