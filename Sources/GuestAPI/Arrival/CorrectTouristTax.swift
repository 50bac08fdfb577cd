import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Charges tourist tax only for the nights slept; people who did not come owe none.
    ///
    /// The caller divides the price anew.
    ///
    /// - Parameters:
    ///   - household: the one household that leaves; nil for all households of the booking.
    ///   - gone: households that left earlier or did not come; their tax is correct already.
    ///   - day: the park-local day on which the guests leave.
    static func correctTouristTax(
        of booking: Booking,
        for household: Household.ID? = nil,
        except gone: Set<Household.ID> = [],
        leaving day: LocalDate,
        rules: HouseRules,
        _ act: Act
    ) async throws {
        guard day < booking.stay.departure else { return }
        let slept = max(day.daysSince1970 - booking.stay.arrival.daysSince1970, 0)
        let (lines, people) = try await act.tx.all(
            ChargeSQL.liveLines(of: booking.id),
            GroupSQL.travellers(ofBooking: booking.id)
        )
        let homes = Dictionary(people.map { ($0.id, $0.householdId) }) { $1 }
        let taxed = lines.filter { _, line in
            guard line.kind == .touristTax else { return false }
            let home = line.travellerId.flatMap { homes[$0] }
            return household == nil ? home.map { !gone.contains($0) } ?? true : home == household
        }
        let nights = booking.stay.nightCount
        for (id, line) in taxed {
            let owed = line.touristTax(sleeping: slept, of: nights, rules.touristTax)
            guard owed != line else { continue }
            act.tx.later([ChargeSQL.reverseLines([id], of: booking.id, at: act.now)])
            guard let owed else { continue }
            act.tx.later([ChargeSQL.insert(owed, id: act.id(), booking: booking.id, at: act.now)])
        }
    }
}
