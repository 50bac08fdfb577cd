import Foundation
import GuestModels
import Logging
import Postgres

/// Brings an attempt and the provider to the same state.
///
/// The job asks for the intent, cancels the intent when it is no longer wanted, and records its state. Each attempt has
/// one such job until the attempt is over. The job runs again and again, so payments settle even if no webhook arrives.
/// A webhook, a deadline or a payer who gives up only makes the job run earlier. The job may be cut off anywhere and
/// begun again.
struct ReconcileAttempt: Work {
    static let kind = "settleAttempt"
    static let queue = Job.Queue.payments
    static let patience = Job.patienceWithProvider

    let attemptId: Attempt.ID

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        guard let payments = app.payments else { return }
        let acting = Principal.job(Self.kind)
        guard
            var row = try await app.database.read(
                as: acting.setting,
                { try await $0.first(AttemptSQL.attempt(attemptId)) }
            )
        else { return }
        guard row.attempt.state != .succeeded else { return }
        let provider = payments.acting(for: row.attempt.account)
        let intent: PaymentProvider.Intent
        if let reference = row.reference {
            intent = row.isEnding ? try await provider.cancel(reference) : try await provider.intent(reference)
        } else {
            guard !row.attempt.state.isTerminal else { return }
            let isFirst = try await app.act(as: acting) { act in
                if try await act.tx.run(AttemptSQL.send(attemptId, at: app.now())) == 1 { return true }
                // The attempt ended before the provider was asked, so the provider has no intent.
                row = try await act.tx.first(AttemptSQL.attempt(attemptId)) ?? row
                return false
            }
            if !isFirst, row.sentAt == nil {
                try await end(as: .cancelled, app)
                return
            }
            do {
                intent = try await ask(provider, row, isFirst: isFirst)
            } catch PaymentProvider.Failure.refused(let code, _) {
                app.logger.warning(
                    "the provider refused an attempt",
                    metadata: ["attempt": "\(attemptId)", "code": "\(code)"]
                )
                try await end(as: .failed, app)
                return
            }
            let secret = try intent.clientSecret.map {
                try app.secret.seal(Data($0.utf8), for: "attempt", context: attemptId.description)
            }
            let isEnding = try await app.act(as: acting) { act in
                try await act.tx.run(AttemptSQL.setReference(intent.id, secret: secret, of: attemptId))
                return try await act.tx.first(AttemptSQL.attempt(attemptId))?.isEnding ?? false
            }
            if isEnding {
                try await reconcile(provider.cancel(intent.id), app)
                return
            }
        }
        try await reconcile(intent, app)
    }

    private func ask(
        _ provider: PaymentProvider,
        _ row: AttemptSQL.Row,
        isFirst: Bool
    ) async throws -> PaymentProvider.Intent {
        if !isFirst, let sent = row.sentAt, let found = try await provider.intent(for: attemptId, since: sent) {
            return found
        }
        return try await provider.createIntent(for: row.attempt)
    }

    private func reconcile(_ intent: PaymentProvider.Intent, _ app: AppEnvironment) async throws {
        try await app.act(as: .job(Self.kind), within: 60) { act in
            try await Attempt.reconcile(attemptId, intent.sighting, charge: intent.latestCharge?.id, act)
        }
    }

    /// Ends an attempt for which the provider has no intent.
    private func end(as state: Attempt.State, _ app: AppEnvironment) async throws {
        try await app.act(as: .job(Self.kind)) { act in
            guard let row = try await act.tx.first(AttemptSQL.attempt(attemptId)) else { return }
            try await Attempt.reconcile(attemptId, .init(state: state, amount: row.attempt.amount), charge: nil, act)
        }
    }

    /// The time of the next run; the pauses grow until the attempt is over.
    ///
    /// An attempt that is not paid in time is withdrawn.
    func again(_ act: Act) async throws -> Date? {
        guard let row = try await act.tx.first(AttemptSQL.attempt(attemptId)), !row.attempt.state.isTerminal else {
            return nil
        }
        let age = act.now.timeIntervalSince(row.attempt.createdAt)
        if age > Attempt.patience, row.attempt.state != .processing, !row.isEnding {
            try await act.tx.run(AttemptSQL.end([attemptId]))
            return act.now
        }
        return act.now.addingTimeInterval(Attempt.pause(atAge: age))
    }
}

extension Attempt {
    /// Records how an attempt stands at the provider; money that has come in is booked only once.
    ///
    /// If the money covers a hold's deposit, the booking becomes firm. This also works after the hold has run out, as
    /// long as its cottages are free. Money beyond what is owed goes back to its payer.
    static func reconcile(_ id: Attempt.ID, _ sighting: Sighting, charge: String?, _ act: Act) async throws {
        guard let unlocked = try await act.tx.first(AttemptSQL.attempt(id)) else { return }
        let worker = Principal.job(ReconcileAttempt.kind)
        var booking = try await Booking.locked(unlocked.bookingID, act.as(worker))
        guard let row = try await act.tx.first(AttemptSQL.attempt(id, locked: true)),
            let zone = try await act.tx.first(BookingSQL.zone(of: booking.id))
        else { throw Inconsistency("attempt \(id) is gone while its booking is locked") }
        let clock = try ParkClock(stored: zone)
        var attempt = row.attempt
        switch attempt.absorb(sighting) {
        case .nothing: break
        case .mismatch:
            // The attempt ends here, so that the job stops asking; staff look at the provider's side.
            attempt.state = .failed
            attempt.declined = "amount_mismatch"
            act.tx.later([AttemptSQL.update(attempt, charge: charge, at: act.now)])
            try await StaffTask.open(
                StaffTaskRequest(
                    title: "A payment for booking \(booking.number) is not what was asked for",
                    detail:
                        "Asked: \(attempt.amount.plainText). The provider has \(sighting.amount.plainText) (\(sighting.state.rawValue)). Nothing has been booked.",
                    due: clock.date(at: act.now)
                ),
                source: .payment,
                subject: id.description,
                in: booking.parkId,
                act
            )
        case .moved: act.tx.later([AttemptSQL.update(attempt, charge: charge, at: act.now)])
        case .paid:
            act.tx.later([AttemptSQL.update(attempt, charge: charge, at: act.now)])
            try await booking.credit(
                attempt.amount.amount,
                to: attempt.shareId,
                from: .provider,
                into: attempt.account,
                key: "pay:\(id)",
                reason: "paid by \(attempt.method.rawValue)",
                isOwn: try await act.tx.first(AttemptSQL.isOwn(id)) == true,
                on: clock.date(at: act.now),
                act
            )
            try await Booking.confirmIfCovered(booking.id, isLate: true, act.as(worker))
            if let share = try await act.tx.first(ShareSQL.share(attempt.shareId)), share.paid > share.amount {
                try Job.enqueue(Overpaid(bookingId: booking.id), key: booking.id.description, at: act.now, act)
            }
        }
        if attempt.state.isTerminal, let deadline = booking.holdUntil, booking.state == .held, deadline <= act.now {
            // The hold may have waited for this attempt to end.
            try Job.enqueue(ExpireHold(bookingId: booking.id), key: booking.id.description, at: act.now, act)
        }
    }
}

/// Stops open attempts at the provider after a hold has run out or a booking was cancelled.
extension EndPayments: Work {
    static let kind = "endPayments"
    static let queue = Job.Queue.effects

    func finish(_ act: Act) async throws {
        try Attempt.end(await act.tx.all(AttemptSQL.open(of: bookingId)).filter { !$0.isEnding }, act)
    }
}
