import Foundation
import GuestModels
import Postgres

extension PersonalData {
    /// Shares of one's households, what was paid at the desk for them, their invoices, and what one has paid oneself; the
    /// law keeps all of it, the name on invoices alone.
    static let payments = PersonalData(
        name: "payments",
        export: { guest, _, tx in
            struct Export: Encodable, Sendable {
                let shares: [Share]
                let tillPayments: [TillPayment]
                let attempts: [Attempt]
                let invoices: [Invoice]
            }
            let (shares, payments, attempts, invoices) = try await tx.all(
                ShareSQL.shares(ofGuest: guest),
                PaymentSQL.tillPayments(ofGuest: guest),
                AttemptSQL.attempts(ofGuest: guest),
                InvoiceSQL.invoices(ofGuest: guest)
            )
            // A slip or a card may be another's of the household.
            let plain = payments.map { payment in
                var payment = payment
                payment.reference = nil
                return payment
            }
            return Export(shares: shares, tillPayments: plain, attempts: attempts.map(\.attempt), invoices: invoices)
        },
        erase: { _, _, _, _ in }
    )
}
