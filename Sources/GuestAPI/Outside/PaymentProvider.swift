import AsyncHTTPClient
import Foundation
import GuestModels
import NIOCore
import NIOHTTP1

/// Stripe's API over HTTPS, as far as a share needs it: intents, refunds, and the provider's own books.
///
/// Only jobs and commands call the provider, and never inside a transaction.
struct PaymentProvider: Sendable {
    let settings: Settings.Payments
    /// The seller's account for which requests are made; nil stands for the account of the API key.
    var account: String?

    /// The same provider, acting for a seller's account.
    func acting(for account: String?) -> PaymentProvider {
        var copy = self
        copy.account = account
        return copy
    }

    enum Failure: Error {
        /// The answer is missing or unreliable, so the result at the provider is unknown.
        case unreachable(String)
        /// The provider understood the request and refused it.
        case refused(code: String, status: Int)
    }

    struct Intent: Decodable, Sendable {
        let id: String
        let clientSecret: String?
        let status: String
        let amount: Number
        let currency: String
        let latestCharge: Reference?
        let lastPaymentError: LastError?
        let metadata: [String: String]?
        let created: Number?

        struct LastError: Decodable, Sendable {
            let code: String?
            let declineCode: String?
        }
    }

    struct Refund: Decodable, Sendable {
        let id: String
        /// The state of the refund; some servers of this API leave it out.
        let status: String?
        let amount: Number
        let currency: String?
        let metadata: [String: String]?
        let created: Number?
        let paymentIntent: Reference?
    }

    struct Charge: Decodable, Sendable {
        let id: String
        let amount: Number
        let currency: String
        let paymentIntent: Reference?
    }

    /// One movement in the provider's books.
    struct Movement: Decodable, Sendable {
        let id: String
        let type: String
        let amount: Number
        let fee: Number?
        let currency: String
        let source: Reference?
        let created: Number
    }

    struct Dispute: Decodable, Sendable {
        let id: String
        let status: String?
        let amount: Number
        let currency: String?
        let created: Number?
        let paymentIntent: Reference?

        /// True while the payer's bank has the disputed money.
        ///
        /// An inquiry moves no money.
        var hasMoney: Bool { ["needs_response", "under_review", "lost"].contains(status ?? "") }
    }

