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
            return Export(shares: shares, tillPayments: payments)
        },
        erase: { _, _, _, _ in }
    )
}
