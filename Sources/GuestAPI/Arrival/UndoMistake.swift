import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Undoes a no-show, a check-out or the last change, if made by mistake, within the hours of the park's rule.
    ///
    /// Staff give a reason. Guests undo only the group's own change, within the minutes of a hold.
    ///
    /// Throws `tooLateToUndo` when there is nothing to undo or it was too long ago. Throws `cottageTaken` when one of
    /// the cottages is taken by now.
    static func undo(_ request: MistakeRequest, on id: Booking.ID, _ act: Act) async throws -> Booking {
        if act.principal.guestID == nil {
            guard request.reason != nil else { throw Refusal.reasonNeeded.at("/reason") }
        } else {
            guard request.what == .change else { throw Refusal.forbidden.at("/what") }
        }
        if let household = request.householdId, request.what != .change {
            return try await HouseholdStay.undo(request.what, household, of: id, for: request.reason, act)
        }
        switch request.what {
        case .change:
            return try await undoChange(of: id, for: request.reason, act)
        case .noShow: return try await undoNoShow(of: id, for: request.reason, act)
        case .checkOut: return try await undoCheckOut(of: id, for: request.reason, act)
        }
    }

    /// Undoes a no-show: the cottages are taken again if free, and tourist tax is owed again.
    private static func undoNoShow(of id: Booking.ID, for reason: String?, _ act: Act) async throws -> Booking {
        var booking = try await locked(id, giveWayAt: act.now, act)
        let (policies, since) = try await act.tx.all(BookingSQL.policy(of: id), BookingSQL.noShowAt(id))
        guard let policy = policies.first, let since = since.first else { throw Refusal.tooLateToUndo }
        let clock = try ParkClock(stored: policy.timeZone)
        let isLate = policy.rules.isTooLateToUndo(since, at: act.now)
        try booking.undoNoShow(today: clock.date(at: act.now), isLate: isLate)
        try await booking.makeRoom(for: booking.plan, act)
        booking.version += 1
        try await act.tx.run(
            [AllocationSQL.occupy(id), BookingSQL.update(booking), BookingSQL.markNoShow(id, at: nil)],
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        try await booking.reprice(act)
        try await divide(id, undoing: since, act)
        try booking.recordUndo("booking.undoNoShow", for: reason, act)
        return try await found(id, act)
    }

    /// Undoes a check-out: door codes are shown again and the cottages count as occupied.
    private static func undoCheckOut(of id: Booking.ID, for reason: String?, _ act: Act) async throws -> Booking {
        var booking = try await locked(id, act)
        guard let policy = try await act.tx.first(BookingSQL.policy(of: id)), let since = booking.checkedOutAt
        else { throw Refusal.tooLateToUndo }
        let clock = try ParkClock(stored: policy.timeZone)
        let isLate = policy.rules.isTooLateToUndo(since, at: act.now)
        try booking.undoCheckOut(today: clock.date(at: act.now), isLate: isLate)
        let cottages = booking.cottages.map(\.id)
        guard try await act.tx.all(ArrivalSQL.occupied(cottages, besides: id)).isEmpty else {
            throw Refusal.cottageTaken
        }
        booking.version += 1
        act.tx.later([BookingSQL.update(booking), ArrivalSQL.undoCheckOut(of: id, at: since)])
        if booking.groupId != nil { try await booking.reprice(act) }
        try await divide(id, undoing: since, act)
        Cottage.mark(cottages, .occupied, of: booking.parkId, act)
        try booking.recordUndo("booking.undoCheckOut", for: reason, act)
        return try await found(id, act)
    }

    private func recordUndo(_ action: String, for reason: String?, _ act: Act) throws {
        try Audit.record(action, target: id.uuid, park: parkId, reason: reason, act)
        publish(in: act.tx)
    }
}
