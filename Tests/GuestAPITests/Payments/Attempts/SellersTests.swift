import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

/// Each seller has its own account at the provider: attempts, books and exports.
@Suite struct SellersTests {
    private static func rules(_ account: String) -> HouseRules {
        var rules = Given.rules
        rules.seller = .init(name: "Heide BV", address: "Heide 1, Ede, NL", vatNumber: "NL001", account: account)
        rules.vat = [.init(from: LocalDate(daysSince1970: 0), lodging: 900, extras: 2100)]
        return rules
    }

    private func balance(_ account: String, _ currency: String, _ api: GuestAPITestService) async throws -> Int {
        try await api.count(
            """
            SELECT coalesce(sum(amount), 0)::bigint AS count FROM entry
            WHERE account = \(account) AND currency = \(currency)
            """
        )
    }

    @Test func `A guest pays into the account of the park's seller`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api, Self.rules("acct_heide"))
            let share = try await stage.own(of: stage.member)
            let (id, secret) = try await stage.secret(share.id, as: stage.member)
            #expect(try await stage.show(id, as: stage.member).account == "acct_heide")
            #expect(try await stage.account.pay(secret) == "succeeded")
            try await stage.catchUp()
            #expect(try await stage.show(id, as: stage.member).state == .succeeded)
            let seller = stage.account.acting(for: "acct_heide")
            #expect(try await seller.list("payment_intents").count == 1)
            #expect(try await stage.account.list("payment_intents").isEmpty)
            try await stage.expectRight()
        }
    }

    @Test func `A seller's journal export has only its own payouts and fees`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api, Self.rules("acct_heide"))
            let share = try await stage.own(of: stage.member)
            let (_, secret) = try await stage.secret(share.id, as: stage.member)
            _ = try await stage.account.pay(secret)
            try await stage.catchUp()
            try await stage.account.acting(for: "acct_heide").ask(
                "POST",
                "/v1/payouts",
                ["amount": "900", "currency": "eur"]
            )
            try await stage.account.ask("POST", "/v1/payouts", ["amount": "700", "currency": "eur"])
            try await ReadBooks.read(api.app)
            let finance = try await api.given.staff([.finance], at: stage.world.park.id)
            let office = try await api.given.headOffice()
            let days = "from=2020-01-01&to=2021-01-01"
            #expect(try await api.get("/v1/admin/journals?\(days)", as: finance).status == 403)
            let year = "from=\(LocalDate(daysSince1970: Int(Date().timeIntervalSince1970) / 86400 - 100))"
            let until = "to=\(LocalDate(daysSince1970: Int(Date().timeIntervalSince1970) / 86400 + 200))"
            let own = try await api.get("/v1/admin/parks/\(stage.world.park.id)/journals?\(year)&\(until)", as: finance)
            #expect(own.text.contains("payout at the provider") && own.text.contains(",bank,9.00,"))
            #expect(own.text.contains(",fees,"))
            let sold = try await api.get("/v1/admin/journals?\(year)&\(until)&seller=acct_heide", as: office)
            #expect(sold.text == own.text)
            let rest = try await api.get("/v1/admin/journals?\(year)&\(until)", as: office)
            #expect(rest.text.contains(",bank,7.00,") && !rest.text.contains(",bank,9.00,"))
            try await stage.expectRight()
        }
    }

    @Test func `A payment attempt keeps the seller's account it was made at`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api, Self.rules("acct_heide"))
            let share = try await stage.own(of: stage.member)
            let (id, secret) = try await stage.secret(share.id, as: stage.member)
            // The park changes its seller during a payment.
            try await api.transaction { tx in
                let other = #"{"seller": {"name": "N", "address": "A", "vatNumber": "V", "account": "acct_other"}}"#
                try await tx.run(
                    Command("UPDATE park SET rules = rules || \(other)::jsonb WHERE id = \(stage.world.park.id)")
                )
                tx.publish(stage.world.park.id, .park, to: .park(stage.world.park.id))
            }
            _ = try await stage.account.pay(secret)
            try await stage.catchUp()
            #expect(try await stage.show(id, as: stage.member).state == .succeeded)
            let (next, _) = try await stage.secret(try await stage.own(of: stage.organiser).id, as: stage.organiser)
            #expect(try await stage.show(next, as: stage.organiser).account == "acct_other")
            // A payment to the first account is refunded from that account.
            let cancelled = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "cancel")
            #expect(cancelled.status == 200)
            try await api.work()
            try await stage.catchUp()
            #expect(try await stage.account.acting(for: "acct_heide").list("refunds").count == 1)
            try await stage.expectRight()
        }
    }

    @Test func `A provider event from another account than the payment attempt's is parked`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api, Self.rules("acct_heide"))
            _ = try await stage.secret(try await stage.own(of: stage.member).id, as: stage.member)
            let intent = try #require(
                try await stage.account.acting(for: "acct_heide").list("payment_intents").first?["id"] as? String
            )
            for account in ["acct_heide", "acct_forged"] {
                let event = ProviderEvent(
                    id: account,
                    kind: "payment_intent.succeeded",
                    subject: intent,
                    account: account
                )
                try await api.transaction { try await event.receive(api.app.act(in: $0, as: .job("test"))) }
            }
            try await api.work()
            let parked = try await api.count("SELECT count(*) FROM provider_event WHERE state = 'parked'")
            #expect(parked == 1)
            #expect(try await api.count("SELECT count(*) FROM provider_event WHERE state = 'done'") == 1)
        }
    }

    @Test func `The ledger matches payments in pounds on an account in euros`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api, Self.rules("acct_lochEUR"), currency: "GBP")
            let share = try await stage.own(of: stage.member)
            let (_, secret) = try await stage.secret(share.id, as: stage.member)
            _ = try await stage.account.pay(secret)
            try await stage.catchUp()
            _ = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "cancel")
            try await api.work()
            try await stage.catchUp()
            try await stage.expectRight()
            #expect(try await balance("provider", "GBP", api) == 0)
            #expect(try await balance("provider", "EUR", api) != 0)
        }
    }

    @Test func `A disputed payment in pounds is taken back in pounds`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api, Self.rules("acct_lochEUR"), currency: "GBP")
            let share = try await stage.own(of: stage.member)
            let (_, secret) = try await stage.secret(share.id, as: stage.member)
            _ = try await stage.account.pay(secret, with: "pm_card_createDispute")
            try await stage.catchUp()
            try await ReadBooks.read(api.app)
            try await api.work()
            #expect(try await stage.own(of: stage.member).paid?.amount == 0)
            // The account for disputed money is balanced once the share owes the money again.
            #expect(try await balance("disputed", "GBP", api) == 0)
            try await stage.expectRight()
        }
    }

    @Test func `A charge in pounds is exchanged although read before its settlement`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api, Self.rules("acct_lochEUR"), currency: "GBP")
            let share = try await stage.own(of: stage.member)
            let (_, secret) = try await stage.secret(share.id, as: stage.member)
            _ = try await stage.account.pay(secret)
            try await ReadBooks.read(api.app)
            try await stage.catchUp()
            try await stage.expectRight()
            #expect(try await balance("provider", "GBP", api) == 0)
        }
    }

    @Test func `An unreadable provider account does not stop reading the others`() async throws {
        try await withGuestAPI(payments: true) { api in
            let account = try #require(api.account)
            try await account.acting(for: "acct_zeta").ask("POST", "/v1/payouts", ["amount": "100", "currency": "eur"])
            try await api.transaction { tx in
                for name in ["acct_a-b", "acct_zeta"] {
                    try await tx.run(ProviderBooksSQL.goOn(name, from: .init(), to: .init(), readAt: nil))
                }
            }
            await #expect(throws: PaymentProvider.Failure.self) {
                try await ReadBooks().deliver(.init(UUID()), api.app)
            }
            #expect(try await api.count("SELECT count(*) FROM provider_transaction WHERE account = 'acct_zeta'") == 1)
        }
    }

    @Test func `An interrupted reading of the provider's books continues where it stopped`() async throws {
        try await withGuestAPI(payments: true) { api in
            let account = try #require(api.account)
            for _ in 0..<30 { try await account.ask("POST", "/v1/payouts", ["amount": "100", "currency": "eur"]) }
            let movements = try await account.list("balance_transactions").compactMap { $0["id"] as? String }
            try await api.transaction { tx in
                try await tx.run(
                    ProviderBooksSQL.goOn(
                        "",
                        from: .init(),
                        to: .init(begunWith: movements[0], reached: movements[9], begunAt: api.now),
                        readAt: nil
                    )
                )
            }
            try await ReadBooks.read(api.app)
            #expect(try await api.count("SELECT count(*) FROM provider_transaction") == 20)
            try await account.ask("POST", "/v1/payouts", ["amount": "100", "currency": "eur"])
            try await ReadBooks.read(api.app)
            #expect(try await api.count("SELECT count(*) FROM provider_transaction") == 21)
            try await ReadBooks.read(api.app)
            #expect(try await api.count("SELECT count(*) FROM provider_transaction") == 21)
        }
    }

    @Test func `A finished and paid stay leaves no debt`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park(rules: Self.rules("acct_heide"))
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            _ = try await api.post("/v1/bookings/\(booking.id)/confirm", as: organiser, key: "firm")
            let share = try await api.get("/v1/bookings/\(booking.id)/shares", as: organiser)
                .decode(PaymentsTests.Shares.self).items[0]
            func pay(_ amount: Int64, _ key: String) async throws {
                let request = TillPaymentRequest(method: .cash, amount: amount)
                let path = "/v1/admin/shares/\(share.id)/till-payments"
                #expect(try await api.post(path, request, as: reception, key: key).status == 201)
            }
            func earn(_ text: String) async throws {
                let work = EarnRevenue(parkId: world.park.id, day: try day(text))
                try await api.transaction { try await work.finish(api.app.act(in: $0, as: .job("test"))) }
            }
            try await pay(10_000, "some")
            try await earn("2027-05-16")
            // The first two nights and their part of the cleaning are earned; 100.00 of this amount is paid.
            let owed = try await balance("receivable", "EUR", api)
            #expect(owed > 0)
            #expect(try await balance("prepaid", "EUR", api) == 0)
            try await pay(booking.total.amount - 10_000, "rest")
            try await earn("2027-05-17")
            #expect(try await balance("receivable", "EUR", api) == 0)
            #expect(try await balance("prepaid", "EUR", api) == 0)
            #expect(try await Office(api.app).checkLedger() == [])
        }
    }

    @Test func `A finding of the ledger check disappears after its correction`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let stage = try await PaymentsTests.stageWithoutProvider(api)
            let office = try await api.given.headOffice()
            func check(_ pass: CheckLedger.Pass) async throws -> String {
                try await api.transaction { tx in
                    try Job.enqueue(
                        CheckLedger(pass: pass),
                        key: pass.rawValue,
                        at: api.now,
                        api.app.act(in: tx, as: .job("test"))
                    )
                }
                try await api.work()
                return try await api.get("/v1/admin/reconciliation", as: office).text
            }
            api.clock.advance(by: 7200)
            _ = try await check(.recent)
            let before = try await check(.all)
            #expect(before.contains(#""differences":[]"#) && before.contains("checkedAt"))
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE share SET amount = amount + 1 WHERE booking_id = \(stage.id)"))
            }
            // Nothing was booked since, so only the check of all bookings finds it.
            api.clock.advance(by: 7200)
            #expect(try await check(.recent).contains(#""differences":[]"#))
            #expect(try await check(.all).contains("shares are not the price"))
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE share SET amount = amount - 1 WHERE booking_id = \(stage.id)"))
            }
            #expect(try await check(.all).contains(#""differences":[]"#))
        }
    }
}

extension PaymentsTests {
    fileprivate static func stageWithoutProvider(_ api: GuestAPITestService) async throws -> Booking {
        let world = try await api.given.park()
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        let booking = try await api.given.booking(of: group, by: organiser, in: world)
        return try await api.post("/v1/bookings/\(booking.id)/confirm", as: organiser, key: "firm").decode(Booking.self)
    }
}
