import Foundation
import GuestModels
import Postgres

/// The most that a colleague may give away without a second person, per day and per booking.
///
/// The park's rules of today decide. Every kind of gift counts, and each gift counts once.
enum Mandate {
    enum Gift: String, Sendable {
        case goodwill, extra, fee, price
    }

    /// Counts a gift on a locked booking.
    ///
    /// - Returns: the park-local day on which the gift counts; nil if a mandate is too small, and nothing counts.
    static func spend(_ amount: Int64, on booking: Booking, _ act: Act) async throws -> LocalDate? {
        guard let park = try await act.tx.first(ParkSQL.park(booking.parkId)) else { throw Refusal.notFound }
        let day = try ParkClock(stored: park.timeZone).date(at: act.now)
        let mandates = [
            (subject: act.principal.setting, day: day, allowed: park.rules.giftsPerDay),
            (subject: "booking:\(booking.id)", day: LocalDate(daysSince1970: 0), allowed: park.rules.giftsPerBooking),
        ]
        for mandate in mandates {
            let left = try await act.tx.first(
                MandateSQL.left(park.id, mandate.subject, mandate.day, allowed: mandate.allowed)
            )
            guard amount <= left ?? 0 else { return nil }
        }
        for mandate in mandates {
            try await act.tx.run(
                MandateSQL.spend(amount, park.id, mandate.subject, mandate.day),
                refusing: ["mandate_overspent": .secondPersonNeeded]
            )
        }
        return day
    }

    /// Counts and records a gift on a whole booking, within the colleague's mandate.
    ///
    /// Throws `secondPersonNeeded` above the mandate; a colleague then requests it as goodwill.
    static func give(_ amount: Int64, as gift: Gift, on booking: Booking, for reason: String, _ act: Act) async throws {
        guard amount > 0 else { return }
        guard let day = try await spend(amount, on: booking, act) else {
            throw Refusal.secondPersonNeeded
        }
        act.tx.later([
            MandateSQL.insert(
                act.app.ids.uuid(at: act.now),
                gift,
                amount,
                on: booking.id,
                for: reason,
                day: day,
                at: act.now
            )
        ])
    }
}
