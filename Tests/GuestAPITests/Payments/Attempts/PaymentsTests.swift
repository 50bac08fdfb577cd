import Crypto
import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Paying through the provider: the real sandbox, in a process of its own.
@Suite struct PaymentsTests {
    struct Stage: Sendable {
        let api: GuestAPITestService
        let account: SandboxAccount
        let world: Given.World
        let organiser: Given.Person
        let member: Given.Person
        let booking: Booking
        var path: String { "/v1/bookings/\(booking.id)" }

        func own(of who: Given.Person) async throws -> ShareView {
            try #require(
                try await api.get("\(path)/shares", as: who).decode(Shares.self).items.first { $0.isOwn }
            )
        }

        func start(
            _ share: Share.ID,
            as who: Given.Person,
            by method: Attempt.Method = .card,
            amount: Int64? = nil,
            key: String = UUID().uuidString
        ) async throws -> GuestAPITestService.Response {
            try await api.post(
                "/v1/shares/\(share)/payments",
                PaymentRequest(method: method, amount: amount),
                as: who,
                key: key
            )
        }

        /// Starts a payment, lets the worker ask the provider, and returns the attempt and its client secret.
        func secret(
            _ share: Share.ID,
            as who: Given.Person,
            by method: Attempt.Method = .card,
            amount: Int64? = nil
        )
            async throws -> (id: Attempt.ID, secret: String)
        {
            let attempt = try await start(share, as: who, by: method, amount: amount).decode(AttemptView.self)
            try await api.work()
            let view = try await show(attempt.id, as: who)
            return (attempt.id, try #require(view.clientSecret))
        }

        func show(_ id: Attempt.ID, as who: Given.Person) async throws -> AttemptView {
            try await api.get("/v1/payments/\(id)", as: who).decode(AttemptView.self)
        }

        func state() async throws -> Booking.State {
            try await api.get(path, as: organiser).decode(Booking.self).state
        }

        /// Advances the clock until every question to the provider is due again, and does this work.
        func catchUp(after seconds: TimeInterval = 6) async throws {
            api.clock.advance(by: seconds)
            try await api.work()
        }

        func expectRight() async throws {
            let differences = try await Office(api.app).checkLedger(withProvider: true)
            #expect(differences == [])
        }
    }

    struct Shares: Decodable {
        let items: [ShareView]
    }

    /// Two households in one cottage; the deposit is 30 %.
    static func stage(
        _ api: GuestAPITestService,
        deposit: Int = 30,
        from arrival: String = "2027-05-14",
        to departure: String = "2027-05-17",
        _ base: HouseRules = Given.rules,
        currency: String = "EUR"
    ) async throws -> Stage {
        var rules = base
        rules.depositPercent = deposit
        let world = try await api.given.park(rules: rules, currency: currency)
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        let member = try await api.given.member(of: group, invitedBy: organiser)
        let page = try await api.get("/v1/groups/\(group.id)", as: organiser).decode(TravelGroup.self)
        var request = try api.given.request(group, world, from: arrival, to: departure)
        request.travellerIds = page.travellers.map(\.id)
        let booking = try await api.post("/v1/bookings", request, as: organiser, key: "b").decode(Booking.self)
        let account = try #require(api.account)
        return Stage(
            api: api,
            account: account,
            world: world,
            organiser: organiser,
            member: member,
            booking: booking
        )
    }

