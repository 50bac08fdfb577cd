import Foundation
import GuestModels
import Postgres

extension PersonalData {
    /// Shares of one's households and what was paid at the desk for them; the law keeps both without a name.
    static let payments = PersonalData(
        name: "payments",
        export: { guest, _, tx in
            struct Export: Encodable, Sendable {
                let shares: [Share]
                let tillPayments: [TillPayment]
            }
            let (shares, payments) = try await tx.all(
                ShareSQL.shares(ofGuest: guest),
                PaymentSQL.tillPayments(ofGuest: guest)
            )
            // A slip or a card may be another's of the household.
            let plain = payments.map { payment in
                var payment = payment
                payment.reference = nil
                return payment
            }
            return Export(shares: shares, tillPayments: plain)
        },
        erase: { _, _, _, _ in }
    )
}
