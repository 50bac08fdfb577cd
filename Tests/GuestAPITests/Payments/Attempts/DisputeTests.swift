import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Money that had come in, and that a bank or staff at the provider have moved since.
@Suite struct DisputeTests {
    private typealias Stage = PaymentsTests.Stage

    /// The member's share, paid by this method; the service has not heard of the payment's later events.
    private func paid(_ stage: Stage, with method: String, by way: Attempt.Method = .card) async throws -> Share.ID {
        let share = try await stage.own(of: stage.member)
        let (_, secret) = try await stage.secret(share.id, as: stage.member, by: way)
        _ = try await stage.account.pay(secret, with: method)
        try await stage.catchUp()
        return share.id
    }

    private func firm(_ stage: Stage) async throws {
        let own = try await stage.own(of: stage.organiser)
        let (_, secret) = try await stage.secret(own.id, as: stage.organiser)
        #expect(try await stage.account.pay(secret) == "succeeded")
        try await stage.catchUp()
        #expect(try await stage.state() == .confirmed)
    }

    private func refunds(_ stage: Stage) async throws -> Int64 {
        try await stage.account.list("refunds").compactMap { $0["amount"] as? Int64 }.reduce(0, +)
    }

    /// Reads the provider's books, as a job does every five minutes, and runs the jobs that follow.
    private func readBooks(_ stage: Stage) async throws {
        try await ReadBooks.read(stage.api.app)
        try await stage.api.work()
    }

    private func disputes(_ stage: Stage) async throws -> [String] {
        try await stage.account.list("disputes").compactMap { $0["id"] as? String }
    }

    /// A firm stay whose member's bank has taken back the whole share.
    private func disputed(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await PaymentsTests.stage(api)
        try await firm(stage)
        _ = try await paid(stage, with: "pm_card_createDispute")
        try await readBooks(stage)
        return stage
    }

    /// Cancels the stay; the undisputed money covers the fee.
    private func cancel(_ stage: Stage) async throws {
        _ = try await stage.api.post("\(stage.path)/cancel", as: stage.organiser, key: "x")
        try await stage.api.work()
    }

