import GuestModels
import HTTPTypes
import Postgres

/// The ledger of bookings, parks and sellers.
enum LedgerRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "showLedger": ledger, "showReconciliation": reconciliation, "listJournals": journals,
        "listSellerJournals": sellerJournals, "reportTouristTax": touristTax,
    ]

    private static func ledger(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.bookingLedger)
        let journals = try await call.read { try await JournalView.all(of: id, $0) }
        return try .json(Page(items: journals, next: nil))
    }

    private static func reconciliation(_ call: Call) async throws -> Answer {
        var query = QueryReader(call)
        try query.finish()
        return try .json(await call.read { try await Reconciliation.show($0) })
    }

    private static func touristTax(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkTouristTax)
        let days = try QueryReader.days(of: call, atMost: 400)
        let rows = try await call.read { try await TouristTaxReport.show(park, during: days, $0) }
        return try .json(Page(items: rows, next: nil))
    }

    private static func journals(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkJournals)
        return try journals(of: .park(park), during: QueryReader.days(of: call, atMost: 400), call)
    }

    private static func sellerJournals(_ call: Call) async throws -> Answer {
        var query = QueryReader(call)
        let days = query.days("from", "to", atMost: 400)
        let seller = query.text("seller", length: 1...100)
        try query.finish()
        guard let days else { throw BadRequest("?from", "is missing") }
        return try journals(of: .seller(seller), during: days, call)
    }

    /// The ledger as a CSV file for the accountant, one line per entry.
    private static func journals(of books: JournalFile.Books, during days: Stay, _ call: Call) throws -> Answer {
        let file = try JournalFile(of: books, during: days, for: call.principal)
        return Answer(
            status: .ok,
            headers: [
                HTTPField(name: .contentType, value: "text/csv; charset=utf-8"),
                HTTPField(name: .contentDisposition, value: "attachment; filename=\"journals.csv\""),
                HTTPField(name: .cacheControl, value: "no-store"),
            ],
            body: [],
            stream: .init { send in
                try await file.export(to: send) { read in
                    try await call.read { try await read($0) }
                }
            }
        )
    }
}
