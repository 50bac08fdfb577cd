import Crypto
import Foundation
import GuestModels

/// A mail in the outbox.
///
/// It holds what the letter needs and no secret: a code is derived when it is sent.
struct Mail: Work {
    static let kind = "mail"
    static let queue = Job.Queue.mail

    enum Letter: Codable, Sendable {
        case code(attempt: CodeRequest.AttemptID)
        /// A letter to the address that a guest wants to use from now on.
        case mailChangeAsked(change: MailChange.ID)
        /// A letter to the address that the guest has used so far.
        case mailChangeAnnounced(change: MailChange.ID, due: LocalDate)
        case security(SecurityNotice)
        case bookingConfirmed(number: String, park: String, stay: Stay)
        case holdExpired(number: String, park: String)
        /// - Parameter alternatives: names of types that are free for the same days, `[]` if none are; nil unless the park
        ///   has cancelled.
        case bookingCancelled(number: String, park: String, isByPark: Bool, alternatives: [String]?)
        case moneyReceived(number: String, park: String, amount: Money, open: Money)
        case moneyReturned(number: String, park: String, amount: Money)
        case moneyTakenBack(number: String, park: String, amount: Money)
        case shareAsked(number: String, park: String, amount: Money, asked: Money)
        case shareDue(number: String, park: String, open: Money, due: LocalDate, link: PayLink.ID?)
        case shareOverdue(
            number: String,
            park: String,
            household: String,
            open: Money,
            due: LocalDate,
            link: PayLink.ID?
        )
    }

    let to: String
    let language: Language
    let letter: Letter
}
