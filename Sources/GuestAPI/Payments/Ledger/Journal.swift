import Foundation
import GuestModels
import Postgres

/// One movement of money in the ledger: entries that add up to 0.
struct Journal: Sendable {
    enum Account: String, Codable, CaseIterable, Sendable {
        case cash, terminal, giftCard, transfer
        /// The money that guests have paid ahead for a share; the park owes them the stay.
        case prepaid
        /// The difference between the counted and the recorded money at the end of a day.
        case tillDifference
        /// The balance that the payment provider keeps for us.
        case provider
        /// Money on its way back to guests.
        case refunds
        /// The fees that the provider has kept.
        case fees
        /// Money that the provider has paid out to us.
        case bank
        /// Money that the provider has taken back because a payer disputes it.
        case disputed
        /// Money that the provider holds back for a time, for its own safety.
        case reserve
        /// The two sides of an exchange that the provider made from one currency into another.
        case exchange
        /// The amounts that guests owe for the earned part of their stay.
        case receivable
        /// The earned amounts without VAT, by VAT rate.
        case revenue
        /// The VAT on the earned amounts, by VAT rate.
        case vat
        /// The tourist tax that the municipality gets.
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
        /// The amount in minor units: a debit is above 0, a credit below.
        let amount: Int64
        /// The VAT rate in hundredths of a percent; only entries of `revenue` and `vat` have one.
        var rate: Int?
    }

    /// The event that the journal records, such as `till:ID`; the schema refuses a second journal with the same key.
    let key: String
    /// The park; nil for a movement that belongs to the provider account as a whole.
    let park: Park.ID?
    /// The seller's account at the provider whose balance changes; nil for the service's own account or for none.
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
