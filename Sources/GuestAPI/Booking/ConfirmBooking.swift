import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Makes a hold firm and queues the mail.
    ///
    /// The call is safe to repeat.
    ///
    /// - Parameter isCovered: whether a payment has just covered the deposit, so that nobody waives it.
    ///
    /// Throws `depositOpen` for a guest while the deposit is not covered. Throws `reasonNeeded` for staff who waive it
    /// without a reason.
    static func confirm(_ id: Booking.ID, reason: String?, isCovered: Bool = false, _ act: Act) async throws -> Booking
    {
        var booking = try await locked(id, act)
        let isStaff = act.principal.guestID == nil
        guard booking.state != .confirmed else {
            return try await booking.waiveDeposit(for: isStaff ? reason : nil, act)
        }
        if isStaff, reason == nil, !isCovered { throw Refusal.reasonNeeded.at("/reason") }
        try booking.confirm(at: act.now, byStaffFor: isStaff ? reason : nil, isCovered: isCovered)
        booking.version += 1
        act.tx.later([BookingSQL.update(booking, confirmedReason: isStaff ? reason : nil)])
        if isStaff {
            try Audit.record("booking.confirm", target: id.uuid, park: booking.parkId, reason: reason, act)
        }
        let (number, stay) = (booking.number, booking.stay)
        try await mailOrganiser("confirmed", about: id, act) { park in
            .bookingConfirmed(number: number, park: park, stay: stay)
        }
        if let group = booking.groupId {
            // A guest who joins at this moment waits for this lock, and then writes their own change to the feed.
            let (_, members) = try await act.tx.all(GroupSQL.hold(group), GroupSQL.members(of: group))
            for member in members { act.tx.feed(member, .guest, to: booking.parkId) }
        }
        try booking.notify(.bookingConfirmed, act)
        booking.publish(in: act.tx)
        return booking
    }

    /// Waives, for staff, the deposit of a firm stay if it is due again; otherwise does nothing.
    private func waiveDeposit(for reason: String?, _ act: Act) async throws -> Booking {
        guard let reason, let money = try await BookingMoney.of(id, act.as(.job("deposit"))),
            money.terms.depositDue != nil
        else { return self }
        act.tx.later([ShareSQL.setDepositDue(nil, of: id), BookingSQL.update(self, confirmedReason: reason)])
        try Audit.record("booking.waiveDeposit", target: id.uuid, park: parkId, reason: reason, act)
        return self
    }
}
