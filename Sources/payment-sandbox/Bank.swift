import Foundation

/// The payment operations of the sandbox.
///
/// Each verb runs in one transaction of the store, so a killed process leaves all of it or nothing.
struct Bank {
    let store: Writing
    let account: String
    /// The present time in seconds since 1970.
    let now: Double
    let options: Options

    struct Options: Sendable {
        /// The seconds until a direct debit clears or comes back, and until a slow refund succeeds or fails.
        var clearing: Double
        /// The address of the sandbox's pay page.
        var page: String
    }

    var created: Int { Int(now) }

    /// The connected account of the request; nil for the key's own account.
    private var connected: String? { account.split(separator: " ").dropFirst().first.map(String.init) }

    /// Converts an amount to euros for a connected account with a name that ends in `EUR`.
    ///
    /// Such an account holds only euros. The rate is the same for all currencies.
    private func exchanged(_ amount: Int64, _ currency: String) -> (amount: Int64, currency: String) {
        guard connected?.hasSuffix("EUR") ?? false, currency != "eur" else { return (amount, currency) }
        return (amount * 117 / 100, "eur")
    }

    static func id(_ prefix: String) -> String {
        "\(prefix)_\(UUID().uuidString.replacing("-", with: "").lowercased())"
    }

    // MARK: Intents

    func createIntent(_ form: Form) throws -> PaymentIntent {
        guard form["amount"] != nil else { throw Fault.absent("amount") }
        guard let amount = form.int("amount"), amount > 0 else {
            throw Fault(code: "parameter_invalid_integer", message: "Invalid positive integer", param: "amount")
        }
        guard let currency = form["currency"]?.lowercased() else { throw Fault.absent("currency") }
        guard let money = Tender.of(currency) else {
            throw Fault(code: nil, message: "Invalid currency: \(currency).", param: "currency")
        }
        try money.allow(amount, currency)
        let methods = form.list("payment_method_types")
        for method in methods {
            guard ["card", "ideal", "sepa_debit"].contains(method) else {
                throw Fault.parameter("payment_method_types", "has one that this account cannot take: \(method)")
            }
            guard method == "card" || currency == "eur" else {
                throw Fault(
                    code: "payment_intent_invalid_parameter",
                    message:
                        "The currency provided (\(currency)) is invalid for one or more payment method types: \(method).",
                    param: "payment_method_types"
                )
            }
        }
        let id = Self.id("pi")
        let intent = PaymentIntent(
            id: id,
            amount: amount,
            currency: currency.lowercased(),
            status: form["payment_method"] == nil ? "requires_payment_method" : "requires_confirmation",
            clientSecret: "\(id)_secret_\(UUID().uuidString.prefix(13).lowercased())",
            paymentMethodTypes: methods.isEmpty ? ["card"] : methods,
            paymentMethod: form["payment_method"],
            metadata: form.map("metadata"),
            created: created
        )
        try store.put(intent, of: account)
        return form["confirm"] == "true" ? try confirm(intent, with: nil) : intent
    }

    func intent(_ id: String) throws -> PaymentIntent {
        guard let intent: PaymentIntent = try store.find(id, of: account) else {
            throw Fault.missing("payment_intent", id)
        }
        return intent
    }

    func update(_ id: String, _ form: Form) throws -> PaymentIntent {
        var intent = try intent(id)
        if let method = form["payment_method"] {
            try expect(intent, ["requires_payment_method", "requires_confirmation"])
            intent.paymentMethod = method
            intent.status = "requires_confirmation"
        }
        intent.metadata.merge(form.map("metadata")) { $1 }
        try store.put(intent, of: account)
        return intent
    }

    func confirm(_ intent: PaymentIntent, with method: String?) throws -> PaymentIntent {
        var intent = intent
        try expect(intent, ["requires_payment_method", "requires_confirmation", "requires_action"])
        guard let method = method ?? intent.paymentMethod else {
            throw Fault.absent("payment_method")
        }
        intent.paymentMethod = method
        intent.lastPaymentError = nil
        intent.nextAction = nil
        switch Card(method) {
        case .declined(let code): return try decline(intent, code, isTold: true)
        case .needsAction:
            intent.status = "requires_action"
            intent.nextAction = .init(
                redirectToUrl: .init(url: "\(options.page)/pay/\(intent.id)?client_secret=\(intent.clientSecret)")
            )
            try store.put(intent, of: account)
            try emit("payment_intent.requires_action", .intent(intent))
            return intent
        case .slow:
            intent.status = "processing"
            try store.put(intent, of: account)
            try store.later(intent.id, of: account, at: now + options.clearing)
            try emit("payment_intent.processing", .intent(intent))
            return intent
        case .good: return try charge(intent)
        }
    }

