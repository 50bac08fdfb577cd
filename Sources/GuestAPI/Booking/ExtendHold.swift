import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Lengthens a hold while it runs.
    ///
    /// The organiser or the member who placed it may do so once, staff may with a reason. Extending and expiring lock
    /// the same row, so only one of them happens.
    static func extend(_ id: Booking.ID, _ request: ExtensionRequest, _ act: Act) async throws -> Booking {
        var booking = try await locked(id, orWhoPlacedIt: true, act)
        guard let rules = try await act.tx.first(BookingSQL.policy(of: id))?.rules else { throw Refusal.notFound }
        let isStaff = act.principal.guestID == nil
        if isStaff, request.reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        guard isStaff || request.minutes == nil else { throw Refusal.forbidden.at("/minutes") }
        try booking.extend(at: act.now, rules: rules, byStaff: isStaff, minutes: request.minutes)
        booking.version += 1
        act.tx.later([BookingSQL.update(booking)])
        if isStaff {
            try Audit.record(
                "booking.extend",
                target: id.uuid,
                park: booking.parkId,
                reason: request.reason,
                after: booking.holdUntil,
                act
            )
        }
        if let holdUntil = booking.holdUntil {
            try Job.enqueue(ExpireHold(bookingId: id), key: id.description, at: holdUntil, act)
        }
        booking.publish(in: act.tx)
        return booking
    }
}