    /// A number, which some servers of that API write as a text.
    struct Number: Decodable, Sendable {
        let value: Int64

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Int64.self) {
                self.value = value
                return
            }
            guard let value = Int64(try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be a whole number")
            }
            self.value = value
        }
    }

    /// An id, or the whole object it names.
    struct Reference: Decodable, Sendable {
        let id: String

        init(from decoder: any Decoder) throws {
            struct Object: Decodable {
                let id: String
            }
            if let id = try? decoder.singleValueContainer().decode(String.self) {
                self.id = id
            } else {
                id = try Object(from: decoder).id
            }
        }
    }

    private struct Page<Item: Decodable & Sendable>: Decodable, Sendable {
        let hasMore: Bool?
        let data: [Item]
    }

    private struct ErrorReply: Decodable {
        struct Inner: Decodable {
            let code: String?
            let type: String?
        }

        let error: Inner
    }

    // MARK: Intents

    func createIntent(for attempt: Attempt) async throws -> Intent {
        try await post(
            "/v1/payment_intents",
            [
                ("amount", "\(attempt.amount.providerUnits)"), ("currency", attempt.amount.currency.lowercased()),
                ("payment_method_types[]", Self.name(attempt.method)),
                ("metadata[attempt]", attempt.id.description),
            ],
            key: attempt.id.description
        )
    }

    func intent(_ id: String) async throws -> Intent { try await get("/v1/payment_intents/\(id)") }

    /// An intent that was asked for and whose answer never came; nil when the provider has none.
    func intent(for attempt: Attempt.ID, since sent: Date) async throws -> Intent? {
        // The provider's clock and ours may differ by some minutes.
        let found: Intent? = try await search("/v1/payment_intents", since: sent.addingTimeInterval(-300)) {
            $0.metadata?["attempt"] == attempt.description
        }
        return found
    }

    /// Cancels an intent that has not succeeded, and answers its present state.
    func cancel(_ id: String) async throws -> Intent {
        do {
            return try await post("/v1/payment_intents/\(id)/cancel", [], key: nil)
        } catch Failure.refused {
            // The intent was paid or cancelled meanwhile or is being processed, so read its present state.
            return try await intent(id)
        }
    }

    // MARK: Refunds

    func createRefund(_ refund: GuestModels.Refund, of intent: String) async throws -> Refund {
        try await post(
            "/v1/refunds",
            [
                ("payment_intent", intent), ("amount", "\(refund.amount.providerUnits)"),
                ("metadata[refund]", refund.id.description),
            ],
            key: refund.id.description
        )
    }

    func refund(_ id: String) async throws -> Refund { try await get("/v1/refunds/\(id)") }

    /// A refund that was asked for and whose answer never came.
    func refund(_ refund: GuestModels.Refund.ID, of intent: String) async throws -> Refund? {
        let found: Refund? = try await search("/v1/refunds", [("payment_intent", intent)]) {
            $0.metadata?["refund"] == refund.description
        }
        return found
    }

    // MARK: Books

    /// Reads all disputes and refunds of an intent, also those made in the provider's dashboard.
    func review(_ intent: String) async throws -> Review {
        let disputes: [Dispute] = try await all("/v1/disputes", [("payment_intent", intent)])
        let refunds: [Refund] = try await all("/v1/refunds", [("payment_intent", intent)])
        return Review(disputes: disputes, refunds: refunds)
    }

    struct Review: Sendable {
        let disputes: [Dispute]
        let refunds: [Refund]

        /// True if a bank or the provider's dashboard has moved some of the money.
        var movesMoney: Bool {
            disputes.contains(where: \.hasMoney) || refunds.contains { $0.metadata?["refund"] == nil }
        }
    }

    func charge(_ id: String) async throws -> Charge { try await get("/v1/charges/\(id)") }

    func dispute(_ id: String) async throws -> Dispute { try await get("/v1/disputes/\(id)") }

    /// A hundred movements, newest first: those before `after`, or the newest.
    func movements(after: String?) async throws -> (movements: [Movement], hasMore: Bool) {
        let page: Page<Movement> = try await get(
            "/v1/balance_transactions",
            [("limit", "100")] + (after.map { [("starting_after", $0)] } ?? [])
        )
        return (page.data, page.hasMore == true)
    }

    // MARK: HTTP

    private func all<Item: Decodable & Sendable>(
        _ path: String,
        _ query: [(String, String)]
    ) async throws -> [Item] where Item: Listed {
        var found: [Item] = []
        while true {
            let after = found.last.map { [("starting_after", $0.id)] } ?? []
            let page: Page<Item> = try await get(path, query + [("limit", "100")] + after)
            found += page.data
            guard page.hasMore == true, !page.data.isEmpty else { return found }
        }
    }

    /// Finds the first object that fits, in all pages of a list that reach back to `since`.
    private func search<Item: Decodable & Sendable>(
        _ path: String,
        _ query: [(String, String)] = [],
        since: Date = .distantPast,
        where fits: (Item) -> Bool
    ) async throws -> Item? where Item: Listed {
        var after: String?
        while true {
            let page: Page<Item> = try await get(
                path,
                query + [("limit", "100")] + (after.map { [("starting_after", $0)] } ?? [])
            )
            if let found = page.data.first(where: fits) { return found }
            guard page.hasMore == true, let first = page.data.first, let last = page.data.last else { return nil }
            // A list begins with its newest object, so later pages are older still.
            let oldest = last.created?.value ?? .max
            if oldest <= first.created?.value ?? 0, Double(oldest) < since.timeIntervalSince1970 { return nil }
            after = last.id
        }
    }

    private func get<Value: Decodable & Sendable>(
        _ path: String,
        _ query: [(String, String)] = []
    ) async throws -> Value {
        let question = query.isEmpty ? "" : "?" + Self.form(query)
        return try await ask(HTTPClientRequest(url: settings.url + path + question))
    }

    private func post<Value: Decodable & Sendable>(
        _ path: String,
        _ fields: [(String, String)],
        key: String?
    ) async throws -> Value {
        var request = HTTPClientRequest(url: settings.url + path)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        if let key { request.headers.add(name: "idempotency-key", value: key) }
        request.body = .bytes(ByteBuffer(string: Self.form(fields)))
        return try await ask(request)
    }

    private func ask<Value: Decodable & Sendable>(_ request: HTTPClientRequest) async throws -> Value {
        var request = request
        request.headers.add(name: "authorization", value: "Bearer \(settings.key)")
        // The meaning of answers depends on the version, so send ours rather than use the account's.
        request.headers.add(name: "stripe-version", value: "2024-06-20")
        if let account { request.headers.add(name: "stripe-account", value: account) }
        let status: Int
        let body: Data
        do {
            let response = try await OutsideHTTP.client().execute(request, timeout: .seconds(15))
            status = Int(response.status.code)
            body = Data(try await response.body.collect(upTo: 8 << 20).readableBytesView)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Failure.unreachable(String(describing: type(of: error)))
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard (200..<300).contains(status) else {
            let reply = try? decoder.decode(ErrorReply.self, from: body).error
            // A repeat under way, a rate limit or a fault of the provider is not a final answer.
            guard (400..<500).contains(status), ![401, 403, 409, 429].contains(status) else {
                throw Failure.unreachable("status \(status)")
            }
            throw Failure.refused(code: reply?.code ?? reply?.type ?? "unknown", status: status)
        }
        do {
            return try decoder.decode(Value.self, from: body)
        } catch {
            throw Failure.unreachable("an answer that cannot be read")
        }
    }

    private static func form(_ fields: [(String, String)]) -> String {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        return fields.map { name, value in
            [name, value].map { $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? "" }.joined(separator: "=")
        }.joined(separator: "&")
    }

    static func name(_ method: Attempt.Method) -> String {
        switch method {
        case .card: "card"
        case .ideal: "ideal"
        case .sepaDebit: "sepa_debit"
        }
    }
}

