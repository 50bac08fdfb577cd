import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Makes a hold firm and queues the mail.
    ///
    /// Harmless to repeat.
    ///
    /// - Parameter isCovered: somebody's payment has just covered the deposit, so nobody waives it.
    ///
    /// Throws `depositOpen` for a guest while the deposit is not covered, `reasonNeeded` for staff who do
    /// not say why they waive it.
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
            // Who joins at this moment waits, and then tells of themselves.
            let (_, members) = try await act.tx.all(GroupSQL.hold(group), GroupSQL.members(of: group))
            for member in members { act.tx.feed(member, .guest, to: booking.parkId) }
        }
        try booking.notify(.bookingConfirmed, act)
        booking.publish(in: act.tx)
        return booking
    }

    /// Staff waive the deposit of a stay that is firm and whose deposit is due again; else nothing happens.
    private func waiveDeposit(for reason: String?, _ act: Act) async throws -> Booking {
        guard let reason, let money = try await BookingMoney.of(id, act.as(.job("deposit"))),
            money.terms.depositDue != nil
        else { return self }
        act.tx.later([ShareSQL.setDepositDue(nil, of: id), BookingSQL.update(self, confirmedReason: reason)])
        try Audit.record("booking.waiveDeposit", target: id.uuid, park: parkId, reason: reason, act)
        return self
    }
}
