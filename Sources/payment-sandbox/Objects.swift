import Foundation

/// An object of the sandbox, in the shape of Stripe's API as far as payments need it.
protocol StripeObject: Codable, Sendable {
    static var kind: String { get }
    var id: String { get }
}

struct PaymentIntent: StripeObject {
    static let kind = "payment_intent"

    struct Failure: Codable, Sendable {
        var type = "card_error"
        var code: String
        var declineCode: String?
        var message: String
    }

    struct NextAction: Codable, Sendable {
        var type = "redirect_to_url"
        var redirectToUrl: Redirect

        struct Redirect: Codable, Sendable {
            var url: String
        }
    }

    var id: String
    var object = kind
    /// The amount to pay in minor units.
    var amount: Int64
    var amountReceived: Int64 = 0
    var currency: String
    var status: String
    var clientSecret: String
    var paymentMethodTypes: [String]
    var paymentMethod: String?
    var latestCharge: String?
    var lastPaymentError: Failure?
    var nextAction: NextAction?
    var cancellationReason: String?
    var metadata: [String: String]
    var created: Int
    var livemode = false
}

struct Charge: StripeObject {
    static let kind = "charge"

    var id: String
    var object = kind
    var amount: Int64
    var amountRefunded: Int64 = 0
    var currency: String
    var paymentIntent: String
    var paymentMethod: String
    var status = "succeeded"
    var disputed = false
    var created: Int
    var livemode = false
}

struct Refund: StripeObject {
    static let kind = "refund"

    var id: String
    var object = kind
    var amount: Int64
    var currency: String
    var charge: String
    var paymentIntent: String
    var status: String
    var failureReason: String?
    var metadata: [String: String]
    var created: Int
}

struct Dispute: StripeObject {
    static let kind = "dispute"

    var id: String
    var object = kind
    var amount: Int64
    var currency: String
    var charge: String
    var paymentIntent: String
    var reason = "fraudulent"
    var status: String
    var created: Int
    var livemode = false

    /// Whether the payer's bank has the money.
    var hasMoney: Bool { ["needs_response", "under_review", "lost"].contains(status) }
}

struct Payout: StripeObject {
    static let kind = "payout"

    var id: String
    var object = kind
    var amount: Int64
    var currency: String
    var status = "paid"
    var created: Int
    var livemode = false
}

/// One movement of the account's balance: the provider's own books.
struct BalanceTransaction: StripeObject {
    static let kind = "balance_transaction"

    var id: String
    var object = kind
    var type: String
    /// The amount; negative when money leaves the account.
    var amount: Int64
    var fee: Int64
    var net: Int64
    var currency: String
    /// The id of the charge, refund, dispute or payout that caused the movement.
    var source: String
    var created: Int
}

/// An event that a webhook delivers.
struct Event: StripeObject {
    static let kind = "event"

    var id: String
    var object = kind
    var type: String
    var created: Int
    var livemode = false
    /// The connected account of the event.
    var account: String?
    /// The changed object as `{"object": …}`, sent unchanged.
    var data: Payload

    struct Payload: Codable, Sendable {
        var object: AnyObjectBody
    }
}

/// Any of the objects, as its JSON.
enum AnyObjectBody: Codable, Sendable {
    case intent(PaymentIntent)
    case charge(Charge)
    case refund(Refund)
    case dispute(Dispute)
    case payout(Payout)

    init(from decoder: any Decoder) throws {
        struct Head: Decodable {
            let object: String
        }
        switch try Head(from: decoder).object {
        case PaymentIntent.kind: self = .intent(try PaymentIntent(from: decoder))
        case Charge.kind: self = .charge(try Charge(from: decoder))
        case Refund.kind: self = .refund(try Refund(from: decoder))
        case Dispute.kind: self = .dispute(try Dispute(from: decoder))
        default: self = .payout(try Payout(from: decoder))
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .intent(let body): try body.encode(to: encoder)
        case .charge(let body): try body.encode(to: encoder)
        case .refund(let body): try body.encode(to: encoder)
        case .dispute(let body): try body.encode(to: encoder)
        case .payout(let body): try body.encode(to: encoder)
        }
    }
}

struct List<Item: StripeObject>: Encodable, Sendable {
    var object = "list"
    let url: String
    let hasMore: Bool
    let data: [Item]
}

/// A mistake of the caller, in the shape of Stripe's errors.
struct Fault: Error {
    var status = 400
    var type = "invalid_request_error"
    var code: String?
    var message: String
    /// The field that is wrong.
    var param: String?
    var declineCode: String?
    /// The current intent, which the answer to a decline includes.
    var paymentIntent: PaymentIntent?

    static func missing(_ what: String, _ id: String = "") -> Fault {
        Fault(status: 404, code: "resource_missing", message: "No such \(what): '\(id)'", param: "id")
    }

    static func parameter(_ name: String, _ message: String) -> Fault {
        Fault(code: "parameter_invalid", message: "\(name) \(message)", param: name)
    }

    static func absent(_ name: String) -> Fault {
        Fault(code: "parameter_missing", message: "Missing required param: \(name).", param: name)
    }

    static func wrongAccount(_ account: String, _ key: String) -> Fault {
        Fault(
            status: 403,
            code: "account_invalid",
            message: "The provided key '\(key.prefix(11))' does not have access to account '\(account)'."
        )
    }

    static let wrongKey = Fault(status: 401, code: nil, message: "Invalid API Key provided.")

    struct Body: Encodable {
        struct Inner: Encodable {
            let type: String
            let code: String?
            let message: String
            let param: String?
            let declineCode: String?
            let paymentIntent: PaymentIntent?
        }

        let error: Inner
    }

    var body: Body {
        Body(
            error: .init(
                type: type,
                code: code,
                message: message,
                param: param,
                declineCode: declineCode,
                paymentIntent: paymentIntent
            )
        )
    }
}

extension JSONEncoder {
    static var stripe: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension JSONDecoder {
    static var stripe: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}
