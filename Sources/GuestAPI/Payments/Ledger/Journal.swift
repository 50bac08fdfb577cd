import Foundation
import GuestModels
import Postgres

/// One thing that happened to money, as the ledger keeps it: entries that add up to 0.
struct Journal: Sendable {
    enum Account: String, Codable, CaseIterable, Sendable {
        case cash, terminal, giftCard, transfer
        /// What guests have paid ahead for a share: we owe them the stay.
        case prepaid
        /// What was counted at the end of a day beside what was taken.
        case tillDifference
        /// What the payment provider keeps for us.
        case provider
        /// What is on its way back to guests.
        case refunds
        /// What the provider has kept for itself.
        case fees
        /// What it has paid out to us.
        case bank
        /// What it has taken back because a payer disputes it.
        case disputed
        /// Money that the provider holds back for a time, for its own safety.
        case reserve
        /// The two sides of an exchange that the provider made from one currency into another.
        case exchange
        /// What guests owe for the part of their stay that has been earned.
        case receivable
        /// What has been earned, without VAT, by its rate.
        case revenue
        /// What of it the country gets, by its rate.
        case vat
        /// What the municipality gets.
        case touristTax

        /// Whether its entries name a share; entries of `prepaid` that release earned money do not.
        var isOfShare: Bool { self == .prepaid || self == .refunds }

        init(_ method: TillPayment.Method) {
            switch method {
            case .cash: self = .cash
            case .terminal: self = .terminal
            case .giftCard: self = .giftCard
            case .transfer: self = .transfer
            }
        }
    }

    struct Entry: Sendable {
        let account: Account
        var share: Share.ID?
        /// Minor units: a debit above 0, a credit below.
        let amount: Int64
        /// The VAT's, in hundredths of a percent; of `revenue` and `vat` alone.
        var rate: Int?
    }

    /// What it tells of, such as `till:ID`; a second one of it is refused by the schema.
    let key: String
    /// nil for what concerns the account at the provider as a whole.
    let park: Park.ID?
    /// The seller's account at the provider whose balance it moves; nil: the service's own, or none.
    var sellerAccount: String?
    var booking: Booking.ID?
    let reason: String
    let day: LocalDate
    let currency: String
    let entries: [Entry]

    func post(_ act: Act) {
        act.tx.later([JournalSQL.insert(self, id: act.app.ids.uuid(at: act.now), at: act.now)])
    }
}
