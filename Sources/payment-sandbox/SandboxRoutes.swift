import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// Stripe's API over HTTP, as far as payments need it, and the page for payers.
struct SandboxRoutes: Sendable {
    let store: Store
    let options: Bank.Options

    typealias Context = BasicRequestContext

    func router() -> Router<Context> {
        let router = Router(context: Context.self)
        let v1 = router.group("v1")
        intents(v1)
        money(v1)
        router.post("_config/webhooks/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await write(request) { bank, form in
                guard let url = form["url"], URL(string: url)?.host() != nil, let secret = form["secret"] else {
                    throw Fault.parameter("url", "and secret must be given")
                }
                try bank.store.setEndpoint(id, url: url, secret: secret, of: bank.account)
                return ["url": url]
            }
        }
        router.get("pay/:id") { request, context in try await page(request, context) }
        router.post("pay/:id") { request, context in try await decide(request, context) }
        router.get("livez") { _, _ in "ok\n" }
        for method in [HTTPRequest.Method.get, .post, .delete] {
            router.on("**", method: method) { request, _ in try unknown(request) }
            v1.on("**", method: method) { request, _ in try unknown(request) }
        }
        return router
    }

    private func intents(_ v1: RouterGroup<Context>) {
        v1.post("payment_intents") { request, _ in
            try await write(request) { bank, form in try bank.createIntent(form) }
        }
        v1.get("payment_intents") { request, _ in
            try await list(request, "/v1/payment_intents", PaymentIntent.self)
        }
        v1.get("payment_intents/:id") { request, context in
            try await read(request, context) { bank, id in try bank.intent(id) }
        }
        v1.post("payment_intents/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await write(request) { bank, form in try bank.update(id, form) }
        }
        v1.post("payment_intents/:id/confirm") { request, context in
            let id = try context.parameters.require("id")
            return try await write(request, payer: id) { bank, form in
                try bank.confirm(bank.intent(id), with: form["payment_method"])
            }
        }
        v1.post("payment_intents/:id/_authenticate") { request, context in
            let id = try context.parameters.require("id")
            return try await write(request, payer: id) { bank, form in
                try bank.authenticate(bank.intent(id), isDone: form["success"] == "true")
            }
        }
        v1.post("payment_intents/:id/cancel") { request, context in
            let id = try context.parameters.require("id")
            return try await write(request) { bank, _ in try bank.cancel(id) }
        }
    }

    /// Adds the routes for refunds, charges, disputes, payouts, balance transactions and events.
    private func money(_ v1: RouterGroup<Context>) {
        v1.post("refunds") { request, _ in try await write(request) { bank, form in try bank.refund(form) } }
        v1.get("refunds") { request, _ in try await list(request, "/v1/refunds", Refund.self) }
        v1.get("refunds/:id") { request, context in
            try await read(request, context) { bank, id in try bank.refund(id) }
        }
        v1.get("charges/:id") { request, context in
            try await read(request, context) { bank, id in try bank.charge(id) }
        }
        v1.get("disputes") { request, _ in try await list(request, "/v1/disputes", Dispute.self) }
        v1.get("disputes/:id") { request, context in
            try await read(request, context) { bank, id in try bank.dispute(id) }
        }
        v1.post("disputes/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await write(request) { bank, form in try bank.answer(id, form) }
        }
        v1.post("disputes/:id/close") { request, context in
            let id = try context.parameters.require("id")
            return try await write(request) { bank, _ in try bank.close(id) }
        }
        v1.post("payouts") { request, _ in try await write(request) { bank, form in try bank.payOut(form) } }
        v1.get("balance_transactions") { request, _ in
            try await list(request, "/v1/balance_transactions", BalanceTransaction.self)
        }
        v1.get("events") { request, _ in try await list(request, "/v1/events", Event.self) }
    }

    // MARK: The API

    @Sendable private func unknown(_ request: Request) throws -> Response {
        let path = "\(request.method): \(request.uri.path)"
        let fault = Fault(status: 404, code: nil, message: "Unrecognized request URL (\(path)).")
        return answer(Reply(status: fault.status, body: try encode(fault.body)))
    }

    /// The account of a secret key, or its connected account; every well-formed key is an account of its own.
    private func account(_ request: Request) throws -> String {
        let header = request.headers[.authorization] ?? ""
        var key = ""
        if header.hasPrefix("Bearer ") {
            key = String(header.dropFirst(7))
        } else if header.hasPrefix("Basic "), let bytes = Data(base64Encoded: String(header.dropFirst(6))) {
            key = String(decoding: bytes, as: UTF8.self).split(separator: ":").first.map(String.init) ?? ""
        }
        guard ["sk_test_", "rk_test_"].contains(where: key.hasPrefix), key.utf8.count > 8 else { throw Fault.wrongKey }
        guard let connected = request.headers[.stripeAccount] else { return key }
        let name = connected.utf8.dropFirst(5)
        let isWord = name.allSatisfy { (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) }
        guard connected.hasPrefix("acct_"), !name.isEmpty, isWord else { throw Fault.wrongAccount(connected, key) }
        return "\(key) \(connected)"
    }

    private func bank(_ store: Writing, _ account: String) -> Bank {
        Bank(store: store, account: account, now: Date().timeIntervalSince1970, options: options)
    }

    private struct Reply: Sendable {
        let status: Int
        let body: String
        var isRepeat = false
    }

    /// - Parameter payer: an intent that its payer may change with its client secret, with a publishable key or none.
    private func write(
        _ request: Request,
        payer intent: String? = nil,
        _ verb: @escaping @Sendable (Bank, Form) throws -> some Encodable & Sendable
    ) async throws -> Response {
        let bytes = try await request.body.collect(upTo: 64 * 1024)
        let form = Form(String(buffer: bytes))
        do {
            let key = request.headers[.idempotencyKey]
            let path = request.uri.path
            let reply: Reply = try await store.write { store in
                var account = (try? account(request)) ?? ""
                if let intent, let secret = form["client_secret"] {
                    guard let found: PaymentIntent = try store.find(intent), found.clientSecret == secret,
                        let owner = try store.account(of: intent)
                    else { throw Fault.missing("payment_intent", intent) }
                    account = owner
                } else {
                    account = try self.account(request)
                }
                let fingerprint = "\(path)\n\(form.fingerprint)"
                if let key, let kept = try store.kept(key, of: account) {
                    guard kept.fingerprint == fingerprint else {
                        throw Fault(
                            type: "idempotency_error",
                            code: "idempotency_key_in_use",
                            message: "Keys for idempotent requests can only be used with the same parameters."
                        )
                    }
                    return Reply(status: kept.status, body: kept.body, isRepeat: true)
                }
                let reply: Reply
                do {
                    reply = Reply(status: 200, body: try encode(verb(bank(store, account), form)))
                } catch let fault as Fault {
                    reply = Reply(status: fault.status, body: try encode(fault.body))
                }
                if let key {
                    let kept = Writing.Kept(fingerprint: fingerprint, status: reply.status, body: reply.body)
                    try store.keep(kept, under: key, of: account)
                }
                return reply
            }
            return answer(reply)
        } catch let fault as Fault {
            return answer(Reply(status: fault.status, body: try encode(fault.body)))
        }
    }

    private func read(
        _ request: Request,
        _ context: Context,
        _ verb: @escaping @Sendable (Bank, String) throws -> some Encodable & Sendable
    ) async throws -> Response {
        let id = try context.parameters.require("id")
        do {
            let account = try account(request)
            let body = try await store.read { try encode(verb(bank($0, account), id)) }
            return answer(Reply(status: 200, body: body))
        } catch let fault as Fault {
            return answer(Reply(status: fault.status, body: try encode(fault.body)))
        }
    }

    private func list<Item: StripeObject>(
        _ request: Request,
        _ url: String,
        _ type: Item.Type
    ) async throws -> Response {
        do {
            let account = try account(request)
            let query = Form(request.uri.query ?? "")
            let limit = min(max(Int(query.int("limit") ?? 10), 1), 100)
            let body = try await store.read { store in
                let page: (items: [Item], hasMore: Bool) = try store.page(
                    of: account,
                    after: query["starting_after"],
                    intent: query["payment_intent"],
                    createdSince: query.int("created[gte]"),
                    limit: limit
                )
                return try encode(List(url: url, hasMore: page.hasMore, data: page.items))
            }
            return answer(Reply(status: 200, body: body))
        } catch let fault as Fault {
            return answer(Reply(status: fault.status, body: try encode(fault.body)))
        }
    }

    private func answer(_ reply: Reply) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        if reply.isRepeat { headers[.idempotentReplayed] = "true" }
        return Response(
            status: .init(code: reply.status),
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(string: reply.body))
        )
    }

    private func encode(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder.stripe.encode(value), as: UTF8.self)
    }

    // MARK: The page

    private func page(_ request: Request, _ context: Context) async throws -> Response {
        let id = try context.parameters.require("id")
        let query = Form(request.uri.query ?? "")
        let intent: PaymentIntent? = try await store.read { try $0.find(id) }
        guard let intent, let secret = query["client_secret"], intent.clientSecret == secret else {
            return html(404, PayPage.missing)
        }
        return html(200, PayPage.text(intent))
    }

    /// Handles a button that a person pressed on the pay page.
    private func decide(_ request: Request, _ context: Context) async throws -> Response {
        let id = try context.parameters.require("id")
        let form = Form(String(buffer: try await request.body.collect(upTo: 4096)))
        let intent: PaymentIntent? = try await store.write { store in
            guard let found: PaymentIntent = try store.find(id), let account = try store.account(of: id),
                form["client_secret"] == found.clientSecret
            else { return nil }
            let bank = bank(store, account)
            do {
                if found.status == "requires_action" {
                    return try bank.authenticate(found, isDone: form["button"] == "approve")
                }
                let method = found.paymentMethodTypes.first ?? "card"
                // The person has already seen the page, so no second step follows an approval.
                let card = method == "sepa_debit" ? "pm_sepa_debit" : "pm_card_visa"
                return try bank.confirm(
                    found,
                    with: form["button"] == "approve" ? card : "pm_card_visa_chargeDeclined"
                )
            } catch is Fault {
                return try store.find(id)
            }
        }
        return html(intent == nil ? 404 : 200, intent.map(PayPage.text) ?? PayPage.missing)
    }

    private func html(_ status: Int, _ text: String) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "text/html; charset=utf-8"
        headers[.cacheControl] = "no-store"
        return Response(
            status: .init(code: status),
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(string: text))
        )
    }
}

extension HTTPField.Name {
    /// Makes a header name from a constant in the source.
    ///
    /// An invalid name stops the process at its first use.
    private init(constant name: StaticString) {
        guard let found = Self("\(name)") else { preconditionFailure("'\(name)' is no name of a header") }
        self = found
    }

    static let idempotencyKey = HTTPField.Name(constant: "Idempotency-Key")
    static let stripeAccount = HTTPField.Name(constant: "Stripe-Account")
    static let idempotentReplayed = HTTPField.Name(constant: "Idempotent-Replayed")
}
