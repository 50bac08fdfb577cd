import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Brings tourist tax to the nights that people have slept: whoever leaves early owes no more than that, and whoever
    /// did not come owes none.
    ///
    /// The caller divides the price anew.
    ///
    /// - Parameters:
    ///   - travellers: those who leave; nil for all of the stay.
    ///   - day: the park-local day on which they leave.
    static func correctTouristTax(
        of booking: Booking,
        for travellers: Set<Traveller.ID>? = nil,
        leaving day: LocalDate,
        rules: HouseRules,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws {
        guard day < booking.stay.departure else { return }
        let slept = max(day.daysSince1970 - booking.stay.arrival.daysSince1970, 0)
        let taxed = try await tx.all(BookingSQL.liveLines(of: booking.id)).filter { _, line in
            line.kind == .touristTax && (travellers.map { all in line.travellerId.map(all.contains) ?? false } ?? true)
        }
        let nights = booking.stay.nightCount
        for (id, line) in taxed {
            let owed = line.touristTax(sleeping: slept, of: nights, rules.touristTax)
            guard owed != line else { continue }
            tx.later([BookingSQL.reverseLines([id], of: booking.id, at: now)])
            guard let owed else { continue }
            tx.later([BookingSQL.insert(owed, id: app.ids.next(at: now), booking: booking.id, at: now)])
        }
    }

    /// Takes a correction back that was made at an instant.
    static func undoTouristTax(
        of booking: Booking.ID,
        correctedAt then: Date,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws {
        let before = try await tx.all(BookingSQL.touristTax(of: booking, takenBackAt: then))
        tx.later(
            [BookingSQL.reverseTouristTax(chargedAt: then, of: booking, at: now)]
                + before.map { BookingSQL.insert($0, id: app.ids.next(at: now), booking: booking, at: now) }
        )
    }
}
