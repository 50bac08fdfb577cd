import Foundation
import GuestModels
import Postgres

extension PersonalData {
    /// Shares of one's households, what was paid at the desk for them, and what one has paid oneself; the law keeps all of
    /// it without a name.
    static let payments = PersonalData(
        name: "payments",
        export: { guest, _, tx in
            struct Export: Encodable, Sendable {
                let shares: [Share]
                let tillPayments: [TillPayment]
                let attempts: [Attempt]
            }
            let (shares, payments, attempts) = try await tx.all(
                ShareSQL.shares(ofGuest: guest),
                PaymentSQL.tillPayments(ofGuest: guest),
                AttemptSQL.attempts(ofGuest: guest)
            )
            // A slip or a card may be another's of the household.
            let plain = payments.map { payment in
                var payment = payment
                payment.reference = nil
                return payment
            }
            return Export(shares: shares, tillPayments: plain, attempts: attempts.map(\.attempt))
        },
        erase: { _, _, _, _ in }
    )
}
