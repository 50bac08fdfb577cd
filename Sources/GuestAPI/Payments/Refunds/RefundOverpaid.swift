import Foundation
import GuestModels
import Logging
import Postgres

/// Gives back money that a booking's shares have paid beyond what they owe.
///
/// The booking's statement says how much may go back. Money that came through the provider goes back to its payers.
/// Money that came in at the desk becomes a task for the desk. A refund is set aside here first, so it cannot be given
/// back twice.
extension Overpaid: Work {
    static let kind = "overpaid"
    static let queue = Job.Queue.effects

    func finish(_ act: Act) async throws {
        let worker = Principal.job(Self.kind)
        var booking = try await Booking.locked(bookingId, act.as(worker))
        guard let money = try await BookingMoney.of(bookingId, act.as(worker)) else { return }
        let today = try ParkClock(stored: money.terms.timeZone).date(at: act.now)
        let attempts = try await act.tx.all(RefundSQL.refundable(of: bookingId))
        for share in money.statement.shares {
            guard var due = money.statement.refundable[share.householdId] else { continue }
            var surplus = share.surplus
            let left = attempts.filter { $0.share == share.id }.map(\.left)
            for (attempt, amount) in choosePayees(covering: due, from: left) {
                due -= amount
                let refund = Refund(
                    id: act.id(),
                    attemptId: attempt,
                    shareId: share.id,
                    amount: Money(amount, booking.total.currency),
                    createdAt: act.now
                )
                act.tx.later(RefundSQL.reserve(refund, surplus: min(surplus, amount)))
                surplus -= min(surplus, amount)
                try await booking.credit(
                    -amount,
                    to: share.id,
                    from: .refunds,
                    key: "refund:\(refund.id)",
                    reason: "to be given back",
                    on: today,
                    act
                )
                try Job.enqueue(ReconcileRefund(refundId: refund.id), key: refund.id.description, at: act.now, act)
            }
            guard due > 0 else { continue }
            let task = StaffTaskRequest(
                title: "Give back \(Money(due, booking.total.currency).plainText) of booking \(booking.number)",
                detail: "Share \(share.id) has been paid more than it owes.",
                due: today
            )
            try await StaffTask.open(task, source: .refund, subject: share.id.description, in: booking.parkId, act)
        }
    }
}
