import GuestModels
import HTTPTypes
import Postgres

/// The routes for paying a share through the payment provider.
enum AttemptRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "startPayment": start, "showPayment": show, "endPayment": end, "listAttempts": list, "receiveEvent": receive,
    ]

    /// Seconds that a payer may wait for the provider's answer in one request.
    static let longestWait = 25

    private static func start(_ call: Call) async throws -> Answer {
        let request = try call.body(PaymentRequest.self)
        let share = try call.path(Paths.sharePayments)
        return try await call.write { act in
            let attempt = try await Attempt.start(request, for: share, by: .principal(call.principal), act)
            return try accepted(attempt, at: Paths.payment(attempt.id))
        }
    }

    static func accepted(_ attempt: Attempt, at path: String) throws -> Answer {
        var answer = try Answer.json(AttemptView(attempt), .accepted)
        answer.headers.append(HTTPField(name: .location, value: path))
        return answer
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.payment)
        return try await wait(call) {
            try await call.read { try await Attempt.show(id, $0) }
        }
    }

    /// Answers once the provider has answered, or once the payer's waiting time is over.
    static func wait(_ call: Call, _ look: () async throws -> AttemptView) async throws -> Answer {
        var query = QueryReader(call)
        let seconds = query.int("wait", 0...longestWait, default: 0)
        try query.finish()
        let deadline = ContinuousClock.now + .seconds(seconds)
        var pause = Duration.milliseconds(20)
        while true {
            let view = try await look()
            guard view.state == .created, ContinuousClock.now < deadline else { return try .json(view) }
            try await call.app.admission.rest(call.load) { try? await Task.sleep(for: pause) }
            pause = min(pause * 2, .milliseconds(250))
        }
    }

    private static func end(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.paymentCancel)
        return try await call.write { act in
            try .json(
                AttemptView(
                    await Attempt.end(id, by: .principal(call.principal), act)
                ),
                .accepted
            )
        }
    }

    /// All attempts and refunds of a booking, for the desk; card data is left out.
    private static func list(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminBookingPayments)
        return try .json(await call.read { try await BookingPayments.all(of: id, $0) })
    }

    private static func receive(_ call: Call) async throws -> Answer {
        let event = try ProviderEvent.read(call)
        return try await call.write { act in
            try await event.receive(act)
            return .noContent
        }
    }
}
