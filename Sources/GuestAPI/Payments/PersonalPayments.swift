import Foundation
import GuestModels
import Postgres

extension PersonalData {
    /// The payments data of a guest: their households' shares, desk payments and invoices, and the guest's own
    /// payments.
    ///
    /// The law requires that all of it is kept. Only invoices keep the name.
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
            // The reference of a slip or card may belong to another member of the household, so leave it out.
            let plain = payments.map { payment in
                var payment = payment
                payment.reference = nil
                return payment
            }
            return Export(shares: shares, tillPayments: plain, attempts: attempts.map(\.attempt), invoices: invoices)
        },
        erase: { guest, act in
            // If no other guest of the household can be asked to pay, the desk gets a task for the debt.
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