    /// Continues a payment after the payer has done the required action or failed it.
    func authenticate(_ intent: PaymentIntent, isDone: Bool) throws -> PaymentIntent {
        try expect(intent, ["requires_action"])
        guard isDone else { return try decline(intent, "payment_intent_authentication_failure") }
        return intent.paymentMethod == Card.declinedAfterAction
            ? try decline(intent, "generic_decline") : try charge(intent)
    }

    func cancel(_ id: String) throws -> PaymentIntent {
        var intent = try intent(id)
        if intent.status == "canceled" { return intent }
        try expect(intent, ["requires_payment_method", "requires_confirmation", "requires_action"])
        intent.status = "canceled"
        intent.nextAction = nil
        intent.cancellationReason = "requested_by_customer"
        try store.put(intent, of: account)
        try emit("payment_intent.canceled", .intent(intent))
        return intent
    }

    private func expect(_ intent: PaymentIntent, _ states: [String]) throws {
        guard states.contains(intent.status) else {
            throw Fault(
                code: "payment_intent_unexpected_state",
                message: "This PaymentIntent is \(intent.status).",
                paymentIntent: intent
            )
        }
    }

    /// Declines the payment; the intent may be tried again with another card.
    ///
    /// With `isTold` the confirming client also gets a 402.
    private func decline(_ intent: PaymentIntent, _ code: String, isTold: Bool = false) throws -> PaymentIntent {
        var intent = intent
        intent.status = "requires_payment_method"
        intent.paymentMethod = nil
        intent.nextAction = nil
        intent.lastPaymentError = .init(code: "card_declined", declineCode: code, message: "Your card was declined.")
        try store.put(intent, of: account)
        try emit("payment_intent.payment_failed", .intent(intent))
        guard isTold else { return intent }
        throw Fault(
            status: 402,
            type: "card_error",
            code: "card_declined",
            message: "Your card was declined.",
            declineCode: code,
            paymentIntent: intent
        )
    }

    private func charge(_ intent: PaymentIntent) throws -> PaymentIntent {
        var intent = intent
        let method = intent.paymentMethod ?? ""
        var charge = Charge(
            id: Self.id("ch"),
            amount: intent.amount,
            currency: intent.currency,
            paymentIntent: intent.id,
            paymentMethod: method,
            created: created
        )
        intent.status = "succeeded"
        intent.nextAction = nil
        intent.amountReceived = intent.amount
        intent.latestCharge = charge.id
        // The fee is 25 cents plus 1.5 percent, about the price of a real provider.
        let fee = min(25 + (intent.amount * 15 + 500) / 1000, intent.amount)
        try book("charge", charge.amount, fee: fee, charge.currency, source: charge.id)
        if method == "pm_card_createDispute" { try dispute(&charge, "needs_response") }
        if method == "pm_card_createInquiry" || method == "pm_card_createDisputeInquiry" {
            try dispute(&charge, "warning_needs_response")
        }
        if method == Card.comesBack { try store.later(charge.id, of: account, at: now + options.clearing) }
        try store.put(charge, intent: intent.id, of: account)
        try store.put(intent, of: account)
        try emit("payment_intent.succeeded", .intent(intent))
        try emit("charge.succeeded", .charge(charge))
        return intent
    }

    func charge(_ id: String) throws -> Charge {
        guard let charge: Charge = try store.find(id, of: account) else { throw Fault.missing("charge", id) }
        return charge
    }

    // MARK: Refunds, payouts

    /// Refunds money, never more than was charged; all refunds that have not failed count.
    func refund(_ form: Form) throws -> Refund {
        let intent = try intent(form["payment_intent"] ?? "")
        guard let id = intent.latestCharge, var charge: Charge = try store.find(id, of: account) else {
            throw Fault(
                code: nil,
                message: "This PaymentIntent (\(intent.id)) does not have a successful charge to refund.",
                param: "payment_intent"
            )
        }
        // A bank that only inquires has taken no money yet, so a refund is still allowed.
        let disputes: [Dispute] = try store.page(
            of: account,
            after: nil,
            intent: intent.id,
            createdSince: nil,
            limit: 100
        ).items
        guard !disputes.contains(where: \.hasMoney) else {
            throw Fault(
                code: "charge_disputed",
                message: "Charge \(charge.id) has been charged back; cannot issue a refund."
            )
        }
        let left = charge.amount - charge.amountRefunded
        guard left > 0 else {
            throw Fault(code: "charge_already_refunded", message: "Charge \(charge.id) has already been refunded.")
        }
        guard let amount = form["amount"] == nil ? left : form.int("amount"), amount > 0 else {
            throw Fault.parameter("amount", "must be a positive integer")
        }
        guard amount <= left else {
            throw Fault(
                code: nil,
                message: "Refund amount (\(amount)) is greater than unrefunded amount on charge (\(left))",
                param: "amount"
            )
        }
        charge.amountRefunded += amount
        try store.put(charge, of: account)
        let isSlow = ["pm_card_refundFail", "pm_card_pendingRefund", "pm_ideal"].contains(charge.paymentMethod)
        let refund = Refund(
            id: Self.id("re"),
            amount: amount,
            currency: charge.currency,
            charge: charge.id,
            paymentIntent: intent.id,
            status: isSlow ? "pending" : "succeeded",
            metadata: form.map("metadata"),
            created: created
        )
        try store.put(refund, intent: intent.id, of: account)
        try book("refund", -amount, fee: 0, refund.currency, source: refund.id)
        if isSlow { try store.later(refund.id, of: account, at: now + options.clearing) }
        try emit("refund.created", .refund(refund))
        try emit("charge.refunded", .charge(charge))
        return refund
    }

