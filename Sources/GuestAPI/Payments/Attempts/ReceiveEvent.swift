import Foundation
import GuestModels
import HTTPTypes
import Logging
import Postgres

/// Something the provider tells by webhook.
///
/// Only what it is about is kept: workers always ask how that stands now, so it does not matter in which order events
/// come, how often, or that somebody has seen them on their way.
struct ProviderEvent: Sendable {
    let id: String
    let kind: String
    /// The payment intent it is about, or whatever else it names.
    let subject: String?
    /// The seller's account it happened at; nil: the service's own.
    let account: String?

    /// - Throws: `Problem.badSignature` for every message that the provider has not signed lately.
    static func read(_ call: Call) throws -> ProviderEvent {
        guard let signature = call.headers[.stripeSignature], let settings = call.app.settings.payments,
            WebhookSignature.isValid(signature, over: call.bytes, secrets: settings.webhookSecrets, now: call.now)
        else { throw Problem.badSignature }
        struct Body: Decodable {
            struct Payload: Decodable {
                let object: Subject
            }
            struct Subject: Decodable {
                let id: String?
                let paymentIntent: PaymentProvider.Reference?
            }

            let id: String
            let type: String
            let account: String?
            let data: Payload
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let body = try? decoder.decode(Body.self, from: Data(call.bytes)),
            (1...255).contains(body.id.utf8.count), (1...100).contains(body.type.utf8.count)
        else { throw Problem.malformed }
        let subject = body.data.object.paymentIntent?.id ?? body.data.object.id
        return ProviderEvent(
            id: body.id,
            kind: body.type,
            subject: subject.map { String($0.prefix(255)) },
            account: body.account.map { String($0.prefix(255)) }
        )
    }

    /// Keeps it, once, for a worker.
    func receive(_ act: Act) async throws {
        guard try await act.tx.run(ProviderEventSQL.insert(self, at: act.now)) == 1 else { return }
        try Job.enqueue(ReadEvent(eventId: id), at: act.now, act)
    }
}

/// Brings forward what an event is about.
struct ReadEvent: Work {
    static let kind = "readEvent"
    static let queue = Job.Queue.effects

    let eventId: String

    func finish(_ act: Act) async throws {
        guard let (event, receivedAt) = try await act.tx.first(ProviderEventSQL.event(eventId)) else { return }
        func close() { act.tx.later([ProviderEventSQL.closeEvent(eventId, isParked: false, note: nil)]) }
        switch event.kind.split(separator: ".").first {
        case "payment_intent", "charge", "refund": break
        case "payout":
            try Job.enqueue(ReadBooks(), key: "now", at: act.now, act)
            return event.kind == "payout.failed" ? park("a payout failed") : close()
        default: return close()
        }
        guard let subject = event.subject, let row = try await act.tx.first(AttemptSQL.attempt(ofReference: subject))
        else {
            // The answer that tells us this intent may be behind its event, so it comes by again for a while.
            if act.now.timeIntervalSince(receivedAt) < 120 { return }
            return park("no attempt of ours")
        }
        // An attempt belongs to one account; an event of another account is parked for head office.
        guard row.attempt.account == event.account else { return park("another account than the attempt's") }
        close()
        if event.kind.hasPrefix("charge.dispute") || event.kind.contains("refund") {
            try Job.enqueue(ReadBooks(), key: "now", at: act.now, act)
            let attempt = row.attempt.id
            try Job.enqueue(ReviewCharge(attemptId: attempt), key: attempt.description, at: act.now, act)
        }
        if event.kind.hasPrefix("payment_intent."), row.attempt.state != .succeeded {
            try Job.enqueue(
                ReconcileAttempt(attemptId: row.attempt.id),
                key: row.attempt.id.description,
                at: act.now,
                act
            )
        }
        if event.kind.contains("refund") {
            for refund in try await act.tx.all(RefundSQL.refunds(of: row.attempt.id)).map(\.refund)
            where refund.state != .failed {
                try Job.enqueue(ReconcileRefund(refundId: refund.id), key: refund.id.description, at: act.now, act)
            }
        }

        func park(_ note: String) {
            act.tx.later([ProviderEventSQL.closeEvent(eventId, isParked: true, note: note)])
            act.app.logger.error(
                "an event of the provider matches nothing",
                metadata: ["event": "\(eventId)", "note": "\(note)"]
            )
        }
    }

    func again(_ act: Act) async throws -> Date? {
        try await act.tx.first(ProviderEventSQL.event(eventId)) == nil ? nil : act.now.addingTimeInterval(10)
    }
}

/// An event that nothing here matches, for somebody to look at.
struct ParkedEvent: Encodable, Sendable {
    let id: String
    let kind: String
    let subject: String?
    let receivedAt: Date
    let note: String?
}
