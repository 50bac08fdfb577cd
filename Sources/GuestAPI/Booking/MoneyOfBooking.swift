import Foundation
import GuestModels
import Postgres

/// The jobs in this file tell the payments feature what has happened to a booking.
///
/// Payments is a later feature, which bookings cannot call, so it declares the work of the jobs.

/// Tells that the households of a booking may have paid more than their shares.
struct Overpaid: Codable, Sendable {
    let bookingId: Booking.ID
}

/// Tells that the guests of a booking have left before everything was paid.
struct LeftOwing: Codable, Sendable {
    let bookingId: Booking.ID
}

/// Asks to stop the payments for a booking that are under way.
struct EndPayments: Codable, Sendable {
    let bookingId: Booking.ID
}

extension Booking {
    /// How long after its deadline a hold keeps its cottages for payments that are still under way.
    static let graceForPayments: TimeInterval = 60

    /// Holds an expired booking again, for money that was under way, if all its cottages are still free.
    ///
    /// Extras are not taken again: their stock may be gone. The caller makes the booking firm.
    ///
    /// - Returns: false, with nothing changed, if a cottage is taken or the stay is over.
    static func revive(_ id: Booking.ID, _ act: Act) async throws -> Bool {
        let job = Principal.job(ExpireHold.kind)
        var booking = try await locked(id, act.as(job))
        let (conflicts, zones, lines) = try await act.tx.all(
            AllocationSQL.conflicts(booking.cottages.map(\.id), booking.stay, except: id, now: act.now),
            BookingSQL.zone(of: id),
            ChargeSQL.expiredLines(of: id)
        )
        guard let clock = zones.first.flatMap(ParkClock.init(timeZone:)),
            conflicts.isEmpty, booking.state == .expired, booking.stay.departure > clock.date(at: act.now)
        else { return false }
        booking.revive(until: act.now.addingTimeInterval(graceForPayments))
        booking.version += 1
        act.tx.later(
            [AllocationSQL.occupy(id), BookingSQL.update(booking)]
                + lines.map { ChargeSQL.insert($0, id: act.id(), booking: id, at: act.now) }
        )
        try await divide(id, act.as(job))
        booking.publish(in: act.tx)
        return true
    }
}
