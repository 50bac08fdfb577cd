import Foundation
import GuestModels
import Postgres

/// What a booking has to tell those who collect its money, who come later in the list of features: they take it up as
/// jobs of these names.

/// More may have come in for its shares than they owe.
struct Overpaid: Codable, Sendable {
    let bookingId: Booking.ID
}

/// The guests left a booking before everything was paid.
struct LeftOwing: Codable, Sendable {
    let bookingId: Booking.ID
}

/// Nobody should go on paying for it.
struct EndPayments: Codable, Sendable {
    let bookingId: Booking.ID
}

extension Booking {
    /// How long after its deadline a hold keeps its cottages for payments that are still under way.
    static let graceForPayments: TimeInterval = 60

    /// Takes back that a hold has run out, for money that was on its way, if all its cottages are still free.
    ///
    /// Extras are not taken again: their stock may be gone. The booking is held again, for the caller to make firm.
    ///
    /// - Returns: false, and nothing has changed, when somebody else has a cottage or the stay is over.
    static func revive(
        _ id: Booking.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Bool {
        let job = Principal.job(ExpireHold.kind)
        var booking = try await locked(id, as: job, in: tx)
        let (conflicts, zones, lines) = try await tx.all(
            BookingSQL.conflicts(booking.cottages.map(\.id), booking.stay, except: id, now: now),
            BookingSQL.zone(of: id),
            BookingSQL.expiredLines(of: id)
        )
        guard let clock = zones.first.flatMap(ParkClock.init(timeZone:)),
            conflicts.isEmpty, booking.state == .expired, booking.stay.departure > clock.date(at: now)
        else { return false }
        booking.revive(until: now.addingTimeInterval(graceForPayments))
        booking.version += 1
        tx.later(
            [BookingSQL.occupy(id), BookingSQL.update(booking)]
                + lines.map { BookingSQL.insert($0, id: app.ids.next(at: now), booking: id, at: now) }
        )
        try await divide(id, as: job, app, at: now, in: tx)
        booking.publish(in: tx)
        return true
    }
}
