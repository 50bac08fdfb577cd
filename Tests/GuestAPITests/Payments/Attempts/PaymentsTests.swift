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

    // MARK: Webhooks

    private static func sign(_ body: String, at now: Date, secret: String = SandboxAccount.webhookSecret) -> String {
        let time = Int(now.timeIntervalSince1970)
        let code = HMAC<SHA256>.authenticationCode(
            for: Data("\(time).\(body)".utf8),
            using: SymmetricKey(data: Data(secret.utf8))
        )
        return "t=\(time),v1=" + code.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test
    func `A webhook with a bad signature is refused`()
        async throws
    {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let body = """
                {"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_stranger","amount":5}}}
                """
            func send(_ body: String, _ signature: String?) async throws -> GuestAPITestService.Response {
                try await api.send(
                    "POST",
                    "/v1/webhooks/stripe",
                    raw: Data(body.utf8),
                    headers: signature.map { ["Stripe-Signature": $0] } ?? [:]
                )
            }
            let good = Self.sign(body, at: api.now)
            #expect(try await send(body, nil).code == "bad_signature")
            #expect(try await send(body, "").code == "bad_signature")
            #expect(try await send(body, "t=abc,v1=").code == "bad_signature")
            #expect(try await send(body, Self.sign(body, at: api.now, secret: "whsec_other")).code == "bad_signature")
            #expect(try await send(body, Self.sign(body, at: api.now.addingTimeInterval(-301))).code == "bad_signature")
            #expect(try await send(body, Self.sign(body, at: api.now.addingTimeInterval(301))).code == "bad_signature")
            #expect(try await send(body.replacing("5", with: "6"), good).code == "bad_signature")
            #expect(try await send("[]", Self.sign("[]", at: api.now)).code == "malformed_http")
            #expect(try await api.count("SELECT count(*) FROM provider_event") == 0)
            // A signed but unknown event is kept once, tried for a while, and then set aside for head office.
            for _ in 0..<3 { #expect(try await send(body, good).status == 204) }
            #expect(try await api.count("SELECT count(*) FROM provider_event") == 1)
            try await api.work()
            try await stage.catchUp(after: 130)
            #expect(try await api.count("SELECT count(*) FROM provider_event WHERE state = 'parked'") == 1)
            let office = try await api.given.headOffice()
            #expect(try await api.get("/v1/admin/reconciliation", as: office).text.contains("pi_stranger"))
            let finance = try await api.given.staff([.finance], at: stage.world.park.id)
            #expect(try await !api.get("/v1/admin/reconciliation", as: finance).text.contains("pi_stranger"))
            try await stage.expectRight()
        }
    }

    @Test func `Reconciliation ignores payments newer than the last reading of the books`() async throws {
        // The sandbox writes its books by the machine's clock.
        try await withGuestAPI(clock: TestClock(Date()), payments: true) { api in
            let arrival = LocalDate(daysSince1970: Int(api.now.timeIntervalSince1970) / 86400 + 100)
            let stage = try await Self.stage(api, from: arrival.description, to: arrival.adding(days: 3).description)
            let office = try await api.given.headOffice()
            func differences() async throws -> [String] {
                struct Seen: Decodable {
                    struct Difference: Decodable {
                        let what: String
                    }
                    let differences: [Difference]
                }
                try await api.transaction { tx in
                    try Job.enqueue(
                        CheckLedger(pass: .all),
                        key: "all",
                        at: api.now,
                        api.app.act(in: tx, as: .job("test"))
                    )
                }
                try await api.work()
                return try await api.get("/v1/admin/reconciliation", as: office).decode(Seen.self).differences.map(
                    \.what
                )
            }
            try await ReadBooks.read(api.app)
            let share = try await stage.own(of: stage.member)
            let (id, secret) = try await stage.secret(share.id, as: stage.member)
            #expect(try await stage.account.pay(secret) == "succeeded")
            try await stage.catchUp()
            #expect(try await stage.show(id, as: stage.member).state == .succeeded)
            #expect(try await differences() == [])
            api.clock.advance(by: 1)
            try await ReadBooks.read(api.app)
            #expect(try await differences() == [])
            // Pretends that the service booked another charge. The provider's charge is reported as unmatched after ten
            // minutes, the service's at once.
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE attempt SET charge = 'ch_nobodys' WHERE id = \(id)"))
            }
            let ours = "attempt that succeeded without a charge at the provider"
            #expect(try await differences() == [ours])
            api.clock.advance(by: 600)
            #expect(try await differences() == [ours, "charge at the provider that nothing here matches"])
        }
    }

    @Test func `A payment of a wrong amount is never booked`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let (id, _) = try await stage.secret(share.id, as: stage.member)
            let wrong = Attempt.Sighting(state: .succeeded, amount: Money(1, "EUR"))
            for sighting in [wrong, .init(state: .succeeded, amount: Money(try #require(share.amount).amount, "USD"))] {
                try await api.transaction { tx in
                    try await Attempt.reconcile(id, sighting, charge: nil, api.app.act(in: tx, as: .job("test")))
                }
            }
            #expect(try await stage.show(id, as: stage.member).state == .failed)
            #expect(try await stage.own(of: stage.member).paid?.amount == 0)
            // The attempt has ended: no job asks the provider again.
            try await stage.catchUp()
            #expect(try await api.count("SELECT count(*) FROM job WHERE kind = 'settleAttempt'") == 0)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'payment'") == 1)
            #expect(try await api.count("SELECT count(*) FROM journal") == 0)
        }
    }

    @Test func `Repeated and reordered webhooks book a payment only once`() async throws {
        // The sandbox signs by the real clock.
        try await withGuestAPI(clock: TestClock(Date()), payments: true) { api in
            let arrival = LocalDate(daysSince1970: Int(api.now.timeIntervalSince1970) / 86400 + 100)
            let stage = try await Self.stage(
                api,
                from: arrival.description,
                to: arrival.adding(days: 3).description
            )
            try await stage.account.listen(api)
            let share = try await stage.own(of: stage.member)
            let (id, secret) = try await stage.secret(share.id, as: stage.member)
            #expect(try await stage.account.pay(secret) == "succeeded")
            // The clock stands still, so the news can come only by webhook.
            for _ in 0..<200 where try await stage.show(id, as: stage.member).state != .succeeded {
                try await api.work()
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try await stage.show(id, as: stage.member).state == .succeeded)
            // Sends all events again, in reverse order.
            for event in try await stage.account.list("events") {
                let body = String(decoding: try JSONSerialization.data(withJSONObject: event), as: UTF8.self)
                    .replacing("evt_", with: "evt_again_")
                let answer = try await api.send(
                    "POST",
                    "/v1/webhooks/stripe",
                    raw: Data(body.utf8),
                    headers: ["Stripe-Signature": Self.sign(body, at: api.now)]
                )
                #expect(answer.status == 204)
            }
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM journal WHERE key LIKE 'pay:%'") == 1)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
        }
    }

    // MARK: The provider away

    @Test
    func `Each payment attempt gets one intent after the provider's outage`()
        async throws
    {
        let file = NSTemporaryDirectory() + "voorpret-down-\(UUID().uuidString).sqlite"
        defer { for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + end) } }
        let port = Int.random(in: 31_001...32_000)
        let first = try SandboxProcess(port: port, file: file)
        try await first.wait()
        try await withGuestAPI(payments: true, account: SandboxAccount(sandbox: first, key: "sk_test_down")) { api in
            let stage = try await Self.stage(api, deposit: 0)
            let share = try await stage.own(of: stage.member)
            let own = try await stage.own(of: stage.organiser)
            await first.kill()
            let attempt = try await stage.start(share.id, as: stage.member).decode(AttemptView.self)
            let other = try await stage.start(own.id, as: stage.organiser).decode(AttemptView.self)
            for _ in 0..<20 { try await stage.catchUp(after: 30) }
            #expect(try await stage.show(attempt.id, as: stage.member).state == .created)
            let finance = try await api.given.staff([.finance], at: stage.world.park.id)
            #expect(try await api.get("/v1/admin/reconciliation", as: finance).text.contains("\"unanswered\":2"))
            let second = try SandboxProcess(port: port, file: file)
            try await second.wait()
            try await stage.catchUp(after: 30)
            let ready = try await stage.show(attempt.id, as: stage.member)
            #expect(ready.state == .requiresAction)
            #expect(try await stage.show(other.id, as: stage.organiser).state == .requiresAction)
            #expect(try await stage.account.list("payment_intents").count == 2)
            #expect(try await stage.account.pay(try #require(ready.clientSecret)) == "succeeded")
            try await stage.catchUp(after: 30)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
            await second.kill()
        }
    }

    @Test func `A payment intent whose answer was lost is not created twice`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let attempt = try await stage.start(share.id, as: stage.member).decode(AttemptView.self)
            // The state after a worker dies between the provider's answer and its own record of it. This provider does
            // not know idempotency keys.
            try await api.transaction { tx in try await tx.run(AttemptSQL.send(attempt.id, at: api.now)) }
            try await stage.account.ask(
                "POST",
                "/v1/payment_intents",
                [
                    "amount": "\(attempt.amount.amount)", "currency": "eur", "payment_method_types[]": "card",
                    "metadata[attempt]": attempt.id.description,
                ]
            )
            try await api.work()
            #expect(try await stage.account.list("payment_intents").count == 1)
            #expect(try await stage.show(attempt.id, as: stage.member).clientSecret != nil)
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

    // MARK: Who owes it

    /// The member of a firm stay has paid in full and dropped out, when a cancellation costs 10 %.
    private struct Dropout {
        let stage: Stage
        /// The member's and the organiser's shares before.
        let member: ShareView
        let organiser: ShareView
        /// The member's amount before, minor units.
        let amount: Int64

        /// The sum that the provider has refunded.
        func returned() async throws -> Int64 {
            try await stage.account.list("refunds").compactMap { $0["amount"] as? Int64 }.reduce(0, +)
        }
    }

    private func withDropout(_ api: GuestAPITestService) async throws -> Dropout {
        let stage = try await Self.stage(api)
        let share = try await stage.own(of: stage.member)
        let own = try await stage.own(of: stage.organiser)
        let (_, secret) = try await stage.secret(share.id, as: stage.member)
        #expect(try await stage.account.pay(secret) == "succeeded")
        try await stage.catchUp()
        #expect(try await stage.state() == .confirmed)
        #expect(try await api.post("/v1/shares/\(share.id)/withdrawal", as: stage.member, key: "w").status == 200)
        try await api.work()
        return Dropout(stage: stage, member: share, organiser: own, amount: try #require(share.amount).amount)
    }

    @Test func `The organiser's household takes over the share of a dropout`() async throws {
        try await withGuestAPI(payments: true) { api in
            let dropout = try await withDropout(api)
            let (stage, fee) = (dropout.stage, dropout.amount.percentage(10))
            let left = try await stage.own(of: stage.member)
            #expect(left.amount?.amount == fee && left.coveredBy == dropout.organiser.householdId)
            let total = stage.booking.total.amount
            #expect(try await stage.own(of: stage.organiser).amount?.amount == total - fee)
            try await stage.expectRight()
        }
    }

    @Test func `Dropping out returns money above the deposit`() async throws {
        try await withGuestAPI(payments: true) { api in
            let dropout = try await withDropout(api)
            let stage = dropout.stage
            #expect(try await dropout.returned() == dropout.amount - stage.booking.deposit.amount)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
        }
    }

    @Test func `A dropout gets the rest back once others pay`() async throws {
        try await withGuestAPI(payments: true) { api in
            let dropout = try await withDropout(api)
            let stage = dropout.stage
            let (_, rest) = try await stage.secret(dropout.organiser.id, as: stage.organiser)
            #expect(try await stage.account.pay(rest) == "succeeded")
            try await stage.catchUp()
            try await api.work()
            #expect(try await dropout.returned() == dropout.amount - dropout.amount.percentage(10))
            #expect(try await stage.state() == .confirmed)
            try await stage.expectRight()
        }
    }

    @Test func `Money paid twice does not pay for a dearer change`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api, deposit: 50)
            let own = try await stage.own(of: stage.organiser)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let (_, secret) = try await stage.secret(own.id, as: stage.organiser)
            #expect(try await stage.account.pay(secret) == "succeeded")
            // Before the service hears of the payment, the desk takes the same money in cash.
            let cash = TillPaymentRequest(method: .cash, amount: try #require(own.amount).amount)
            let path = "/v1/admin/shares/\(own.id)/till-payments"
            #expect(try await api.post(path, cash, as: reception, key: "t").status == 201)
            api.clock.advance(by: 6)
            _ = try await Worker(app: api.app, queue: .payments).round()
            #expect(try await stage.own(of: stage.organiser).paid?.amount == 2 * cash.amount)
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            let quote = try await api.post("\(stage.path)/quotes", longer, as: stage.organiser).decode(Quote.self)
            let changed = try await api.change(
                "POST",
                "\(stage.path)/changes",
                QuotedChange(quoteId: quote.id),
                as: stage.organiser,
                match: quote.bookingVersion,
                key: "c"
            )
            .decode(Booking.self)
            #expect(changed.stay.nightCount == 3)
            try await stage.catchUp()
            #expect(try await stage.account.list("refunds").compactMap { $0["amount"] as? Int64 } == [cash.amount])
            try await stage.expectRight()
        }
    }

    @Test func `The organiser's household cannot drop out`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let own = try await stage.own(of: stage.organiser)
            let answer = try await api.post("/v1/shares/\(own.id)/withdrawal", as: stage.organiser, key: "o")
            #expect(answer.code == "organiser_answers")
        }
    }

    @Test func `A dropout cannot give a share away`() async throws {
        try await withGuestAPI(payments: true) { api in
            let dropout = try await withDropout(api)
            let stage = dropout.stage
            let give = ReassignmentRequest(householdId: dropout.member.householdId)
            func code(_ share: ShareView, _ key: String) async throws -> String? {
                try await api.post("/v1/shares/\(share.id)/reassignment", give, as: stage.member, key: key).code
            }
            #expect(try await code(dropout.organiser, "r1") == "forbidden")
            #expect(try await code(dropout.member, "r2") == "covers_itself")
            try await stage.expectRight()
        }
    }

    @Test func `Goodwill above the limit needs a second person`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let amount = try #require(share.amount).amount
            for who in [stage.member, stage.organiser] {
                let (_, secret) = try await stage.secret(stage.own(of: who).id, as: who)
                #expect(try await stage.account.pay(secret) == "succeeded")
                try await stage.catchUp()
            }
            let park = stage.world.park.id
            let reception = try await api.given.staff([.reception, .finance], at: park)
            let finance = try await api.given.staff([.finance], at: park)
            let path = "/v1/admin/shares/\(share.id)/goodwill"
            func give(_ amount: Int64, as who: Given.Person) async throws -> GuestAPITestService.Response {
                try await api.post(
                    path,
                    GoodwillRequest(amount: amount, reason: "cold"),
                    as: who,
                    key: UUID().uuidString
                )
            }
            #expect(try await give(amount + 1, as: reception).code == "more_than_owed")
            #expect(try await give(1, as: stage.member).status == 403)
            #expect(try await give(5000, as: reception).status == 201)
            #expect(try await stage.own(of: stage.member).amount?.amount == amount - 5000)
            let asked = try await give(5001, as: reception)
            #expect(asked.status == 202)
            let goodwill = try asked.decode(Goodwill.self)
            let approval = "/v1/admin/goodwill/\(goodwill.id)/approval"
            #expect(try await api.post(approval, as: reception, key: "a1").code == "second_person_needed")
            #expect(try await stage.own(of: stage.member).amount?.amount == amount - 5000)
            for key in ["a2", "a3"] { #expect(try await api.post(approval, as: finance, key: key).status == 200) }
            #expect(try await stage.own(of: stage.member).amount?.amount == amount - 10001)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'goodwill' AND state = 'open'") == 0)
            try await api.work()
            let back = try await stage.account.list("refunds").compactMap { $0["amount"] as? Int64 }
            #expect(back.reduce(0, +) == 10001)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
        }
    }

    /// A hold ends at the instant its payer pays: the stay becomes firm, or the money goes back exactly once.
    @Test func `A payment at the deadline either confirms the stay or goes back`() async throws {
        let rounds = ProcessInfo.processInfo.environment["VOORPRET_INSTANTS"].flatMap { Int($0) } ?? 30
        try await withGuestAPI(payments: true) { api in
            var rules = Given.rules
            rules.depositPercent = 30
            let world = try await api.given.park(cottages: 3, rules: rules)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let account = try #require(api.account)
            var (firm, back) = (0, 0)
            for round in 0..<rounds {
                let arrival = try day("2027-01-04").adding(days: round % 200 * 2)
                let booking = try await api.given.booking(
                    of: group,
                    by: organiser,
                    in: world,
                    cottages: [world.cottages[round / 200 % 3]],
                    from: arrival.description,
                    to: arrival.adding(days: 2).description
                )
                let stage = Stage(
                    api: api,
                    account: account,
                    world: world,
                    organiser: organiser,
                    member: organiser,
                    booking: booking
                )
                let share = try await stage.own(of: organiser)
                let (id, secret) = try await stage.secret(share.id, as: organiser)
                api.clock.advance(by: 20 * 60 - 0.001)
                async let paid = account.pay(secret)
                async let worked: Void = {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...20)))
                    api.clock.advance(by: 0.001)
                    try await api.work()
                }()
                let status = try await paid
                try await worked
                for _ in 0..<20 where try await stage.state() == .held { try await stage.catchUp(after: 3) }
                try await stage.catchUp(after: 61)
                let state = try await stage.state()
                let attempt = try await stage.show(id, as: organiser).state
                if status == "succeeded" {
                    #expect(attempt == .succeeded)
                    firm += state == .confirmed ? 1 : 0
                    back += state == .confirmed ? 0 : 1
                } else {
                    #expect(attempt == .cancelled && state == .expired)
                }
            }
            let returned = try await account.list("refunds").count
            #expect(returned == min(back, 100))
            #expect(firm + back > 0)
            #expect(try await Office(api.app).checkLedger(withProvider: true) == [])
        }
    }
}
