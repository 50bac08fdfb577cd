import Foundation
import GuestModels
import Postgres

/// A booking's payments through the provider, as the desk sees them.
struct BookingPayments: Encodable, Sendable {
    let attempts: [Attempt]
    let refunds: [Refund]

    static func all(of id: Booking.ID, _ look: Look) async throws -> BookingPayments {
        let (parks, attempts, refunds) = try await look.reader.all(
            PaymentSQL.park(of: id),
            AttemptSQL.attempts(of: id),
            AttemptSQL.refunds(of: id)
        )
        guard let park = parks.first, look.principal.has([.reception, .finance], at: park) else {
            throw Refusal.notFound
        }
        return BookingPayments(
            attempts: attempts.map { row in
                var attempt = row.attempt
                attempt.declined = nil
                return attempt
            },
            refunds: refunds.map(\.refund)
        )
    }
}

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
            AttemptSQL.parkedEvents(limit: 1000),
            CheckSQL.findings(limit: 1000),
            CheckSQL.checkedFrom,
            AttemptSQL.whenBooksWereRead
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

/// The ledger as a file: RFC 4180, one line per entry, written a portion at a time.
enum JournalFile {
    static let header = "day,journal,reason,booking,account,debit,credit,currency,vat\r\n"

    /// Lines of a portion.
    private static let portion = 2000

    /// - Parameter read: reads a portion, each in a transaction of its own.
    static func write(
        _ books: PaymentSQL.Books,
        during days: Stay,
        to send: (String) async throws -> Void,
        reading read: (Query<PaymentSQL.JournalLine>) async throws -> [PaymentSQL.JournalLine]
    ) async throws {
        try await send(header)
        var last: (LocalDate, UUID, Int)?
        while true {
            let lines = try await read(PaymentSQL.journalLines(of: books, during: days, after: last, limit: portion))
            if !lines.isEmpty { try await send(lines.map(text).joined()) }
            guard lines.count == portion, let end = lines.last else { return }
            last = (end.day, end.journal, end.place)
        }
    }

    private static func text(_ row: PaymentSQL.JournalLine) -> String {
        [
            row.day.description, row.journal.lowercasedText, quoted(row.reason), row.number ?? "", row.account,
            row.amount > 0 ? Money(row.amount, row.currency).decimals : "",
            row.amount < 0 ? Money(-row.amount, row.currency).decimals : "",
            row.currency,
            row.rate.map { Int64($0).text(decimals: 2) } ?? "",
        ].joined(separator: ",") + "\r\n"
    }

    /// A text that a spreadsheet would take for a formula begins with an apostrophe.
    private static func quoted(_ text: String) -> String {
        let plain = text.first.map { "=+-@".contains($0) } ?? false ? "'\(text)" : text
        return "\"\(plain.replacing("\"", with: "\"\""))\""
    }
}
