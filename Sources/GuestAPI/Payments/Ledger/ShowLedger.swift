import Foundation
import GuestModels
import Postgres

/// A journal as clients see it, with its reason and its entries.
struct JournalView: Encodable, Sendable {
    struct Entry: Encodable, Sendable {
        let account: String
        let shareId: Share.ID?
        /// The amount of the entry: a debit is above 0, a credit below.
        let amount: Money
    }

    let id: UUID
    let at: Date
    let day: LocalDate
    let reason: String
    let entries: [Entry]

    /// The ledger of a booking: staff of the park see all of it, a guest sees the entries of the own household.
    static func all(of id: Booking.ID, _ look: Look) async throws -> [JournalView] {
        let (parks, terms, shares, rows) = try await look.reader.all(
            JournalSQL.park(of: id),
            ShareSQL.terms(of: id, for: look.principal.guestID),
            ShareSQL.shares(of: id),
            JournalSQL.entries(of: id)
        )
        guard let park = parks.first else { throw Refusal.notFound }
        let author = terms.first?.asker
        guard
            look.principal.has([.reception, .host, .finance], at: park)
                || look.principal.guestID != nil && author != nil
        else {
            throw Refusal.notFound
        }
        let own = Set(shares.filter { $0.householdId == author }.map(\.id))
        return Dictionary(grouping: rows, by: \.journal).values
            .filter { entries in
                look.principal.guestID == nil || entries.contains { $0.entry.shareId.map(own.contains) ?? false }
            }
            .compactMap { entries in
                entries.first.map {
                    JournalView(
                        id: $0.journal,
                        at: $0.at,
                        day: $0.day,
                        reason: $0.reason,
                        entries: entries.map(\.entry)
                    )
                }
            }
            .sorted { ($0.at, $0.id.lowercasedText) < ($1.at, $1.id.lowercasedText) }
    }
}
