import Crypto
import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension PaymentsTests {
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
}
