import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension BooksTests {
    /// The member's share of a stay, with its first invoice.
    private struct Invoiced {
        let stage: Stage
        let share: ShareView
        let invoice: Invoice
        let named: InvoiceRequest
        /// The address of the share's invoices.
        let path: String
        var slug: String { stage.world.park.slug.uppercased() }
        /// The invoice's own address.
        var one: String { "/v1/invoices/\(invoice.id)" }
    }

    private func invoiced(_ api: GuestAPITestService) async throws -> Invoiced {
        let stage = try await stage(api)
        let share = try await stage.share(of: stage.member)
        let path = "/v1/shares/\(share.id)/invoices"
        let named = InvoiceRequest(recipient: "Łukasz Ćwik\nul. Długa 1")
        let invoice = try await api.post(path, named, as: stage.member, key: "1").decode(Invoice.self)
        return Invoiced(stage: stage, share: share, invoice: invoice, named: named, path: path)
    }

    @Test func `An invoice shows the amount and VAT of its share`() async throws {
        try await withGuestAPI { api in
            let its = try await invoiced(api)
            let content = its.invoice.content

            #expect(its.invoice.number == "\(its.slug)-2026-000001" && its.invoice.credits == nil)
            #expect(content.total == its.share.amount)
            #expect(content.lines.reduce(0) { $0 + $1.amount } == content.total.amount)
            #expect(content.lines.first { $0.tax == .touristTax }?.amount == 504)
            #expect(content.vat.map(\.rate) == [900, 2100])
            try expectReadable(try await api.get("\(its.one)/pdf", as: its.stage.member))
            try await expectRight(api)
        }
    }

    @Test func `Requesting an invoice of a share twice gives the same invoice`() async throws {
        try await withGuestAPI { api in
            let its = try await invoiced(api)

            let again = try await api.post(its.path, InvoiceRequest(), as: its.stage.organiser, key: "2")

            #expect(try again.decode(Invoice.self) == its.invoice)
        }
    }

    @Test func `Strangers and other parks' finance find no invoice`() async throws {
        try await withGuestAPI { api in
            let its = try await invoiced(api)
            let foreign = try await api.given.staff([.finance], at: api.given.park().park.id)
            for who in [try await api.given.guest(), foreign] {
                #expect(try await api.get(its.one, as: who).status == 404)
                #expect(try await api.get("\(its.one)/pdf", as: who).status == 404)
                #expect(try await api.post(its.path, InvoiceRequest(), as: who, key: UUID().uuidString).status == 404)
            }
        }
    }

    @Test func `A member sees no invoice of another household`() async throws {
        try await withGuestAPI { api in
            let its = try await invoiced(api)
            let others = "/v1/shares/\(try await its.stage.share(of: its.stage.organiser).id)/invoices"
            #expect(try await api.post(others, InvoiceRequest(), as: its.stage.member, key: "3").status == 403)

            let theirs = try await api.post(others, InvoiceRequest(), as: its.stage.finance, key: "4")
                .decode(Invoice.self)

            #expect(theirs.number == "\(its.slug)-2026-000002")
            #expect(try await api.get("/v1/invoices/\(theirs.id)", as: its.stage.member).status == 404)
        }
    }

    @Test func `Invoicing a share that has fallen also makes a credit note`() async throws {
        try await withGuestAPI { api in
            let its = try await invoiced(api)
            let gift = GoodwillRequest(amount: 1_000, reason: "cold shower")
            let goodwill = "/v1/admin/shares/\(its.share.id)/goodwill"
            #expect(try await api.post(goodwill, gift, as: its.stage.reception, key: "g").status == 201)

            let next = try await api.post(its.path, InvoiceRequest(), as: its.stage.member, key: "5")
                .decode(Invoice.self)

            #expect(next.number == "\(its.slug)-2026-000003")
            #expect(next.content.total.amount == its.invoice.content.total.amount - 1_000)
            #expect(next.content.recipient == its.named.recipient)
            struct Invoices: Decodable { let items: [Invoice] }
            let all = try await api.get(its.path, as: its.stage.member).decode(Invoices.self).items
            #expect(all.map(\.credits) == [nil, its.invoice.number, nil])
            #expect(all[1].content == its.invoice.content.reversal)
            let list = "/v1/admin/parks/\(its.stage.world.park.id)/invoices?from=2026-01-01&to=2027-01-01"
            #expect(try await api.get(list, as: its.stage.finance).decode(Invoices.self).items.count == 3)
            try await expectRight(api)
        }
    }

    @Test func `Sent invoices keep their numbers when the park is renamed`() async throws {
        try await withGuestAPI { api in
            let its = try await invoiced(api)
            var park = try await api.get("/v1/parks/\(its.stage.world.park.id)").decode(Shown.self).park
            park.slug = "renamed-\(park.slug.suffix(8))"
            park.rules.seller?.address = "Duinweg 2, 1234 AB Zee"
            let office = try await api.given.headOffice()
            let place = "/v1/admin/parks/\(park.id)"
            let changed = try await api.change("PUT", place, ParkRequest(of: park), as: office, match: park.version)
            #expect(changed.status == 200, "\(changed.text)")

            let moved = try await api.post(its.path, InvoiceRequest(), as: its.stage.member, key: "6")
                .decode(Invoice.self)

            #expect(try await api.get(its.one, as: its.stage.member).decode(Invoice.self) == its.invoice)
            #expect(moved.number == "\(its.slug)-2026-000003" && moved.content.seller == park.rules.seller)
        }
    }

    @Test func `A sent invoice cannot be changed`() async throws {
        try await withGuestAPI { api in
            _ = try await invoiced(api)

            await #expect(throws: PostgresError.self) {
                try await api.transaction { try await $0.run(Command("UPDATE invoice SET amount = 1")) }
            }
        }
    }

    @Test func `Invoices requested in parallel get distinct consecutive numbers`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let shares = [try await stage.share(of: stage.member), try await stage.share(of: stage.organiser)]
            let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<40 {
                    let recipient = InvoiceRequest(recipient: "Number \(number)")
                    group.addTask {
                        try await api.post(
                            "/v1/shares/\(shares[number % 2].id)/invoices",
                            recipient,
                            as: stage.reception,
                            key: "\(number)"
                        ).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers == Array(repeating: 201, count: 40))
            // Each invoice of a share except the first comes with a credit note for the one before.
            #expect(try await api.count("SELECT max(number) AS count FROM invoice") == 78)
            #expect(try await api.count("SELECT count(DISTINCT number) FROM invoice") == 78)
            try await expectRight(api)
            // The desk may ask for more invoices; a guest may ask only a limited number of times.
            let last = try await api.post(
                "/v1/shares/\(shares[0].id)/invoices",
                InvoiceRequest(recipient: "One more"),
                as: stage.member,
                key: "more"
            )
            #expect(last.code == "too_many_invoices")
            let silent = try await self.stage(api, rules: try rules { $0.seller = nil })
            let share = try await silent.share(of: silent.member)
            let none = try await api.post(
                "/v1/shares/\(share.id)/invoices",
                InvoiceRequest(),
                as: silent.member,
                key: "s"
            )
            #expect(none.code == "no_seller")
        }
    }
}
