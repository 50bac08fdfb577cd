import Foundation
import GuestModels
import Postgres

extension PersonalData {
    /// Shares of one's households, what was paid at the desk for them, their invoices, and what one has paid oneself; the
    /// law keeps all of it, the name on invoices alone.
    static let payments = PersonalData(
        name: "payments",
        export: { guest, act in
            struct Export: Encodable, Sendable {
                let shares: [Share]
                let tillPayments: [TillPayment]
                let attempts: [Attempt]
                let invoices: [Invoice]
            }
            let (shares, payments, attempts, invoices) = try await act.tx.all(
                ShareSQL.shares(ofGuest: guest),
                TillSQL.tillPayments(ofGuest: guest),
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
        erase: { guest, act in
            // A debt of a household in which nobody is left who hears of it is the desk's to see to.
            for debt in try await act.tx.all(DebtSQL.debts(of: guest)) where debt.isAlone {
                try await StaffTask.open(
                    StaffTaskRequest(
                        title: "\(debt.open.plainText) of booking \(debt.number) is owed by nobody who can be asked",
                        detail: "Share \(debt.share). The account of its household has been erased."
                    ),
                    source: .payment,
                    subject: debt.share.description,
                    in: debt.park,
                    act
                )
            }
        },
        remains: { guest, act in
            try await act.tx.all(DebtSQL.debts(of: guest)).map {
                Remainder(kind: .debt, bookingNumber: $0.number, park: $0.parkName, open: $0.open)
            }
        }
    )
}
