import Foundation
import GuestModels
import Postgres

enum InvoiceSQL {
    private static let columns: SQL = """
        invoice.id, share_id, day, content, label AS number,
        (SELECT label FROM invoice AS other WHERE other.id = invoice.credits_id) AS credits
        """

    private static func invoice(_ row: Row) throws -> Invoice {
        Invoice(
            id: try row.decode("id"),
            shareId: try row.decode("share_id"),
            number: try row.decode("number"),
            credits: try row.decodeIfPresent("credits"),
            day: try row.decode("day"),
            content: try row.decodeJSON("content")
        )
    }

    private static func invoices(_ condition: SQL, limit: Int = 1000) -> Query<Invoice> {
        Query(
            """
            SELECT \(columns) FROM invoice WHERE \(condition) ORDER BY park_id, year, number LIMIT \(limit)
            """,
            decoding: invoice
        )
    }

    /// The language of a household: of its organiser, or of the first of its guests.
    static func language(of household: Household.ID) -> Query<String> {
        Query(
            """
            SELECT language FROM traveller JOIN guest ON guest.id = guest_id
            WHERE household_id = \(household) AND left_at IS NULL ORDER BY role <> 'organiser', guest.id LIMIT 1
            """
        ) { try $0.decode("language") }
    }

    static func invoice(_ id: Invoice.ID) -> Query<Invoice> { invoices("invoice.id = \(id)") }

    /// The invoices of a share, in the order of their numbers.
    static func invoices(of share: Share.ID) -> Query<Invoice> { invoices("share_id = \(share)") }

    static func invoices(of park: Park.ID, during days: Stay, after cursor: Invoice.ID?, limit: Int) -> Query<Invoice> {
        let after: SQL =
            cursor.map { "(year, number) > (SELECT year, number FROM invoice WHERE id = \($0) AND park_id = \(park))" }
            ?? "true"
        return invoices(
            "park_id = \(park) AND day >= \(days.arrival) AND day < \(days.departure) AND \(after)",
            limit: limit
        )
    }

    static func invoices(ofGuest guest: Guest.ID) -> Query<Invoice> {
        invoices("share_id IN (\(ShareSQL.own(by: guest)))")
    }

    /// Writes an invoice; the schema gives the invoice its number.
    static func insert(
        _ id: Invoice.ID,
        of share: Share.ID,
        park: Park.ID,
        day: LocalDate,
        crediting credited: Invoice.ID?,
        _ content: Invoice.Content,
        _ json: JSONText,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO invoice (id, park_id, year, share_id, credits_id, day, at, amount, currency, content)
            VALUES (\(id), \(park), \(day.components.year), \(share), \(credited), \(day), \(now),
                \(content.total.amount), \(content.total.currency), \(json))
            """
        )
    }

    /// The extras that a household has alone or together with all others, with names as a guest reads them.
    static func extras(of booking: Booking.ID, for household: Household.ID, in language: Language) -> Query<String> {
        Query(
            """
            SELECT DISTINCT coalesce(names ->> \(language.rawValue), names ->> 'en', code) AS name
            FROM extra_order JOIN extra ON extra.id = extra_id
            WHERE booking_id = \(booking) AND cancelled_at IS NULL
                AND (household_id IS NULL OR household_id = \(household))
            ORDER BY 1
            """
        ) { try $0.decode("name") }
    }
}