    @Test func `A paid share makes the booking firm without any webhook`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let first = try await stage.start(share.id, as: stage.member, key: "tap")
            #expect(first.status == 202)
            #expect(!first.text.contains("secret"))
            // A double tap, or the same guest's other device, gives the same attempt.
            #expect(try await stage.start(share.id, as: stage.member, key: "tap").text == first.text)
            #expect(try await stage.start(share.id, as: stage.member).text == first.text)
            // Another guest who may pay must wait for the end of that attempt, and gets no secret.
            #expect(try await stage.start(share.id, as: stage.organiser).code == "payment_under_way")
            let attempt = try first.decode(AttemptView.self)
            #expect(attempt.state == .created && attempt.amount == share.amount)
            try await api.work()
            let ready = try await stage.show(attempt.id, as: stage.member)
            let secret = try #require(ready.clientSecret)
            #expect(ready.state == .requiresAction && ready.page?.contains(secret) == true)
            #expect(try await stage.show(attempt.id, as: stage.organiser).clientSecret == nil)
            #expect(try await stage.account.pay(secret) == "succeeded")
            try await stage.catchUp()
            #expect(try await stage.show(attempt.id, as: stage.member).state == .succeeded)
            #expect(try await stage.own(of: stage.member).state == .paid)
            #expect(try await stage.state() == .confirmed)
            #expect(try await stage.start(share.id, as: stage.member).code == "nothing_open")
            #expect(try await stage.account.list("payment_intents").count == 1)
            // After its use, no secret stays in the tables.
            #expect(try await api.count("SELECT count(*) FROM attempt WHERE secret IS NOT NULL") == 0)
            #expect(
                try await api.count(
                    "SELECT count(*) FROM idempotency_key WHERE convert_from(body, 'UTF8') LIKE '%_secret_%'"
                ) == 0
            )
            try await stage.expectRight()
        }
    }

    @Test func `A declined payment can be tried again with another card`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let (id, secret) = try await stage.secret(share.id, as: stage.member)
            try await stage.account.pay(secret, with: "pm_card_visa_chargeDeclinedInsufficientFunds")
            try await stage.catchUp()
            let declined = try await stage.show(id, as: stage.member)
            #expect(declined.state == .requiresAction && declined.declined == "insufficient_funds")
            // Only the card's owner sees why the card was declined.
            #expect(try await stage.show(id, as: stage.organiser).declined == nil)
            #expect(try await stage.account.pay(secret, with: "pm_card_threeDSecure2Required") == "requires_action")
            try await stage.catchUp()
            #expect(try await stage.show(id, as: stage.member).state == .requiresAction)
            #expect(try await stage.account.authenticate(secret, false) == "requires_payment_method")
            #expect(try await stage.account.pay(secret, with: "pm_card_threeDSecure2Required") == "requires_action")
            #expect(try await stage.account.authenticate(secret, true) == "succeeded")
            try await stage.catchUp()
            #expect(try await stage.show(id, as: stage.member).state == .succeeded)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
        }
    }

    @Test func `A cancelled payment attempt lets another payer begin`()
        async throws
    {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let (id, secret) = try await stage.secret(share.id, as: stage.member)
            // A guest who may pay the share finds the attempt there, and may cancel it.
            let seen = try await api.get("\(stage.path)/shares", as: stage.organiser).decode(Shares.self).items
            #expect(seen.first { $0.id == share.id }?.attemptId == id)
            #expect(try await api.post("/v1/payments/\(id)/cancel", as: stage.organiser).status == 202)
            try await api.work()
            #expect(try await stage.show(id, as: stage.member).state == .cancelled)
            #expect(try await stage.account.pay(secret) == "payment_intent_unexpected_state")
            let (second, other) = try await stage.secret(share.id, as: stage.organiser)
            #expect(second != id)
            // The payer pays at the moment of the cancellation.
            #expect(try await stage.account.pay(other) == "succeeded")
            #expect(try await api.post("/v1/payments/\(second)/cancel", as: stage.organiser).status == 202)
            try await api.work()
            #expect(try await stage.show(second, as: stage.organiser).state == .succeeded)
            #expect(try await stage.own(of: stage.member).state == .paid)
            let stranger = try await api.given.guest()
            for path in ["/v1/payments/\(second)", "/v1/payments/\(Attempt.ID(UUID()))"] {
                #expect(try await api.get(path, as: stranger).code == "not_found")
            }
            try await stage.expectRight()
        }
    }

    @Test func `A failed refund stays due and opens a task`()
        async throws
    {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let amount = try #require(share.amount).amount
            let (_, secret) = try await stage.secret(share.id, as: stage.member)
            #expect(try await stage.account.pay(secret, with: "pm_card_refundFail") == "succeeded")
            try await stage.catchUp()
            let own = try await stage.own(of: stage.organiser)
            let (_, other) = try await stage.secret(own.id, as: stage.organiser)
            #expect(try await stage.account.pay(other) == "succeeded")
            try await stage.catchUp()
            // The whole stay is cancelled; the fee is 10 %.
            #expect(try await stage.state() == .confirmed)
            #expect(try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "c").status == 200)
            try await api.work()
            try await stage.catchUp()
            let refunds = try await stage.account.list("refunds")
            #expect(refunds.count == 2)
            // The sandbox lets one of them fail after a while.
            try await Task.sleep(for: .seconds(1))
            try await stage.catchUp(after: 30)
            #expect(try await api.count("SELECT count(*) FROM refund WHERE state = 'failed'") == 1)
            #expect(try await api.count("SELECT count(*) FROM refund WHERE state = 'succeeded'") == 1)
            let back = try await stage.own(of: stage.member)
            #expect(back.state == .refundDue && back.paid?.amount == amount)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund' AND state = 'open'") == 1)
            // The failed refund is not sent again by itself.
            try await stage.catchUp(after: 4000)
            #expect(try await stage.account.list("refunds").count == 2)
            // The schema refuses to give back one cent more than has come in.
            await #expect(throws: (any Error).self) {
                try await api.transaction { tx in
                    try await tx.run(Command("UPDATE attempt SET given_back = amount + 1 WHERE state = 'succeeded'"))
                }
            }
            try await stage.expectRight()
        }
    }

    @Test func `An expiring hold cancels its open payment attempts`()
        async throws
    {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let (id, secret) = try await stage.secret(share.id, as: stage.member)
            try await stage.catchUp(after: 20 * 60)
            #expect(try await stage.show(id, as: stage.member).state == .cancelled)
            #expect(try await stage.account.pay(secret) == "payment_intent_unexpected_state")
            try await stage.catchUp(after: 2)
            #expect(try await stage.state() == .expired)
            #expect(try await stage.start(share.id, as: stage.member).code == "hold_expired")
            try await stage.expectRight()
        }
    }

    @Test(arguments: [false, true])
    func `Late money restores an expired hold if its cottages are free`(
        isTaken: Bool
    ) async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let (id, secret) = try await stage.secret(share.id, as: stage.member)
            // The service cannot ask the provider: the payment jobs do not run for over a minute.
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE job SET run_at = 'infinity' WHERE queue = 'payments'"))
            }
            api.clock.advance(by: 20 * 60)
            try await api.transaction { tx in
                try await Booking.expire(stage.booking.id, api.app.act(in: tx, as: .job("test")))
            }
            #expect(try await stage.state() == .held)
            api.clock.advance(by: 61)
            try await api.transaction { tx in
                try await Booking.expire(stage.booking.id, api.app.act(in: tx, as: .job("test")))
            }
            #expect(try await stage.state() == .expired)
            if isTaken {
                let rival = try await api.given.guest()
                _ = try await api.given.booking(of: api.given.group(of: rival), by: rival, in: stage.world)
            }
            #expect(try await stage.account.pay(secret) == "succeeded")
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE job SET run_at = \(api.now) WHERE queue = 'payments'"))
            }
            try await api.work()
            #expect(try await stage.show(id, as: stage.member).state == .succeeded)
            if isTaken {
                #expect(try await stage.state() == .expired)
                let refunds = try await stage.account.list("refunds")
                #expect(refunds.count == 1 && refunds.first?["amount"] as? Int64 ?? 0 == share.amount?.amount)
            } else {
                let again = try await api.get(stage.path, as: stage.organiser).decode(Booking.self)
                #expect(again.state == .confirmed && again.total == stage.booking.total)
                #expect(try await stage.account.list("refunds").isEmpty)
            }
            try await stage.expectRight()
            #expect(
                try await api.app.database.read(as: "test") {
                    try await $0.all(AvailabilitySQL.wrongOccupancy(of: nil))
                }
                .isEmpty
            )
        }
    }

    @Test func `A direct debit cannot pay for a hold`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            #expect(try await stage.start(share.id, as: stage.member, by: .sepaDebit).code == "method_too_slow")
            let (_, deposit) = try await stage.secret(share.id, as: stage.member, amount: stage.booking.deposit.amount)
            #expect(try await stage.account.pay(deposit) == "succeeded")
            try await stage.catchUp()
            #expect(try await stage.state() == .confirmed)
            let (id, debit) = try await stage.secret(share.id, as: stage.member, by: .sepaDebit)
            #expect(try await stage.account.pay(debit, with: "pm_sepa_debit_fails") == "processing")
            try await stage.catchUp()
            #expect(try await stage.show(id, as: stage.member).state == .processing)
            try await Task.sleep(for: .seconds(1))
            try await stage.catchUp()
            let failed = try await stage.show(id, as: stage.member)
            #expect(failed.state == .requiresAction && failed.declined == "insufficient_funds")
            #expect(try await stage.account.pay(debit, with: "pm_sepa_debit") == "processing")
            try await Task.sleep(for: .seconds(1))
            try await stage.catchUp()
            #expect(try await stage.show(id, as: stage.member).state == .succeeded)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
        }
    }

    // MARK: Links

    @Test func `A pay link opens only its own share`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let own = try await stage.own(of: stage.organiser)
            struct Made: Decodable {
                let id: String
                let url: String
            }
            #expect(try await api.post("/v1/shares/\(own.id)/links", as: stage.member).status == 403)
            let made = try await api.post("/v1/shares/\(share.id)/links", as: stage.member).decode(Made.self)
            let token = try #require(made.url.split(separator: "/").last)
            let shown = try await api.get("/v1/pay-links/\(token)")
            let amount = try #require(share.amount).amount
            #expect(shown.status == 200 && shown.text.contains("\(amount)"))
            #expect(!shown.text.contains("\(own.id)") && !shown.text.contains("Organiser"))
            let page = try await api.get("/pay/\(token)")
            #expect(page.text.contains("<form") && page.headers["referrer-policy"] == "no-referrer")
            let started = try await api.post("/v1/pay-links/\(token)/payments", PaymentRequest(method: .card))
            let attempt = try started.decode(AttemptView.self)
            #expect(started.status == 202)
            try await api.work()
            let path = "/v1/pay-links/\(token)/payments/\(attempt.id)"
            let secret = try #require(try await api.get(path).decode(AttemptView.self).clientSecret)
            #expect(try await stage.show(attempt.id, as: stage.member).clientSecret == nil)
            #expect(try await stage.account.pay(secret) == "succeeded")
            try await stage.catchUp()
            #expect(try await stage.own(of: stage.member).state == .paid)
            // A link cannot show a payment of another link.
            let second = try await api.post("/v1/shares/\(own.id)/links", as: stage.organiser).decode(Made.self)
            let other = try #require(second.url.split(separator: "/").last)
            #expect(try await api.get("/v1/pay-links/\(other)/payments/\(attempt.id)").status == 404)
            let altered = String(token.dropLast()) + (token.hasSuffix("0") ? "1" : "0")
            #expect(try await api.get("/v1/pay-links/\(altered)").status == 404)
            let revoke = "/v1/shares/\(own.id)/links/\(second.id)"
            #expect(try await api.send("DELETE", revoke, as: stage.member).status == 403)
            #expect(try await api.send("DELETE", revoke, as: stage.organiser).status == 204)
            #expect(try await api.get("/v1/pay-links/\(other)").code == "link_over")
            #expect(try await api.get("/pay/\(other)").code == "link_over")
            api.clock.advance(by: 31 * 86400)
            #expect(try await api.get("/v1/pay-links/\(token)").code == "link_over")
            try await stage.expectRight()
        }
    }
}
