import Foundation
import GuestModels
import Postgres

/// What a booking has to tell those who collect its money, who come later in the list of features: they take it up as
/// jobs of these names.

/// More money may have come in for a booking's shares than they owe.
struct Overpaid: Codable, Sendable {
    let bookingId: Booking.ID
}

/// The guests left a booking before everything was paid.
struct LeftOwing: Codable, Sendable {
    let bookingId: Booking.ID
}

/// Payments for a booking should be stopped.
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
