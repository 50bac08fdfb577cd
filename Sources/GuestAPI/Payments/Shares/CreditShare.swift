import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Books an amount for a share in the ledger and on the share; an amount below 0 goes back.
    ///
    /// The booking is locked. The household is told of it unless that is not wanted.
    ///
    /// - Parameters:
    ///   - seller: the account at the provider that receives the money.
    ///   - isOwn: whether the household pays by itself; paying more than it has agreed to then counts as agreement.
    mutating func credit(
        _ amount: Int64,
        to share: Share.ID,
        from account: Journal.Account,
        into seller: String? = nil,
        key: String,
        reason: String,
        notifies: Bool = true,
        isOwn: Bool = false,
        on day: LocalDate,
        _ act: Act
    ) async throws {
        version += 1
        let worker = Principal.job("payments")
        guard var money = try await BookingMoney.of(id, act.as(worker)),
            let household = money.statement.shares.first(where: { $0.id == share })?.householdId
        else { throw Refusal.notFound }
        money.statement.receive(amount, for: household, agrees: isOwn, isReturned: account == .disputed)
        try await money.settle(.paid, act)
        act.tx.later([BookingSQL.update(self)])
        Journal(
            key: key,
            park: parkId,
            sellerAccount: account == .provider ? seller : nil,
            booking: id,
            reason: reason,
            day: day,
            currency: total.currency,
            entries: [
                .init(account: account, share: account.isOfShare ? share : nil, amount: amount),
                .init(account: .prepaid, share: share, amount: -amount),
            ]
        ).post(act)
        publish(in: act.tx)
        guard notifies else { return }
        let open = Money(money.statement.share(of: household)?.open ?? 0, total.currency)
        try await notify(household, of: Money(amount, total.currency), account, open, key, act)
    }

    /// Tells a household of money that has come in or that its bank has taken back.
    private func notify(
        _ household: Household.ID,
        of amount: Money,
        _ account: Journal.Account,
        _ open: Money,
        _ key: String,
        _ act: Act
    ) async throws {
        let number = number
        switch account {
        case .provider, .cash, .terminal, .giftCard, .transfer:
            guard amount.amount > 0 else { return }
            try await Booking.mailMembers(key, about: id, to: household, act) {
                .moneyReceived(number: number, park: $0, amount: amount, open: open)
            }
        case .disputed:
            guard amount.amount < 0 else { return }
            let taken = Money(-amount.amount, amount.currency)
            try await Booking.mailMembers(key, about: id, to: household, act) {
                .moneyTakenBack(number: number, park: $0, amount: taken)
            }
            try Notice.moneyTakenBack.notify(
                about: .init(group: groupId, booking: id, household: household, park: parkId),
                act.as(.job("statement"))
            )
        default: return
        }
    }

    /// Makes a hold firm once its deposit is covered, and makes a held change of a firm stay once it is covered.
    ///
    /// - Parameter isLate: the money was on its way when the hold ran out, so the hold's deadline no longer counts.
    static func confirmIfCovered(_ id: Booking.ID, isLate: Bool = false, _ act: Act) async throws {
        let booking = try await locked(id, by: .member, act)
        if booking.state == .confirmed || booking.state == .checkedIn,
            try await BookingMoney.of(id, act)?.statement.isHeldChangeCovered == true
        {
            let worker = Principal.job("heldChange")
            _ = try await makeHeldChange(of: id, act.as(worker))
            return
        }
        guard booking.state == .held || isLate && booking.state == .expired else { return }
        guard let statement = try await BookingMoney.of(id, act)?.statement,
            statement.isDepositCovered, statement.paid > 0
        else { return }
        if booking.state == .expired {
            guard try await revive(id, act) else { return }
        }
        _ = try await confirm(id, reason: nil, isCovered: true, act)
    }
}
