import Foundation
import GuestModels
import Postgres

/// Payments under way with the provider, and contradictions in the books.
struct Reconciliation: Encodable, Sendable {
    struct Backlog: Encodable, Sendable {
        let parkId: Park.ID
        let name: String
        /// Attempts that the provider has not answered, attempts that are being paid, and refunds that have not
        /// arrived.
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
    /// Events that match nothing here; only head office sees them.
    let parked: [ParkedEvent]
    /// The contradictions that the last check found in our tables and with the provider's books.
    ///
    /// Only head office sees them, a thousand at most.
    let differences: [Difference]
    /// The start of the last check of everything; nil before the first, and for all but head office.
    ///
    /// An hourly check covers later changes.
    let checkedAt: Date?
    /// The start of the last reading of the provider's books; nil before the first, and for all but head office.
    let booksReadAt: Date?

    /// Shows the findings that are known; `CheckLedger` makes the checks.
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
