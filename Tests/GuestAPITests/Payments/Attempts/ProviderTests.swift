import Foundation
import GuestModels
import TestKit
import Testing

@testable import GuestAPI

/// The behaviour that the service needs of a payment provider; tested with our sandbox and with an independent server.
@Suite(.serialized) struct ProviderTests {
    /// A server of the API; localstripe runs where `scripts/test.sh` could install it.
    enum Server: String, CaseIterable, Sendable {
        case sandbox, localstripe

        static var present: [Server] {
            allCases.filter {
                $0 == .sandbox || ProcessInfo.processInfo.environment["VOORPRET_TEST_LOCALSTRIPE"] != nil
            }
        }

        func account() async throws -> SandboxAccount {
            let key = "sk_test_contract\(UInt32.random(in: 0...UInt32.max))"
            guard self == .localstripe, let url = ProcessInfo.processInfo.environment["VOORPRET_TEST_LOCALSTRIPE"]
            else {
                return SandboxAccount(url: "http://127.0.0.1:\(try await SandboxProcess.shared().port)", key: key)
            }
            return SandboxAccount(url: url, key: key)
        }
    }

    private func attempt(_ amount: Int64 = 4321) -> Attempt {
        Attempt(
            id: Attempt.ID(UUID()),
            shareId: Share.ID(UUID()),
            method: .card,
            amount: Money(amount, "EUR"),
            createdAt: Date()
        )
    }

    @Test(.enabled(if: StripeLibrary.python != nil))
    func `Stripe's own library works with the payment sandbox`() async throws {
        let outcome = try await StripeLibrary.drive("http://127.0.0.1:\(SandboxProcess.shared().port)")
        #expect(outcome.status == 0 && outcome.said.contains(" passed, 0 failed"), "\(outcome.said)")
    }

    /// Pays as a payer's phone does, on a server that needs the card on the intent first.
    private func pay(_ id: String, with card: String, at account: SandboxAccount) async throws {
        try await account.ask("POST", "/v1/payment_intents/\(id)", ["payment_method": card])
        try await account.ask("POST", "/v1/payment_intents/\(id)/confirm", ["expand[]": "charges"])
    }

    @Test(arguments: Server.present)
    func `A paid intent's charge appears in the provider's books`(server: Server) async throws {
        let account = try await server.account()
        let provider = PaymentProvider(settings: account.settings)
        let attempt = attempt()
        #expect(try await provider.intent(for: attempt.id, since: Date()) == nil)
        let made = try await provider.createIntent(for: attempt)
        #expect(made.sighting == .init(state: .requiresAction, amount: attempt.amount))
        #expect(made.clientSecret?.hasPrefix(made.id) == true)
        #expect(try await provider.intent(for: attempt.id, since: Date())?.id == made.id)
        try await pay(made.id, with: "pm_card_visa", at: account)
        let paid = try await provider.intent(made.id)
        #expect(paid.sighting == .init(state: .succeeded, amount: attempt.amount))
        let charge = try #require(paid.latestCharge?.id)
        // It is too late to cancel, so the real state counts.
        #expect(try await provider.cancel(made.id).sighting.state == .succeeded)
        let movements = try await provider.movements(after: nil).movements
        let movement = try #require(movements.first { $0.source?.id == charge })
        #expect(movement.type == "charge" && movement.amount.value == 4321 && movement.currency.uppercased() == "EUR")
    }

    @Test(arguments: Server.present)
    func `A cancelled intent stays cancelled`(server: Server) async throws {
        let account = try await server.account()
        let provider = PaymentProvider(settings: account.settings)
        let made = try await provider.createIntent(for: attempt())
        try await pay(made.id, with: "pm_card_chargeCustomerFail", at: account)
        let declined = try await provider.intent(made.id).sighting
        #expect(declined.state == .requiresAction && declined.declined != nil)
        let other = try await provider.createIntent(for: attempt())
        #expect(try await provider.cancel(other.id).sighting.state == .cancelled)
        #expect(try await provider.cancel(other.id).sighting.state == .cancelled)
        try await pay(other.id, with: "pm_card_visa", at: account)
        #expect(try await provider.intent(other.id).sighting.state == .cancelled)
        await #expect(throws: PaymentProvider.Failure.self) { try await provider.intent("pi_none") }
    }

    @Test(arguments: Server.present)
    func `A payment with 3-D Secure succeeds only after the payer's authentication`(server: Server) async throws {
        let account = try await server.account()
        let provider = PaymentProvider(settings: account.settings)
        let made = try await provider.createIntent(for: attempt())
        let secret = try #require(made.clientSecret)
        try await pay(made.id, with: "pm_card_threeDSecure2Required", at: account)
        guard server == .sandbox else { return }
        #expect(try await provider.intent(made.id).sighting.state == .requiresAction)
        #expect(try await account.authenticate(secret, true) == "succeeded")
        #expect(try await provider.intent(made.id).sighting.state == .succeeded)
    }

    @Test(arguments: Server.present)
    func `A refund appears in the provider's books`(server: Server) async throws {
        let account = try await server.account()
        let provider = PaymentProvider(settings: account.settings)
        let attempt = attempt()
        let made = try await provider.createIntent(for: attempt)
        try await pay(made.id, with: "pm_card_visa", at: account)
        let refund = Refund(
            id: Refund.ID(UUID()),
            attemptId: attempt.id,
            shareId: attempt.shareId,
            amount: Money(1234, "EUR"),
            createdAt: Date()
        )
        #expect(try await provider.refund(refund.id, of: made.id) == nil)
        let given = try await provider.createRefund(refund, of: made.id)
        #expect(given.amount.value == 1234)
        #expect(try await provider.refund(refund.id, of: made.id)?.id == given.id)
        #expect(try await provider.refund(given.id).amount.value == 1234)
        let movements = try await provider.movements(after: nil).movements
        #expect(movements.contains { $0.source?.id == given.id && $0.amount.value == -1234 })
        // The other server has mistakes here; our sandbox must not have them.
        guard server == .sandbox else { return }
        #expect(try await provider.createRefund(refund, of: made.id).id == given.id)
        let rest = Refund(
            id: Refund.ID(UUID()),
            attemptId: attempt.id,
            shareId: attempt.shareId,
            amount: Money(4321 - 1234 + 1, "EUR"),
            createdAt: Date()
        )
        await #expect(throws: PaymentProvider.Failure.self) { try await provider.createRefund(rest, of: made.id) }
        var same = attempt
        same.amount = Money(1, "EUR")
        await #expect(throws: PaymentProvider.Failure.self) { try await provider.createIntent(for: same) }
        #expect(try await provider.createIntent(for: attempt).id == made.id)
    }
}
