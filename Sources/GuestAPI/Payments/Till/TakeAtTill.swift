import Foundation
import GuestModels
import Postgres

extension TillPayment {
    /// Takes money at the desk for a share; the booking becomes firm once its deposit is covered.
    ///
    /// Throws `moreThanOpen` for more than may be paid, and `holdExpired` when the cottages are held no longer. A
    /// payment attempt that is under way ends if its amount is then more than the open rest.
    static func take(_ request: TillPaymentRequest, for share: Share.ID, _ act: Act) async throws -> TillPayment {
        let (booking, statement, owed, day) = try await opened(share, request.method, act)
        if booking.state == .expired || booking.holdUntil.map({ act.now >= $0 }) ?? false { throw Refusal.holdExpired }
        guard request.amount <= statement.payable(for: owed.householdId) else {
            throw Refusal.moreThanOpen.at("/amount")
        }
        let payment = TillPayment(
            id: request.id ?? act.id(),
            shareId: share,
            kind: .payment,
            method: request.method,
            amount: Money(request.amount, booking.total.currency),
            reference: request.reference,
            day: day,
            at: act.now
        )
        try await payment.record(for: booking, act)
        let left = statement.payable(for: owed.householdId) - request.amount
        let open = try await act.tx.all(AttemptSQL.open(of: share)).filter {
            !$0.isEnding && $0.attempt.amount.amount > left
        }
        try Attempt.end(open, act)
        try await Booking.confirmIfCovered(booking.id, act)
        return payment
    }

    /// Gives a payment back today by the method of the payment; the share is open again, and a firm stay stays firm.
    ///
    /// Throws `alreadyReversed` the second time, and `moreThanDue` if some of the money has been given back since.
    static func reverse(_ id: TillPayment.ID, _ act: Act) async throws -> TillPayment {
        guard let before = try await act.tx.first(TillSQL.tillPayment(id)) else { throw Refusal.notFound }
        let (booking, _, owed, day) = try await opened(before.shareId, before.method, act)
        guard before.kind == .payment else { throw Refusal.alreadyReversed }
        // Money that was refunded since cannot be reversed too, even if other money came in by another method.
        let left = try await act.tx.first(TillSQL.inTill(of: before.shareId, before.method)) ?? 0
        guard before.amount.amount <= min(owed.paid, left) else { throw Refusal.moreThanDue }
        let payment = TillPayment(
            id: act.id(),
            shareId: before.shareId,
            kind: .reversal,
            method: before.method,
            amount: Money(-before.amount.amount, before.amount.currency),
            reference: before.reference,
            day: day,
            at: act.now,
            reversesId: id
        )
        try await payment.record(for: booking, act)
        // The payment had counted as the household's agreement; the earlier agreement holds again.
        if let before = try await act.tx.first(ShareSQL.agreedBefore(payment: id)),
            var money = try await BookingMoney.of(booking.id, act)
        {
            money.statement.disagree(owed.householdId, to: before)
            try await money.settle(.changed, act)
        }
        return payment
    }

    /// Gives back money of a share, up to the amount that the booking's statement allows.
    ///
    /// Throws `moreThanDue` for a larger amount.
    static func refund(_ request: TillPaymentRequest, of share: Share.ID, _ act: Act) async throws -> TillPayment {
        let (booking, statement, owed, day) = try await opened(share, request.method, act)
        let due = statement.refundable[owed.householdId] ?? 0
        guard request.amount <= due else { throw Refusal.moreThanDue.at("/amount") }
        if request.amount == due {
            try await StaffTask.resolve(.refund, share.description, in: booking.parkId, note: "Given back.", act)
        }
        let payment = TillPayment(
            id: request.id ?? act.id(),
            shareId: share,
            kind: .refund,
            method: request.method,
            amount: Money(-request.amount, booking.total.currency),
            reference: request.reference,
            day: day,
            at: act.now
        )
        try await payment.record(for: booking, surplus: min(owed.surplus, request.amount), act)
        return payment
    }

    /// The locked booking, its share, and the day of the park's till that is still open for the method.
    private static func opened(
        _ share: Share.ID,
        _ method: Method,
        _ act: Act
    ) async throws -> (Booking, BookingStatement, Share, LocalDate) {
        guard let id = try await act.tx.first(ShareSQL.share(share))?.bookingId else { throw Refusal.notFound }
        let booking = try await Booking.locked(id, by: .member, act)
        guard act.principal.has([.reception], at: booking.parkId) else { throw Refusal.notFound }
        _ = try await act.tx.all(TillSQL.holdTill(of: booking.parkId))
        guard let money = try await BookingMoney.of(id, act),
            let owed = money.statement.shares.first(where: { $0.id == share })
        else { throw Refusal.notFound }
        // Once today's till has been counted, payments count for tomorrow's till.
        var day = try ParkClock(stored: money.terms.timeZone).date(at: act.now)
        if try await act.tx.first(TillSQL.isClosed(booking.parkId, day, method)) == true {
            day = day.adding(days: 1)
        }
        return (booking, money.statement, owed, day)
    }

    /// Writes the payment, the share's paid sum and the journal together.
    private func record(for booking: Booking, surplus: Int64 = 0, _ act: Act) async throws {
        try await act.tx.run(
            TillSQL.insert(self, surplus: surplus, park: booking.parkId),
            refusing: ["till_payment_pkey": .idTaken.at("/id"), "till_payment_reversed_once": .alreadyReversed]
        )
        var booking = booking
        try await booking.credit(
            amount.amount,
            to: shareId,
            from: Journal.Account(method),
            key: "till:\(id)",
            reason: "\(kind.rawValue) at the desk",
            isOwn: kind == .payment,
            on: day,
            act
        )
        try Audit.record("till.\(kind.rawValue)", target: id.uuid, park: booking.parkId, after: self, act)
    }
}
