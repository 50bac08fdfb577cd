public import Foundation

/// One try to collect a share through the payment provider.
public struct Attempt: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Attempt>

    public enum Method: String, Codable, CaseIterable, Sendable {
        case card, ideal
        /// A direct debit takes days, so it cannot pay the deposit of a hold.
        case sepaDebit
    }

    public enum State: String, Codable, CaseIterable, Sendable {
        /// The provider has not been asked yet, or has not answered.
        case created
        /// The payer must act: choose a card, choose another after a decline, or approve at the bank.
        case requiresAction
        /// The provider is processing the payment.
        case processing
        case succeeded
        /// The provider refused the attempt.
        case failed
        case cancelled

        /// Whether the attempt is over; only money that arrives after all can still change it.
        public var isTerminal: Bool {
            switch self {
            case .created, .requiresAction, .processing: false
            case .succeeded, .failed, .cancelled: true
            }
        }
    }

    public var id: ID
    public var shareId: Share.ID
    public var method: Method
    public var amount: Money
    public var state: State
    /// Why the last card was declined, in the provider's words, such as `insufficient_funds`.
    public var declined: String?
    /// The seller's account at the provider that gets the money; nil means the service's own account.
    public var account: String?
    public var createdAt: Date

    public init(
        id: ID,
        shareId: Share.ID,
        method: Method,
        amount: Money,
        state: State = .created,
        declined: String? = nil,
        account: String? = nil,
        createdAt: Date
    ) {
        self.id = id
        self.shareId = shareId
        self.method = method
        self.amount = amount
        self.state = state
        self.declined = declined
        self.account = account
        self.createdAt = createdAt
    }
}

extension Attempt {
    /// The provider's answer about an attempt at one moment.
    public struct Sighting: Hashable, Sendable {
        public var state: State
        /// The amount that came in, or would come in.
        public var amount: Money
        public var declined: String?

        public init(state: State, amount: Money, declined: String? = nil) {
            self.state = state
            self.amount = amount
            self.declined = declined
        }
    }

    /// The consequence of the provider's answer.
    public enum Consequence: Hashable, Sendable {
        case nothing
        /// The state has changed, but no money has moved.
        case moved
        /// The money has come in, once and for all.
        case paid
        /// The provider's amount differs from the attempt's; nothing is applied and a person must look.
        case mismatch
    }

    /// Applies the provider's answer to the attempt.
    ///
    /// The order of answers does not matter. A success is final, and it overrides a cancellation of the attempt.
    public mutating func absorb(_ sighting: Sighting) -> Consequence {
        guard state != .succeeded else { return .nothing }
        guard sighting.amount == amount else { return .mismatch }
        if sighting.state == .succeeded {
            state = .succeeded
            declined = nil
            return .paid
        }
        guard !state.isTerminal, sighting.state != .created,
            (sighting.state, sighting.declined) != (state, declined)
        else { return .nothing }
        state = sighting.state
        declined = sighting.declined
        return .moved
    }

    /// Seconds until the service asks the provider again, when no webhook comes earlier.
    ///
    /// - Parameter age: the age of the attempt in seconds.
    public static func pause(atAge age: TimeInterval) -> TimeInterval {
        switch age {
        case ..<120: 5
        case ..<3600: 20
        case ..<86400: 300
        default: 3600
        }
    }

    /// Seconds that a payer may take before the attempt is withdrawn.
    ///
    /// A forgotten attempt then does not prevent others from paying.
    public static let patience: TimeInterval = 1800
}

/// Starts to pay a share or a part of it.
public struct PaymentRequest: Codable, Sendable, Checked {
    public var id: Attempt.ID?
    public var method: Attempt.Method
    /// The amount in minor units; nil means all that is open.
    public var amount: Int64?

    public init(id: Attempt.ID? = nil, method: Attempt.Method, amount: Int64? = nil) {
        self.id = id
        self.method = method
        self.amount = amount
    }

    public func check(_ check: inout Check) {
        check.range(amount, "/amount", 1...1_000_000_000_000)
    }
}

/// An attempt as its payer sees it.
public struct AttemptView: Codable, Hashable, Sendable {
    public var id: Attempt.ID
    public var shareId: Share.ID
    public var method: Attempt.Method
    public var amount: Money
    public var state: Attempt.State
    public var declined: String?
    /// The seller's account at the provider, which the phone's payment form needs beside the secret; nil for none.
    public var account: String?
    public var createdAt: Date
    /// The secret for the provider's form on the phone; only the payer gets it, while the payer must act.
    public var clientSecret: String?
    /// The address of a page for paying in a browser; nil when neither the provider nor the park has one.
    public var page: String?

    public init(_ attempt: Attempt, clientSecret: String? = nil, page: String? = nil) {
        id = attempt.id
        shareId = attempt.shareId
        method = attempt.method
        amount = attempt.amount
        state = attempt.state
        declined = attempt.declined
        account = attempt.account
        createdAt = attempt.createdAt
        self.clientSecret = clientSecret
        self.page = page
    }
}

extension Refusal {
    /// The share owes nothing that this payer may pay; read the share again.
    public static let nothingOpen = Refusal(
        .conflict,
        "nothing_open",
        en: "Nothing is open on that share.",
        nl: "Er staat niets open op dit deel.",
        de: "Bei diesem Anteil ist nichts offen."
    )

    /// An attempt on the share is open with another payer, method or amount, or is ending.
    public static let paymentUnderWay = Refusal(
        .conflict,
        "payment_under_way",
        en: "Somebody is paying that share already; end that payment first to begin another.",
        nl: "Iemand betaalt dit deel al; beëindig die betaling eerst om een andere te beginnen.",
        de: "Jemand bezahlt diesen Anteil schon; beende diese Zahlung, um eine andere zu beginnen."
    )

    /// A direct debit was to pay for a hold or for a held change; choose another `method`.
    public static let methodTooSlow = Refusal(
        .conflict,
        "method_too_slow",
        en: "A direct debit takes days, so it cannot fund a hold.",
        nl: "Een incasso duurt dagen en kan een optie dus niet betalen.",
        de: "Eine Lastschrift dauert Tage und kann daher keine Vormerkung bezahlen."
    )

    /// The service's settings lack this `method`, or it needs euro and the booking has another currency.
    public static let methodNotTaken = Refusal(
        .conflict,
        "method_not_taken",
        en: "That way of paying is not taken here.",
        nl: "Die betaalwijze wordt hier niet geaccepteerd.",
        de: "Diese Zahlungsart wird hier nicht angenommen."
    )

    /// The booking is a hold or has expired, so its shares get no goodwill and no invoice.
    public static let notPayable = Refusal(
        .conflict,
        "not_payable",
        en: "That booking takes no payments any more.",
        nl: "Voor deze boeking kan niet meer worden betaald.",
        de: "Für diese Buchung kann nicht mehr bezahlt werden."
    )

    /// The pay link is more than 30 days old or revoked; ask the household for a new one.
    public static let linkOver = Refusal(
        .conflict,
        "link_over",
        en: "That link no longer works; ask for a new one.",
        nl: "Die link werkt niet meer; vraag een nieuwe.",
        de: "Dieser Link gilt nicht mehr; bitte um einen neuen."
    )
}
