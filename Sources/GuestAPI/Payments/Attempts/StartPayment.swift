import Foundation
import GuestModels
import Postgres

/// The payer of a share: a guest who may pay it, or a person with a pay link.
enum Payer: Sendable {
    case principal(Principal)
    case link(PayLink)
}

extension Attempt {
    /// Begins to collect a share; a worker tells the provider.
    ///
    /// A payer who asks for the same payment again, on any device, gets the attempt that is under way.
    ///
    /// Throws `nothingOpen` and `moreThanOpen`. Throws `holdExpired` when the cottages are held no longer. Throws
    /// `methodNotTaken`, and `methodTooSlow` for a direct debit on a hold. Throws `paymentUnderWay` while another payer
    /// pays.
    static func start(
        _ request: PaymentRequest,
        for share: Share.ID,
        by payer: Payer,
        _ act: Act
    ) async throws -> Attempt {
        let (booking, share) = try await payable(share, by: payer, act)
        let asking: Principal = if case .principal(let principal) = payer { principal } else { .job("payLink") }
        guard let money = try await BookingMoney.of(booking.id, act.as(asking)) else { throw Refusal.notFound }
        guard act.app.settings.payments?.methods.contains(request.method) ?? false,
            request.method.isTaken(in: booking.total.currency)
        else { throw Refusal.methodNotTaken.at("/method") }
        switch booking.state {
        case .expired: throw Refusal.holdExpired
        case .held:
            guard booking.holdUntil.map({ act.now < $0 }) ?? false else { throw Refusal.holdExpired }
            guard request.method != .sepaDebit else { throw Refusal.methodTooSlow.at("/method") }
        case .confirmed, .checkedIn, .checkedOut, .cancelled, .noShow: break
        }
        // A payer who pays more than was agreed also agrees to owe it; only the household itself can do so.
        let isOwn = payer.guest != nil && money.terms.asker == share.householdId
        let most = isOwn ? money.statement.payable(for: share.householdId) : share.open
        guard most > 0 else { throw Refusal.nothingOpen }
        let currency = booking.total.currency
        let open = share.open > 0 ? share.open : most
        let amount = Money(request.amount ?? ProviderLimits.usual(of: open, in: currency), currency)
        guard amount.amount <= most else { throw Refusal.moreThanOpen.at("/amount") }
        // A change of a firm stay is held for minutes only, too short for a direct debit.
        if request.method == .sepaDebit, amount.amount > max(share.open, (share.asked ?? 0) - share.paid) {
            throw Refusal.methodTooSlow.at("/method")
        }
        do {
            try ProviderLimits.allow(amount.amount, of: amount.amount > open ? most : open, in: currency)
        } catch {
            throw error.at("/amount")
        }
        if let open = try await act.tx.first(AttemptSQL.open(of: share.id)) {
            guard open.belongs(to: payer), open.attempt.method == request.method, open.attempt.amount == amount,
                !open.isEnding, request.id == nil || request.id == open.attempt.id
            else { throw Refusal.paymentUnderWay }
            return open.attempt
        }
        let attempt = Attempt(
            id: request.id ?? act.id(),
            shareId: share.id,
            method: request.method,
            amount: amount,
            account: try await act.tx.first(AttemptSQL.account(of: booking.parkId)),
            createdAt: act.now
        )
        try await act.tx.run(
            AttemptSQL.insert(attempt, payer: payer.guest, link: payer.link),
            refusing: ["attempt_pkey": .idTaken.at("/id"), "attempt_one_at_a_time": .paymentUnderWay]
        )
        try Job.enqueue(ReconcileAttempt(attemptId: attempt.id), key: attempt.id.description, at: act.now, act)
        return attempt
    }

