import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Moves a booking from one of its cottages to another, for a reason of the house.
    ///
    /// The price stays the same, except for the fee of a chosen cottage that is no longer kept.
    ///
    /// Throws `cottageTaken` when the new cottage is not free, and `partyTooLarge` when the party does not fit.
    static func move(
        _ id: Booking.ID,
        _ request: MoveRequest,
        expecting version: Int,
        _ act: Act
    ) async throws -> Booking {
        var booking = try await locked(id, and: [request.to], giveWayAt: act.now, act)
        guard booking.version == version else { throw Problem.matchFailed }
        if booking.groupId == nil {
            try await booking.moveReservation(request, act)
            return try await found(id, act)
        }
        var plan = booking.plan
        guard let index = plan.cottages.firstIndex(where: { $0.id == request.from }),
            !plan.cottages.contains(where: { $0.id == request.to })
        else { throw Refusal.unknownCottage.at("/from") }
        let types = try await act.tx.all(
            AllocationSQL.types(of: [plan.cottages[index].id, request.to], in: booking.parkId)
        )
        guard let from = types.first(where: { $0.id == request.from }),
            let to = types.first(where: { $0.id == request.to })
        else { throw Refusal.unknownCottage.at("/to") }
        let old = plan.cottages[index]
        let booked = old.pricedAs ?? from.type
        plan.cottages[index] = .init(
            id: to.id,
            isChosen: false,
            pricedAs: booked == to.type ? nil : booked,
            since: try await booking.daySinceMove(act) ?? old.since,
            pricedFrom: old.pricedFrom
        )
        act.tx.later([QuoteSQL.endHeldChange(of: id)])
        try await booking.makeRoom(for: plan, act)
        let price = try await PricedChange(plan, for: booking, isCourtesy: true, isBound: false, act)
        try await booking.apply(price, act)
        try booking.recordMove(request, act)
        return try await found(id, act)
    }

    /// The first night in the new cottage, which is today; nil if the stay did not begin before today.
    private func daySinceMove(_ act: Act) async throws -> LocalDate? {
        let zone = try await act.tx.first(BookingSQL.zone(of: id))
        guard let today = zone.flatMap(ParkClock.init(timeZone:))?.date(at: act.now) else {
            throw Refusal.notFound
        }
        return stay.arrival < today ? today : nil
    }

    /// Gives a reservation of the property system a cottage and ends its task; the price stays the property system's.
    private mutating func moveReservation(_ request: MoveRequest, _ act: Act) async throws {
        guard state == .confirmed || state == .checkedIn else { throw Refusal.notChangeable }
        let own = cottages.map(\.id)
        guard request.from.map({ own == [$0] }) ?? own.isEmpty else { throw Refusal.unknownCottage.at("/from") }
        guard try await act.tx.first(AllocationSQL.types(of: [request.to], in: parkId))?.isOpen == true else {
            throw Refusal.unknownCottage.at("/to")
        }
        var plan = plan
        plan.cottages = [.init(id: request.to, isChosen: false, since: try await daySinceMove(act))]
        try await makeRoom(for: plan, act)
        version += 1
        try await act.tx.run(
            AllocationSQL.reallocate(id, to: plan, ids: [act.app.ids.uuid(at: act.now)]) + [BookingSQL.update(self)],
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        if state == .checkedIn {
            Cottage.mark(own, .toClean, of: parkId, act)
            Cottage.mark([request.to], .occupied, of: parkId, act)
        }
        if let number = try await act.tx.first(DeskSQL.reservationNumber(of: id)) {
            try await StaffTask.resolve(.reservation, number, in: parkId, note: request.reason, act)
        }
        try recordMove(request, act)
    }

    private func recordMove(_ request: MoveRequest, _ act: Act) throws {
        try Audit.record("booking.move", target: id.uuid, park: parkId, reason: request.reason, after: request, act)
        publish(in: act.tx)
    }
}
