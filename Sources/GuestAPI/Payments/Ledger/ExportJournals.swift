import Foundation
import GuestModels
import NIOCore
import Postgres

/// The ledger as a file: RFC 4180, one line per entry, written a portion at a time.
struct JournalFile: Sendable {
    static let header = "day,journal,reason,booking,account,debit,credit,currency,vat\r\n"

    /// The park or the seller whose journals an export lists.
    enum Books: Sendable {
        case park(Park.ID)
        /// All parks of a seller, named by the seller's account at the provider, with journals of the account as a
        /// whole.
        ///
        /// nil names the parks that are paid into the service's own account.
        case seller(String?)

        /// Allows finance of the park and the accountant's system; the policy table keeps a seller's books for head
        /// office.
        fileprivate func require(_ principal: Principal) throws(Refusal) {
            if case .park(let park) = self { try principal.require([.finance], or: .books, at: park) }
        }
    }

    typealias Portion = (Look) async throws -> [JournalSQL.JournalLine]

    /// The lines of the ledger that are read at once.
    private static let portion = 2000

    let books: Books
    let days: Stay

    /// Prepares an export of the journals of some days, if the principal may read the books.
    ///
    /// - Throws: a refusal if the principal may not read the books.
    init(of books: Books, during days: Stay, for principal: Principal) throws(Refusal) {
        try books.require(principal)
        self.books = books
        self.days = days
    }

    /// Sends the lines of the ledger, portion by portion.
    ///
    /// - Parameter read: reads a portion, each in a transaction of its own.
    func export(
        to send: Answer.Send,
        reading read: (Portion) async throws -> [JournalSQL.JournalLine]
    ) async throws {
        try await send(ByteBuffer(string: Self.header))
        var last: (LocalDate, UUID, Int)?
        while true {
            let query = JournalSQL.journalLines(of: books, during: days, after: last, limit: Self.portion)
            let lines = try await read { try await $0.reader.all(query) }
            if !lines.isEmpty { try await send(ByteBuffer(string: lines.map(Self.text).joined())) }
            guard lines.count == Self.portion, let end = lines.last else { return }
            last = (end.day, end.journal, end.place)
        }
    }

    private static func text(_ row: JournalSQL.JournalLine) -> String {
        [
            row.day.description, row.journal.lowercasedText, quoted(row.reason), row.number ?? "", row.account,
            row.amount > 0 ? Money(row.amount, row.currency).decimals : "",
            row.amount < 0 ? Money(-row.amount, row.currency).decimals : "",
            row.currency,
            row.rate.map { Int64($0).text(decimals: 2) } ?? "",
        ].joined(separator: ",") + "\r\n"
    }

    /// A quoted field; an apostrophe keeps spreadsheets from reading the text as a formula.
    private static func quoted(_ text: String) -> String {
        let plain = text.first.map { "=+-@".contains($0) } ?? false ? "'\(text)" : text
        return "\"\(plain.replacing("\"", with: "\"\""))\""
    }
}
