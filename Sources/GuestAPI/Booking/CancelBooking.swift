import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Cancels a hold, or a confirmed stay for the fee of the policy it was placed under.
    ///
    /// A cancellation by the park costs the guest nothing. Staff give a reason, and the fee counts in their mandate.
    /// The call is safe to repeat.
    static func cancel(_ id: Booking.ID, _ request: CancellationRequest, _ act: Act) async throws -> Booking {
        let reason = request.reason
        var booking = try await locked(id, orWhoPlacedIt: true, act)
        guard booking.state != .cancelled else {
            // A colleague who wants to waive the fee must hear that this call does not waive it.
            guard request.isByPark != true || booking.total.amount <= 0 else { throw Refusal.notChangeable }
            return booking
        }
        guard let policy = try await act.tx.first(BookingSQL.policy(of: id)) else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        let isStaff = act.principal.guestID == nil
        if isStaff, reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        let isByPark = request.isByPark ?? false
        let wasFirm = booking.state == .confirmed
        guard isStaff || !isByPark else { throw Refusal.forbidden.at("/isByPark") }
        let own = Set(try await act.tx.all(ShareSQL.ownOrders(of: id)))
        let earlier = booking.charges.filter { $0.kind == .cancellation }.total
        var fees = try booking.cancel(at: act.now, today: clock.date(at: act.now), rules: policy.rules, own: own)
        if isByPark {
            let given = fees.total + max(earlier, 0)
            try await Mandate.give(given, as: .fee, on: booking, for: reason ?? "", act)
            fees = []
        }
        booking.version += 1
        ExtraOrder.cancel(booking.extras, act)
        act.tx.later(
            [
                QuoteSQL.endHeldChange(of: id), AllocationSQL.release(id),
                BookingSQL.update(booking, cancelledReason: reason),
                ChargeSQL.reverseLines(of: id, andFees: isByPark, at: act.now),
            ] + fees.map { ChargeSQL.insert($0, id: act.id(), booking: id, at: act.now) }
        )
        try await divide(id, act)
        try Job.enqueue(EndPayments(bookingId: id), key: id.description, at: act.now, act)
        if isStaff {
            try Audit.record(
                isByPark ? "booking.cancelByPark" : "booking.cancel",
                target: id.uuid,
                park: booking.parkId,
                reason: reason,
                act
            )
        }
        if wasFirm {
            let number = booking.number
            let alternatives = isByPark ? try await booking.alternatives(act) : nil
            try await mailMembers("cancelled \(id)", about: id, to: nil, act) {
                .bookingCancelled(number: number, park: $0, isByPark: isByPark, alternatives: alternatives)
            }
        }
        try booking.notify(.bookingCancelled, act)
        booking.publish(in: act.tx)
        return try await found(id, by: .member, act)
    }

    /// Names of types with free cottages for the same days, people and pets.
    ///
    /// The booking's own cottages do not count.
    private func alternatives(_ act: Act) async throws -> [String] {
        let (free, types) = try await act.tx.all(
            AvailabilitySQL.free(in: parkId, stay, now: act.now),
            ParkSQL.types(of: parkId)
        )
        let own = Set(cottages.map(\.id))
        let counts = Dictionary(grouping: free.filter { !own.contains($0.id) }, by: \.typeId).mapValues(\.count)
        return types.filter { type in
            let count = Swift.min(counts[type.id] ?? 0, cottages.count)
            return count > 0 && count * type.capacity >= adults + children && count * type.pets >= pets
        }
        .map(\.name).sorted()
    }
}