    /// Asks for the end of an attempt.
    ///
    /// The attempt is over once the provider says so. Money that came in before the end counts.
    static func end(_ id: Attempt.ID, by payer: Payer, _ act: Act) async throws -> Attempt {
        guard let row = try await act.tx.first(AttemptSQL.attempt(id)) else { throw Refusal.notFound }
        _ = try await payable(row.attempt.shareId, by: payer, act)
        if !row.attempt.state.isTerminal { try end([row], act) }
        return row.attempt.visible(toPayer: row.belongs(to: payer))
    }

    /// Asks for the end of attempts, and has a worker see to it at once.
    static func end(_ rows: [AttemptSQL.Row], _ act: Act) throws {
        act.tx.later([AttemptSQL.end(rows.map(\.attempt.id))])
        for row in rows {
            try Job.enqueue(
                ReconcileAttempt(attemptId: row.attempt.id),
                key: row.attempt.id.description,
                at: act.now,
                act
            )
        }
    }

    /// An attempt as its payer sees it, or another guest who may pay the same share.
    static func show(_ id: Attempt.ID, _ look: Look) async throws -> AttemptView {
        guard let row = try await look.reader.first(AttemptSQL.attempt(id)) else { throw Refusal.notFound }
        if look.principal.guestID == nil {
            guard look.principal.has([.reception, .finance], at: row.parkID) else { throw Refusal.notFound }
            return AttemptView(row.attempt.visible(toPayer: false))
        }
        let (terms, roles, shares) = try await look.reader.all(
            ShareSQL.terms(of: row.bookingID, for: look.principal.guestID),
            BookingSQL.role(of: look.principal.guestID, in: row.bookingID),
            ShareSQL.share(row.attempt.shareId)
        )
        let isOwn = terms.first?.asker == shares.first?.householdId && !shares.isEmpty
        guard isOwn || roles == [.organiser] else { throw Refusal.notFound }
        return try row.view(isPayer: row.belongs(to: .principal(look.principal)), look.app)
    }

    /// Only the payer sees why the card was declined.
    fileprivate func visible(toPayer isPayer: Bool) -> Attempt {
        var copy = self
        if !isPayer { copy.declined = nil }
        return copy
    }

    /// The booking, locked, and a share of it that the payer may pay.
    private static func payable(_ id: Share.ID, by payer: Payer, _ act: Act) async throws -> (Booking, Share) {
        switch payer {
        case .link(let link):
            guard link.shareId == id, let booking = try await act.tx.first(ShareSQL.share(id))?.bookingId else {
                throw Refusal.notFound
            }
            let found = try await Booking.locked(booking, by: .member, act.as(.job("payLink")))
            guard let share = try await act.tx.first(ShareSQL.share(id)) else { throw Refusal.notFound }
            return (found, share)
        case .principal(let principal):
            let (share, booking) = try await Share.own(id, or: [], isLocked: true, act.as(principal))
            return (booking, share)
        }
    }
}

extension Payer {
    var guest: Guest.ID? {
        if case .principal(let principal) = self { principal.guestID } else { nil }
    }

    var link: PayLink.ID? {
        if case .link(let link) = self { link.id } else { nil }
    }
}

extension AttemptSQL.Row {
    func belongs(to payer: Payer) -> Bool {
        switch payer {
        case .principal(let principal): self.payer != nil && self.payer == principal.guestID
        case .link(let link): self.link == link.id
        }
    }

    /// The attempt, with the data that the payer needs to go on while the payment is open.
    func view(isPayer: Bool, _ app: AppEnvironment) throws -> AttemptView {
        guard isPayer, !isEnding, let secret, let reference else {
            return AttemptView(attempt.visible(toPayer: isPayer))
        }
        let opened = String(
            decoding: try app.secret.open(secret, for: "attempt", context: attempt.id.description),
            as: UTF8.self
        )
        return AttemptView(
            attempt,
            clientSecret: opened,
            page: app.settings.payments?.page?
                .replacing("{intent}", with: reference).replacing("{secret}", with: opened)
        )
    }
}
