import Crypto
import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension PaymentsTests {
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
}
