import Foundation
import GuestModels
import Postgres

/// A booking's payments through the provider, as the desk sees them.
struct BookingPayments: Encodable, Sendable {
    let attempts: [Attempt]
    let refunds: [Refund]

    static func all(of id: Booking.ID, _ look: Look) async throws -> BookingPayments {
        let (parks, attempts, refunds) = try await look.reader.all(
            JournalSQL.park(of: id),
            AttemptSQL.attempts(of: id),
            RefundSQL.refunds(of: id)
        )
        guard let park = parks.first, look.principal.has([.reception, .finance], at: park) else {
            throw Refusal.notFound
        }
        return BookingPayments(
            attempts: attempts.map { row in
                var attempt = row.attempt
                attempt.declined = nil
                return attempt
            },
            refunds: refunds.map(\.refund)
        )
    }
}
