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
        var booking = try await locked(id, and: [request.to], as: principal, in: tx)
        guard booking.version == version else { throw Problem.matchFailed }
        var plan = booking.plan
        guard let index = plan.cottages.firstIndex(where: { $0.id == request.from }),
            !plan.cottages.contains(where: { $0.id == request.to })
        else { throw Refusal.unknownCottage.at("/from") }
        let types = try await tx.all(BookingSQL.types(of: [request.from, request.to], in: booking.parkId))
        guard let from = types.first(where: { $0.id == request.from }),
            let to = types.first(where: { $0.id == request.to })
        else { throw Refusal.unknownCottage.at("/to") }
        let booked = plan.cottages[index].pricedAs ?? from.type
        plan.cottages[index] = .init(id: to.id, isChosen: false, pricedAs: booked == to.type ? nil : booked)
        try await booking.makeRoom(for: plan, app, at: now, in: tx)
        let price = try await PricedChange(plan, for: booking, isCourtesy: true, at: now, in: tx)
        try await booking.write(price, app, at: now, in: tx)
        if booking.state == .checkedIn {
            tx.later([
                ArrivalSQL.setReadiness([from.id], .toClean, note: nil, at: now),
                ArrivalSQL.setReadiness([to.id], .occupied, note: nil, at: now),
            ])
        }
        try Audit.record(
            "booking.move",
            target: id.uuid,
            park: booking.parkId,
            reason: request.reason,
            after: request,
            app,
            at: now,
            in: tx
        )
        booking.publish(in: tx)
        return try await found(id, as: principal, in: tx)
    }
}