    func refund(_ id: String) throws -> Refund {
        guard let refund: Refund = try store.find(id, of: account) else { throw Fault.missing("refund", id) }
        return refund
    }

    func payOut(_ form: Form) throws -> Payout {
        guard let amount = form.int("amount"), amount > 0, let currency = form["currency"] else {
            throw Fault.parameter("amount", "and currency must be given")
        }
        let payout = Payout(id: Self.id("po"), amount: amount, currency: currency.lowercased(), created: created)
        try store.put(payout, of: account)
        try book("payout", -amount, fee: 0, payout.currency, source: payout.id)
        try emit("payout.paid", .payout(payout))
        return payout
    }

    // MARK: What comes about by itself

    func mature(_ id: String) throws {
        if let intent: PaymentIntent = try store.find(id), intent.status == "processing" {
            _ = intent.paymentMethod == Card.failsLate ? try decline(intent, "insufficient_funds") : try charge(intent)
        } else if var refund: Refund = try store.find(id), refund.status == "pending" {
            guard var charge: Charge = try store.find(refund.charge) else { return }
            if charge.paymentMethod == "pm_card_refundFail" {
                refund.status = "failed"
                refund.failureReason = "lost_or_stolen_card"
                charge.amountRefunded -= refund.amount
                try store.put(charge, of: account)
                try book("refund_failure", refund.amount, fee: 0, refund.currency, source: refund.id)
            } else {
                refund.status = "succeeded"
            }
            try store.put(refund, of: account)
            try emit(refund.status == "failed" ? "refund.failed" : "refund.updated", .refund(refund))
        } else if var charge: Charge = try store.find(id), charge.paymentMethod == Card.comesBack, !charge.disputed {
            // The payer's bank takes a direct debit back weeks later; the merchant cannot contest this.
            try dispute(&charge, "lost")
            try store.put(charge, of: account)
        }
    }

    func book(_ type: String, _ amount: Int64, fee: Int64, _ currency: String, source: String) throws {
        let (amount, currency) = exchanged(amount, currency)
        let transaction = BalanceTransaction(
            id: Self.id("txn"),
            type: type,
            amount: amount,
            fee: fee,
            net: amount - fee,
            currency: currency,
            source: source,
            created: created
        )
        try store.put(transaction, of: account)
    }

    func emit(_ type: String, _ object: AnyObjectBody) throws {
        let event = Event(
            id: Self.id("evt"),
            type: type,
            created: created,
            account: connected,
            data: .init(object: object)
        )
        try store.emit(event, of: account, at: now)
    }
}

/// The effect of a test payment method; the names are Stripe's own where Stripe has one.
enum Card {
    case good, needsAction, slow
    case declined(String)

    static let declinedAfterAction = "pm_card_threeDSecure2RequiredThenDecline"
    static let failsLate = "pm_sepa_debit_fails"
    /// The debit clears first, and the payer's bank takes it back later.
    static let comesBack = "pm_sepa_debit_comes_back"

    init(_ method: String) {
        switch method {
        case "pm_card_chargeDeclined", "pm_card_visa_chargeDeclined", "pm_card_chargeCustomerFail":
            self = .declined("generic_decline")
        case "pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa_chargeDeclinedInsufficientFunds":
            self = .declined("insufficient_funds")
        case "pm_card_threeDSecure2Required", "pm_card_threeDSecureRequired", "pm_card_authenticationRequired",
            "pm_ideal", Self.declinedAfterAction:
            self = .needsAction
        case "pm_sepa_debit", Self.failsLate, Self.comesBack: self = .slow
        default: self = .good
        }
    }
}
