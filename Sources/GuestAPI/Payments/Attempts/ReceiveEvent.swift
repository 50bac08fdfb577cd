import Foundation
import GuestModels
import HTTPTypes
import Logging
import Postgres

/// An event that the provider sends by webhook.
///
/// Only the subject of the event is kept; workers always ask the provider for the present state. So the order and the
/// number of events do not matter, nor does a stranger who reads them on their way.
struct ProviderEvent: Sendable {
    let id: String
    let kind: String
    /// The payment intent of the event, or another object that the event names.
    let subject: String?
    /// The seller's account at which the event happened; nil for the service's own account.
    let account: String?

    /// - Throws: `Problem.badSignature` for a message without a valid and recent signature of the provider.
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

    /// Keeps the event once and queues a job that reads it.
    func receive(_ act: Act) async throws {
        guard try await act.tx.run(ProviderEventSQL.insert(self, at: act.now)) == 1 else { return }
        try Job.enqueue(ReadEvent(eventId: id), at: act.now, act)
    }
}

/// Runs the job of an event's subject at once.
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
            // The event may arrive before the answer that tells us the intent, so the job looks again for two minutes.
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
            act.logger.error(
                "an event of the provider matches nothing",
                metadata: ["event": "\(eventId)", "note": "\(note)"]
            )
        }
    }

    func again(_ act: Act) async throws -> Date? {
        try await act.tx.first(ProviderEventSQL.event(eventId)) == nil ? nil : act.now.addingTimeInterval(10)
    }
}

/// An event of the provider that could not be matched; head office looks at it.
struct ParkedEvent: Encodable, Sendable {
    let id: String
    let kind: String
    let subject: String?
    let receivedAt: Date
    let note: String?
}
