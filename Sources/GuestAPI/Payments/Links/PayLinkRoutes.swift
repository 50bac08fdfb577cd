import GuestModels
import HTTPTypes
import Postgres

/// Paying without an account: a person with the link pays that share and sees nothing else.
enum PayLinkRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "createPayLink": create, "revokePayLink": revoke, "showPayLink": show, "payByLink": pay,
        "showLinkPayment": showPayment, "showPayPage": page, "startPayPage": startPage,
    ]

    private static func create(_ call: Call) async throws -> Answer {
        let share = try call.path(Paths.shareLinks)
        return try await call.write { act in
            let link = try await PayLink.create(for: share, act)
            return try .json(
                PayLinkAnswer(id: link.id, url: PayLink.url(of: link.id, call.app), expiresAt: link.expiresAt),
                .created
            )
        }
    }

    private static func revoke(_ call: Call) async throws -> Answer {
        let (share, link) = try call.path(Paths.shareLink)
        return try await call.write { act in
            try await PayLink.revoke(link, of: share, act)
            return .noContent
        }
    }

    private static func find(_ token: String, _ call: Call) async throws -> PayLink {
        try await call.read { try await PayLink.find(token, $0) }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let link = try await find(call.path(Paths.payLink), call)
        return try .json(await call.read { try await PayLinkView.show(link, $0) })
    }

    private static func pay(_ call: Call) async throws -> Answer {
        let request = try call.body(PaymentRequest.self)
        let token = try call.path(Paths.payLinkPayments)
        let link = try await find(token, call)
        return try await call.write { act in
            let attempt = try await Attempt.start(request, for: link.shareId, by: .link(link), act)
            return try AttemptRoutes.accepted(attempt, at: Paths.payLinkPayment(token, attempt.id))
        }
    }

    private static func showPayment(_ call: Call) async throws -> Answer {
        let (token, id) = try call.path(Paths.payLinkPayment)
        let link = try await find(token, call)
        return try await AttemptRoutes.wait(call) { try await view(id, link, call) }
    }

    private static func view(_ id: Attempt.ID, _ link: PayLink, _ call: Call) async throws -> AttemptView {
        try await call.read { try await Attempt.show(id, by: link, $0) }
    }

    // MARK: The page that a mail leads to

    private static func page(_ call: Call) async throws -> Answer {
        let link = try await find(call.path(Paths.payPage), call)
        let view = try await call.read { try await PayLinkView.show(link, $0) }
        return PayPage.answer(view, at: PayLink.url(of: link.id, call.app), in: call.language)
    }

    /// The page's button: begins to pay the open amount, and sends the browser to the page where it is paid.
    private static func startPage(_ call: Call) async throws -> Answer {
        let token = try call.path(Paths.payPage)
        let link = try await find(token, call)
        let taken = try await call.read { try await PayLinkView.show(link, $0) }.methods
        let method = taken.contains(.ideal) && call.language == .dutch ? Attempt.Method.ideal : .card
        let attempt: Attempt
        do {
            attempt = try await call.act { act in
                try await Attempt.start(PaymentRequest(method: method), for: link.shareId, by: .link(link), act)
            }
        } catch let refusal as Refusal {
            // The client is a browser, so answer with a page that a person can read.
            let view = try await call.read { try await PayLinkView.show(link, $0) }
            return PayPage.answer(
                view,
                at: PayLink.url(of: link.id, call.app),
                refusing: refusal,
                in: call.language
            )
        }
        return PayPage.redirect(to: try await address(of: attempt.id, link, call) ?? Paths.payPage(token))
    }

    /// The address of the page where an attempt is paid; nil when the provider has not named it within five seconds.
    private static func address(of attempt: Attempt.ID, _ link: PayLink, _ call: Call) async throws -> String? {
        guard call.app.settings.payments?.page != nil else { return nil }
        let deadline = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < deadline {
            if let page = try await view(attempt, link, call).page { return page }
            try await call.app.admission.rest(call.load) { try? await Task.sleep(for: .milliseconds(50)) }
        }
        return nil
    }
}

extension Paths {
    static let shareLink = Path("/v1/shares/{share}/links/{link}", Share.ID.self, PayLink.ID.self)
}
