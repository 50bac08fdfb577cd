import Foundation
import GuestModels
import Logging
import Postgres

/// Brings an attempt and the provider to the same point: asks for the intent, cancels it when it is no longer wanted,
/// takes in how it stands.
///
/// There is one such job for each attempt until it is over. It comes by again and again, so that everything settles
/// when no webhook ever arrives; a webhook, a deadline or a payer who gives up only bring it forward. Whatever it does
/// may be cut off anywhere and begun again.
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
                // Ended before anybody asked for it: there is nothing at the provider.
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

    /// Ends what the provider never had.
    private func end(as state: Attempt.State, _ app: AppEnvironment) async throws {
        try await app.act(as: .job(Self.kind)) { act in
            guard let row = try await act.tx.first(AttemptSQL.attempt(attemptId)) else { return }
            try await Attempt.reconcile(attemptId, .init(state: state, amount: row.attempt.amount), charge: nil, act)
        }
    }

    /// Later and later, until it is over; what nobody pays in time is withdrawn.
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
    /// Takes in how an attempt stands at the provider; money that has come in is booked once, whoever tells of it.
    ///
    /// Money for a hold that is covered by it makes the booking firm, also when the hold has run out and its cottages
    /// are free. What comes in beyond what is owed goes back to who paid it.
    static func reconcile(_ id: Attempt.ID, _ sighting: Sighting, charge: String?, _ act: Act) async throws {
        guard let unlocked = try await act.tx.first(AttemptSQL.attempt(id)) else { return }
        let worker = Principal.job(ReconcileAttempt.kind)
        var booking = try await Booking.locked(unlocked.bookingID, act.as(worker))
        guard let row = try await act.tx.first(AttemptSQL.attempt(id, locked: true)),
            let zone = try await act.tx.first(BookingSQL.zone(of: booking.id))
        else { return }
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
            // The hold may have waited for this one.
            try Job.enqueue(ExpireHold(bookingId: booking.id), key: booking.id.description, at: act.now, act)
        }
    }
}

/// A hold has run out, or a booking has been cancelled: whoever is still paying is stopped at the provider first.
extension EndPayments: Work {
    static let kind = "endPayments"
    static let queue = Job.Queue.effects

    func finish(_ act: Act) async throws {
        try Attempt.end(await act.tx.all(AttemptSQL.open(of: bookingId)).filter { !$0.isEnding }, act)
    }
}