/// An object of the provider's lists, which are read page by page.
protocol Listed {
    var id: String { get }
    /// The time at which the object was made, in seconds since 1970.
    var created: PaymentProvider.Number? { get }
}

extension PaymentProvider.Intent: Listed {}
extension PaymentProvider.Refund: Listed {}
extension PaymentProvider.Dispute: Listed {}

extension Money {
    /// The amount in the units of the payment provider's API, which differ from minor units in some currencies.
    var providerUnits: Int64 {
        let (factor, divisor) = ProviderLimits.units(of: currency)
        return amount * factor / divisor
    }

    init(providerUnits amount: Int64, _ currency: String) {
        let (factor, divisor) = ProviderLimits.units(of: currency.uppercased())
        self.init(amount * divisor / factor, currency.uppercased())
    }
}

extension PaymentProvider.Refund {
    /// The amount of the refund, converted to our minor units.
    var money: Money { Money(providerUnits: amount.value, currency ?? "EUR") }
}

extension PaymentProvider.Dispute {
    var money: Money { Money(providerUnits: amount.value, currency ?? "EUR") }
}

extension PaymentProvider.Charge {
    var money: Money { Money(providerUnits: amount.value, currency) }
}

extension PaymentProvider.Movement {
    var money: Money { Money(providerUnits: amount.value, currency) }
    var feeMoney: Money { Money(providerUnits: fee?.value ?? 0, currency) }
}

extension PaymentProvider.Intent {
    /// The state of the intent, in the words of our attempts.
    var sighting: Attempt.Sighting {
        let state: Attempt.State =
            switch status {
            case "succeeded": .succeeded
            case "canceled": .cancelled
            case "processing": .processing
            default: .requiresAction
            }
        return .init(
            state: state,
            amount: Money(providerUnits: amount.value, currency),
            declined: status == "requires_payment_method"
                ? lastPaymentError.map { String(($0.declineCode ?? $0.code ?? "declined").prefix(100)) } : nil
        )
    }
}
