import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Lowers the price of a booking's cottages, for a reason and within the colleague's mandate.
    ///
    /// The reduction is one line of kind `goodwill` per cottage; giving up the cottage ends it.
    ///
    /// Throws `priceNotLower` for a price that is not lower, or a reduction of more than the cottages cost. Throws
    /// `secondPersonNeeded` above the mandate.
    static func agreePrice(
        _ id: Booking.ID,
        _ request: AgreedPriceRequest,
        expecting version: Int,
        _ act: Act
    ) async throws -> Booking {
        var booking = try await locked(id, act)
        guard booking.version == version else { throw Problem.matchFailed }
        guard booking.groupId != nil else { throw Refusal.notChangeable }
        try booking.allowExtras(at: act.now)
        let less = booking.total.amount - request.total
        guard less > 0, let lines = booking.charges.reduction(by: less) else {
            throw Refusal.priceNotLower.at("/total")
        }
        try await Mandate.give(less, as: .price, on: booking, for: request.reason, act)
        booking.version += 1
        act.tx.later(
            lines.map { ChargeSQL.insert($0, id: act.id(), booking: id, at: act.now) }
                + [BookingSQL.update(booking)]
        )
        try await divide(id, act)
        try Audit.record(
            "booking.agreePrice",
            target: id.uuid,
            park: booking.parkId,
            reason: request.reason,
            before: booking.total,
            after: request,
            act
        )
        booking.publish(in: act.tx)
        return try await found(id, act)
    }
}
