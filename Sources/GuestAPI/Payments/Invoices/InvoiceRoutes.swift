import GuestModels
import HTTPTypes
import Postgres

/// Invoices and credit notes of shares.
enum InvoiceRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "issueInvoice": issue, "listInvoices": list, "showInvoice": show, "printInvoice": pdf,
        "listParkInvoices": listOfPark,
    ]

    private static func issue(_ call: Call) async throws -> Answer {
        let request = try call.body(InvoiceRequest.self)
        let share = try call.path(Paths.shareInvoices)
        return try await call.write { act in
            try .json(
                await Invoice.issue(request, for: share, askedIn: call.language, isByDesk: call.actor != nil, act),
                .created
            )
        }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let share = try call.path(Paths.shareInvoices)
        return try await call.write { act in
            try .json(Page(items: await Invoice.all(of: share, act), next: nil))
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.invoice)
        return try await call.write { act in
            try .json(await Invoice.show(id, act))
        }
    }

    private static func pdf(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.invoicePDF)
        return try await call.write { act in
            let invoice = try await Invoice.show(id, act)
            return Answer(
                status: .ok,
                headers: [
                    HTTPField(name: .contentType, value: "application/pdf"),
                    HTTPField(name: .contentDisposition, value: "inline; filename=\"\(invoice.number).pdf\""),
                    HTTPField(name: .cacheControl, value: "no-store"),
                ],
                body: invoice.pdf
            )
        }
    }

    private static func listOfPark(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkInvoices)
        var query = QueryReader(call)
        let days = query.days("from", "to", atMost: 400)
        let cursor = query.optional("cursor", as: Invoice.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        guard let days else { throw BadRequest("?from", "is missing") }
        return try await .json(
            call.read { try await Invoice.list(of: park, during: days, after: cursor, limit: limit, $0) }
        )
    }
}