    @Test func `Disputed money does not count as paid`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await disputed(api)
            let open = try await stage.own(of: stage.member)
            #expect(open.state == .open && open.paid?.amount == 0)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'dispute' AND state = 'open'") == 1)
            try await stage.expectRight()
        }
    }

    @Test func `Disputed money is not refunded`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await disputed(api)
            try await cancel(stage)
            let attempts = try await api.count(
                "SELECT count(*) FROM refund JOIN attempt ON attempt.id = attempt_id WHERE taken_back > 0"
            )
            #expect(attempts == 0)
            try await stage.expectRight()
        }
    }

    @Test func `Disputed money counts as paid again once the dispute is won`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await disputed(api)
            try await cancel(stage)
            for id in try await disputes(stage) {
                try await stage.account.ask(
                    "POST",
                    "/v1/disputes/\(id)",
                    ["evidence[uncategorized_text]": "winning_evidence"]
                )
            }
            try await readBooks(stage)
            // The fee is covered, so all money above it goes back now.
            let total = try await api.get(stage.path, as: stage.organiser).decode(Booking.self).total.amount
            #expect(try await refunds(stage) == stage.booking.total.amount - total)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'dispute' AND state = 'open'") == 0)
            try await stage.expectRight()
        }
    }

    /// A stay that a payment made firm; the bank has taken this payment back since.
    private func withoutDeposit(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await PaymentsTests.stage(api)
        _ = try await paid(stage, with: "pm_card_createDispute")
        try await readBooks(stage)
        #expect(try await stage.state() == .confirmed)
        return stage
    }

    private func statement(_ stage: Stage) async throws -> StatementView {
        try await stage.api.get("\(stage.path)/statement", as: stage.organiser).decode(StatementView.self)
    }

    @Test func `A deposit that a bank takes back gets a new due date`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await withoutDeposit(api)
            let told = try await statement(stage)
            #expect(!told.isDepositCovered && told.depositDue != nil && told.paid?.amount == 0)
            try await stage.expectRight()
        }
    }

    @Test func `Paying a lost deposit again removes its due date`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await withoutDeposit(api)
            let own = try await stage.own(of: stage.organiser)
            let (_, secret) = try await stage.secret(own.id, as: stage.organiser)
            #expect(try await stage.account.pay(secret) == "succeeded")
            try await stage.catchUp()
            let told = try await statement(stage)
            #expect(told.isDepositCovered && told.depositDue == nil)
            try await stage.expectRight()
        }
    }

    @Test func `Money goes back to the card that is not disputed`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api)
            try await firm(stage)
            let share = try await stage.own(of: stage.member)
            let half = try #require(share.amount).amount / 2
            for method in ["pm_card_visa", "pm_card_createDispute"] {
                let (_, secret) = try await stage.secret(share.id, as: stage.member, amount: half)
                #expect(try await stage.account.pay(secret, with: method) == "succeeded")
                try await stage.catchUp()
            }
            // The service has not heard of the dispute yet, and the provider refuses a refund of the charge.
            let reception = try await api.given.staff([.reception, .host], at: stage.world.park.id)
            let gift = GoodwillRequest(amount: 5000, reason: "cold")
            #expect(
                try await api.post("/v1/admin/shares/\(share.id)/goodwill", gift, as: reception, key: "g").status == 201
            )
            try await api.work()
            try await stage.catchUp()
            try await readBooks(stage)
            let own = try await stage.own(of: stage.member)
            #expect(own.paid?.amount == half)
            #expect(try await refunds(stage) == 0)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund' AND state = 'open'") == 0)
            try await stage.expectRight()
        }
    }

    @Test func `A bank that only inquires takes no money`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api)
            _ = try await paid(stage, with: "pm_card_createInquiry")
            try await readBooks(stage)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
        }
    }

    @Test func `An inquiry of a bank is a task to answer it`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api)
            let (id, secret) = try await stage.secret(stage.own(of: stage.member).id, as: stage.member)
            _ = try await stage.account.pay(secret, with: "pm_card_createInquiry")
            try await stage.catchUp()
            // An inquiry moves no money, so only a webhook starts this review.
            try await ReviewCharge.carryOut(id, api.app)
            let tasks = try await api.count("SELECT count(*) FROM task WHERE title LIKE 'A payer''s bank asks about %'")
            #expect(tasks == 1)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
        }
    }

    @Test func `A refund made in the provider's dashboard gives the household no credit`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api)
            try await firm(stage)
            let share = try await paid(stage, with: "pm_card_visa")
            let intents = try await stage.account.list("payment_intents")
            let latest = try #require(intents.first?["id"] as? String)
            try await stage.account.ask("POST", "/v1/refunds", ["payment_intent": latest])
            // The booking is cancelled before news arrives: our refund is refused, and nothing becomes a credit.
            _ = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x")
            try await api.work()
            try await stage.catchUp()
            try await readBooks(stage)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let cash = TillPaymentRequest(method: .cash, amount: 1)
            let till = "/v1/admin/shares/\(share)/till-refunds"
            #expect(try await api.post(till, cash, as: reception, key: "t").code == "more_than_due")
            #expect(try await stage.own(of: stage.member).paid?.amount == 0)
            try await stage.expectRight()
        }
    }

    @Test func `A refund in the provider's dashboard replaces the service's reserved refunds`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api)
            try await firm(stage)
            let share = try await paid(stage, with: "pm_card_visa")
            let intents = try await stage.account.list("payment_intents")
            let latest = try #require(intents.first?["id"] as? String)
            // The two refunds are reserved before the provider is asked.
            let effects = Worker(app: api.app, queue: .effects)
            for path in ["/v1/shares/\(share)/withdrawal", "\(stage.path)/cancel"] {
                let who = path.hasPrefix("/v1/shares") ? stage.member : stage.organiser
                #expect(try await api.post(path, as: who, key: path).status == 200)
                while try await effects.round() > 0 {}
            }
            #expect(try await api.count("SELECT count(*) FROM refund WHERE state = 'reserved'") == 2)
            try await stage.account.ask("POST", "/v1/refunds", ["payment_intent": latest])
            for _ in 0..<4 { try await stage.catchUp(after: 3601) }
            #expect(try await api.count("SELECT count(*) FROM refund WHERE state = 'reserved'") == 0)
            #expect(try await api.count("SELECT count(*) FROM refund WHERE state = 'succeeded' AND is_foreign") == 1)
            try await readBooks(stage)
            try await stage.expectRight()
        }
    }

    @Test func `A direct debit that comes back opens the share again`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await PaymentsTests.stage(api)
            try await firm(stage)
            _ = try await paid(stage, with: "pm_sepa_debit_comes_back", by: .sepaDebit)
            // The sandbox clears the debit and then returns it, both by itself.
            for _ in 0..<600 {
                try await stage.catchUp(after: 3601)
                try await readBooks(stage)
                if try await api.count("SELECT count(*) FROM attempt WHERE taken_back > 0") == 1 { break }
                try await Task.sleep(for: .milliseconds(20))
            }
            let own = try await stage.own(of: stage.member)
            #expect(own.paid?.amount == 0 && own.state != .paid)
            let title = try await api.count("SELECT count(*) FROM task WHERE title LIKE 'The bank has taken back %'")
            #expect(title == 1)
            try await stage.expectRight()
        }
    }

    // MARK: The check

    private struct RolledBack: Error {}

    /// Statements that break a rule about returned money or mandates by `size`, and the finding that the check must
    /// report.
    private static let plants: [(found: String, changes: @Sendable (_ size: Int64) -> SQL)] = [
        (
            "attempt has been taken back otherwise than the ledger says",
            { size in
                "UPDATE attempt SET taken_back = taken_back - least(\(size), taken_back) WHERE taken_back > 0"
            }
        ),
        (
            "dispute at the provider that nothing here matches",
            { size in
                "UPDATE attempt SET taken_back = taken_back - least(\(size), taken_back) WHERE taken_back > 0"
            }
        ),
        (
            "share is not paid what the ledger says",
            { size in
                "UPDATE share SET paid = paid + \(size) WHERE id IN (SELECT share_id FROM attempt WHERE taken_back > 0)"
            }
        ),
        (
            "money that a bank has taken back is given back",
            { size in
                """
                WITH given AS (
                    UPDATE attempt SET given_back = least(\(size), amount) WHERE taken_back > 0 RETURNING id, amount
                )
                INSERT INTO refund (id, attempt_id, amount, created_at)
                SELECT gen_random_uuid(), id, least(\(size), amount), now() FROM given
                """
            }
        ),
        (
            "attempt has not given back what its refunds say",
            { size in
                "UPDATE attempt SET given_back = least(\(size), amount) WHERE taken_back > 0"
            }
        ),
        (
            "mandate is not what was given under it",
            { size in
                "UPDATE mandate SET spent = spent + \(size), allowed = allowed + \(size)"
            }
        ),
        (
            "mandate is not what was given under it",
            { size in
                "UPDATE goodwill SET amount = amount + \(size) WHERE state = 'given'"
            }
        ),
        (
            "gift that no mandate counts",
            { size in
                "UPDATE goodwill SET day = day + (1 + \(Int(size % 300))::int) WHERE state = 'given'"
            }
        ),
    ]

    @Test func `The ledger check finds wrong records of disputes and goodwill`() async throws {
        let count = ProcessInfo.processInfo.environment["VOORPRET_PLANTS"].flatMap { Int($0) } ?? 2
        try await withGuestAPI(payments: true, isTampering: true) { api in
            let stage = try await disputed(api)
            let reception = try await api.given.staff([.reception, .host], at: stage.world.park.id)
            let share = try await stage.own(of: stage.member)
            let path = "/v1/admin/shares/\(share.id)/goodwill"
            let gift = GoodwillRequest(amount: 1000, reason: "cold water")
            #expect(try await api.post(path, gift, as: reception, key: "gift").status == 201)
            try await stage.expectRight()
            var random = SeededGenerator(seed: 2)
            for plant in Self.plants {
                for _ in 0..<count {
                    let size = Int64.random(in: 1...20_000, using: &random)
                    await #expect(throws: RolledBack.self) {
                        try await api.transaction { tx in
                            try await tx.run(Command(plant.changes(size)))
                            let found = try await CheckLedger.all(withProvider: true, in: tx)
                            #expect(found.contains { $0.what == plant.found }, "\(plant.found) by \(size): \(found)")
                            throw RolledBack()
                        }
                    }
                }
            }
            try await stage.expectRight()
        }
    }
}
