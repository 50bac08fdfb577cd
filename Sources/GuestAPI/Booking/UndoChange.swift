import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Undoes the last change: stay, cottages and people are as before, and its fee is not owed.
    ///
    /// Guests undo the group's own change within the minutes of a hold. Staff undo any change within the hours of the
    /// park's rule. Dropped extras do not come back, because their stock may be gone.
    ///
    /// Throws `tooLateToUndo` if there is no change, if it was too long ago, or if the desk has moved the guests since.
    /// Throws `cottageTaken` if an earlier cottage is taken now. Throws `depositOpen` if a firm stay would need more
    /// money first.
    static func undoChange(of id: Booking.ID, for reason: String?, _ act: Act) async throws -> Booking {
        let (made, policies) = try await act.tx.all(QuoteSQL.lastChange(of: id), BookingSQL.policy(of: id))
        var booking = try await locked(
            id,
            and: made.first?.before.cottages.map(\.id) ?? [],
            for: made.first?.before.stay,
            giveWayAt: act.now,
            act
        )
        // The lock may have waited for another request that has undone the change, so read the change again.
        guard let change = try await act.tx.first(QuoteSQL.lastChange(of: id)), change.quoteId == made.first?.quoteId,
            change.plan == booking.plan, let rules = policies.first?.rules
        else { throw Refusal.tooLateToUndo }
        let isStaff = act.principal.guestID == nil
        let isLate =
            isStaff
            ? rules.isTooLateToUndo(change.madeAt, at: act.now)
            : act.now > change.madeAt.addingTimeInterval(Double(rules.holdMinutes) * 60)
        guard !isLate else { throw Refusal.tooLateToUndo }
        guard isStaff || !change.isByStaff else { throw Refusal.forbidden }
        act.tx.later([QuoteSQL.endHeldChange(of: id)])
        try await booking.makeRoom(for: change.before, act)
        let reductions = try await act.tx.all(ChargeSQL.reductions(of: id, takenBackAt: change.madeAt))
        let price = try await PricedChange(
            change.before,
            for: booking,
            isCourtesy: true,
            isBound: false,
            isUndoing: true,
            act
        )
        if try await booking.mustCoverMore(after: price, act) { throw Refusal.depositOpen }
        let after = booking.plan
        act.tx.later(
            [
                ChargeSQL.reverseFee(ofChangeAt: change.madeAt, of: id, at: act.now),
                ChargeSQL.reverseReductions(madeAt: change.madeAt, of: id, at: act.now),
            ] + reductions.map { ChargeSQL.insert($0, id: act.id(), booking: id, at: act.now) }
        )
        try await booking.apply(price, undoing: change, act)
        act.tx.later([QuoteSQL.undo(change.quoteId, at: act.now)])
        try Audit.record(
            "booking.undoChange",
            target: id.uuid,
            park: booking.parkId,
            reason: reason,
            before: after,
            after: change.before,
            act
        )
        booking.publish(in: act.tx)
        return try await found(id, act)
    }

    /// Prices the present stay and people anew, after a mistake was undone.
    ///
    /// The caller divides the price anew.
    func reprice(_ act: Act) async throws {
        let price = try await PricedChange(plan, for: self, isCourtesy: true, isBound: false, act)
        act.tx.later(
            [ChargeSQL.reverseLines(price.reversed.map(\.id), of: id, at: act.now)]
                + price.added.map { ChargeSQL.insert($0, id: act.id(), booking: id, at: act.now) }
        )
    }
}
