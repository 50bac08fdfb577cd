import Foundation
import GuestModels
import Postgres

/// A booking's payments through the provider, as the desk sees them.
struct BookingPayments: Encodable, Sendable {
    let attempts: [Attempt]
    let refunds: [Refund]

    static func all(of id: Booking.ID, as principal: Principal, in reader: Reader) async throws -> BookingPayments {
        let (parks, attempts, refunds) = try await reader.all(
            PaymentSQL.park(of: id),
            AttemptSQL.attempts(of: id),
            AttemptSQL.refunds(of: id)
        )
        guard let park = parks.first, principal.has([.reception, .finance], at: park) else { throw Refusal.notFound }
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
    /// What contradicts, in our own tables and against the provider's books as last read; head office alone.
    let differences: [Difference]
    /// When that reading began; nil before the first, and for all but head office.
    let booksReadAt: Date?

    /// Seconds in which what moved at the provider is settled here, unless there is trouble.
    private static let patience: TimeInterval = 600

    static func show(as principal: Principal, at now: Date, in reader: Reader) async throws -> Reconciliation {
        let backlog = try await reader.all(AttemptSQL.backlog).filter { principal.has([.finance], at: $0.parkId) }
        guard case .staff(let member) = principal, member.isHeadOffice else {
            return Reconciliation(backlog: backlog, parked: [], differences: [], booksReadAt: nil)
        }
        let (parked, own, theirs, readAt) = try await reader.all(
            AttemptSQL.parkedEvents,
            PaymentSQL.differences,
            PaymentSQL.differencesFromProvider(settledBy: now.addingTimeInterval(-patience)),
            AttemptSQL.whenBooksWereRead
        )
        return Reconciliation(
            backlog: backlog,
            parked: parked,
            differences: (own + theirs).map { Difference(what: $0.what, subject: $0.subject) },
            booksReadAt: readAt.first
        )
    }
}

/// The ledger as a file: RFC 4180, one line per entry.
enum JournalFile {
    static func text(_ rows: [PaymentSQL.JournalLine]) -> String {
        var lines = ["day,journal,reason,booking,account,debit,credit,currency,vat"]
        for row in rows {
            lines.append(
                [
                    row.day.description, row.journal.lowercasedText, quoted(row.reason), row.number ?? "", row.account,
                    row.amount > 0 ? Money(row.amount, row.currency).decimals : "",
                    row.amount < 0 ? Money(-row.amount, row.currency).decimals : "",
                    row.currency,
                    row.rate.map { Int64($0).text(decimals: 2) } ?? "",
                ].joined(separator: ",")
            )
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    /// A text that a spreadsheet would take for a formula begins with an apostrophe.
    private static func quoted(_ text: String) -> String {
        let plain = text.first.map { "=+-@".contains($0) } ?? false ? "'\(text)" : text
        return "\"\(plain.replacing("\"", with: "\"\""))\""
    }
}
