import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Offers a share to another household, which owes it once that household has agreed.
    ///
    /// Until then the backstop owes the share, except the cancellation fee. The share's own household or the organiser
    /// may make the offer. A household that offers its own share of a firm stay owes the cancellation fee until the
    /// other agrees. If the other household is the backstop, it is not asked, and the fee stays with the share's
    /// household.
    static func reassign(_ share: Share.ID, to household: Household.ID, _ act: Act) async throws -> [ShareView] {
        try await cover(share, act) { own, money in
            guard household != own.householdId else { throw Refusal.coversItself.at("/householdId") }
            guard own.householdId != money.statement.backstop else { throw Refusal.organiserAnswers }
            guard money.statement.share(of: household) != nil else {
                throw Refusal.splitNamesStranger.at("/householdId")
            }
            // A household that has dropped out still owes the fee for dropping out.
            var cover = Share.Cover(by: household, kept: own.cover?.kept ?? 0)
            if money.terms.asker != own.householdId {
                cover.keptMeanwhile = own.cover?.keptMeanwhile ?? 0
            } else if household == money.statement.backstop {
                cover.kept = max(cover.kept, try money.fee(of: own.householdId, at: act.now))
            } else {
                cover.keptMeanwhile = max(try money.fee(of: own.householdId, at: act.now) - cover.kept, 0)
            }
            try money.statement.giveUp(own.householdId, cover)
            return .changed
        }
    }

    /// Lets a household drop out of paying.
    ///
    /// The household then owes nothing of a hold; later it still owes the cancellation fee on its part. The organiser's
    /// household owes the rest until others take it over. Money paid beyond the fee goes back to its payer as far as the
    /// park need not keep it.
    static func dropOut(_ share: Share.ID, _ act: Act) async throws -> [ShareView] {
        try await cover(share, act) { own, money in
            guard own.householdId != money.statement.backstop else { throw Refusal.organiserAnswers }
            let kept = try money.fee(of: own.householdId, at: act.now)
            try money.statement.giveUp(own.householdId, Share.Cover(by: money.statement.backstop, kept: kept))
            return .changed
        }
    }

    /// Ends an offer or an agreement by which another household takes over a share.
    ///
    /// The share's own household may end it. The household that took the share over may end it until it has paid more
    /// than its own part.
    ///
    /// Throws `coverIsPaid` from then on, and `notCovered` if no household has taken the share over.
    static func endCover(of share: Share.ID, _ act: Act) async throws -> [ShareView] {
        try await cover(share, byTaker: true, act) { own, money in
            try money.statement.endCover(of: own.householdId)
            return .coverEnded
        }
    }

    /// Changes who owes a share, and answers all shares of the booking.
    ///
    /// - Parameter byTaker: whether the household that took the share over may make the change, instead of the
    ///   organiser.
    private static func cover(
        _ share: Share.ID,
        byTaker: Bool = false,
        _ act: Act,
        change: (Share, inout BookingMoney) throws -> Agreement
    ) async throws -> [ShareView] {
        guard let id = try await act.tx.first(ShareSQL.share(share))?.bookingId else { throw Refusal.notFound }
        var booking = try await locked(id, by: .member, act)
        guard var money = try await BookingMoney.of(id, act),
            let own = money.statement.shares.first(where: { $0.id == share }), let asker = money.terms.asker
        else { throw Refusal.notFound }
        let isTaker = byTaker && own.cover?.by == asker && asker != money.statement.backstop
        guard asker == own.householdId || isTaker || !byTaker && money.terms.isOrganiser else {
            throw Refusal.forbidden
        }
        guard booking.state == .held || booking.state == .confirmed else { throw Refusal.notChangeable }
        // The share goes to another household, so somebody must answer for the booking.
        if asker != own.householdId, !isTaker { try money.terms.requireBacked(by: act.principal) }
        let how = try change(own, &money)
        booking.version += 1
        act.tx.later([BookingSQL.update(booking)])
        try await money.settle(how, act)
        booking.publish(in: act.tx)
        return try await shares(of: id, act)
    }
}

extension BookingMoney {
    /// The fee for giving up a household's part of a firm stay today; 0 for a hold.
    fileprivate func fee(of household: Household.ID, at now: Date) throws -> Int64 {
        guard terms.state != .held else { return 0 }
        let clock = try ParkClock(stored: terms.timeZone)
        let cancelling = terms.rules.cancellationPercent(arrival: terms.stay.arrival, today: clock.date(at: now))
        return statement.kept(of: household, percent: max(terms.leastFeePercent, cancelling))
    }
}
