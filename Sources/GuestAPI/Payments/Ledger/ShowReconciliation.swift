import Foundation
import GuestModels
import Postgres

/// What is under way with the provider, and what does not match.
struct Reconciliation: Encodable, Sendable {
    struct Backlog: Encodable, Sendable {
        let parkId: Park.ID
        let name: String
        /// Attempts that the provider has not answered, that somebody is paying, and refunds not yet there.
        let unanswered: Int
        let open: Int
        let refunds: Int
        let failedRefunds: Int
    }

    struct Difference: Encodable, Sendable {
        let what: String
        let subject: String
    }

    let backlog: [Backlog]
    /// Events that nothing here matches; head office alone sees them.
    let parked: [ParkedEvent]
    /// Contradictions in our tables and with the provider's books that the last check has found; head office
    /// alone, the first thousand.
    let differences: [Difference]
    /// The start of the last check of everything; nil before the first, and for all but head office.
    ///
    /// An hourly check covers later changes.
    let checkedAt: Date?
    /// The start of the last reading of the provider's books; nil before the first, and for all but head office.
    let booksReadAt: Date?

    /// Answers what is known; `CheckLedger` looks.
    static func show(_ look: Look) async throws -> Reconciliation {
        let backlog = try await look.reader.all(AttemptSQL.backlog).filter {
            look.principal.has([.finance], or: .books, at: $0.parkId)
        }
        guard case .staff(let member) = look.principal, member.isHeadOffice else {
            return Reconciliation(backlog: backlog, parked: [], differences: [], checkedAt: nil, booksReadAt: nil)
        }
        let (parked, differences, checkedAt, readAt) = try await look.reader.all(
            ProviderEventSQL.parkedEvents(limit: 1000),
            CheckSQL.findings(limit: 1000),
            CheckSQL.checkedFrom,
            ProviderBooksSQL.whenBooksWereRead
        )
        return Reconciliation(
            backlog: backlog,
            parked: parked,
            differences: differences,
            checkedAt: checkedAt.first,
            booksReadAt: readAt.first
        )
    }
}
