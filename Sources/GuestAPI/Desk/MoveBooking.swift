import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Gives a booking another cottage instead of one of its own, for a reason of the house; the price of what was
    /// booked stays, but for a choice that is no longer kept.
    ///
    /// Throws `cottageTaken` when the other is not free, `partyTooLarge` when they do not fit.
    static func move(
        _ id: Booking.ID,
        _ request: MoveRequest,
        expecting version: Int,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        var booking = try await locked(id, and: [request.to], giveWayAt: now, as: principal, in: tx)
        guard booking.version == version else { throw Problem.matchFailed }
        if booking.groupId == nil {
            try await booking.moveReservation(request, app, at: now, in: tx)
            return try await found(id, as: principal, in: tx)
        }
        var plan = booking.plan
        guard let index = plan.cottages.firstIndex(where: { $0.id == request.from }),
            !plan.cottages.contains(where: { $0.id == request.to })
        else { throw Refusal.unknownCottage.at("/from") }
        let types = try await tx.all(
            BookingSQL.types(of: [plan.cottages[index].id, request.to], in: booking.parkId)
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
            since: try await booking.daySinceMove(at: now, in: tx) ?? old.since,
            pricedFrom: old.pricedFrom
        )
        tx.later([BookingSQL.endHeldChange(of: id)])
        try await booking.makeRoom(for: plan, app, at: now, in: tx)
        let price = try await PricedChange(plan, for: booking, isCourtesy: true, at: now, in: tx)
        try await booking.write(price, as: principal, app, at: now, in: tx)
        try booking.recordMove(request, app, at: now, in: tx)
        return try await found(id, as: principal, in: tx)
    }

    /// The first night in a cottage that a stay gets today; nil where the stay has not begun before today.
    private func daySinceMove(at now: Date, in tx: Transaction) async throws -> LocalDate? {
        let zone = try await tx.first(BookingSQL.zone(of: id))
        guard let today = zone.flatMap(ParkClock.init(timeZone:))?.date(at: now) else {
            throw Refusal.notFound
        }
        return stay.arrival < today ? today : nil
    }

    /// A reservation of the property system has its price from there; it gets the cottage, and its task is done.
    private mutating func moveReservation(
        _ request: MoveRequest,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws {
        guard state == .confirmed || state == .checkedIn else { throw Refusal.notChangeable }
        let own = cottages.map(\.id)
        guard request.from.map({ own == [$0] }) ?? own.isEmpty else { throw Refusal.unknownCottage.at("/from") }
        guard try await tx.first(BookingSQL.types(of: [request.to], in: parkId))?.isOpen == true else {
            throw Refusal.unknownCottage.at("/to")
        }
        var plan = plan
        plan.cottages = [.init(id: request.to, isChosen: false, since: try await daySinceMove(at: now, in: tx))]
        try await makeRoom(for: plan, app, at: now, in: tx)
        version += 1
        try await tx.run(
            BookingSQL.reallocate(id, to: plan, ids: [app.ids.uuid(at: now)]) + [BookingSQL.update(self)],
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        if state == .checkedIn {
            Cottage.mark(own, .toClean, of: parkId, at: now, in: tx)
            Cottage.mark([request.to], .occupied, of: parkId, at: now, in: tx)
        }
        if let number = try await tx.first(DeskSQL.reservationNumber(of: id)) {
            try await StaffTask.settle(.reservation, number, in: parkId, note: request.reason, app, at: now, in: tx)
        }
        try recordMove(request, app, at: now, in: tx)
    }

    private func recordMove(_ request: MoveRequest, _ app: AppEnvironment, at now: Date, in tx: Transaction) throws {
        try Audit.record(
            "booking.move",
            target: id.uuid,
            park: parkId,
            reason: request.reason,
            after: request,
            app,
            at: now,
            in: tx
        )
        publish(in: tx)
    }
}
