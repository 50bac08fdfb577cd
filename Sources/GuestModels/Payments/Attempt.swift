public import Foundation

/// One try to collect a share through the payment provider.
public struct Attempt: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Attempt>

    public enum Method: String, Codable, CaseIterable, Sendable {
        case card, ideal
        /// Takes days, so it cannot fund a hold.
        case sepaDebit
    }

    public enum State: String, Codable, CaseIterable, Sendable {
        /// The provider has not been told yet, or has not answered.
        case created
        /// The payer has something to do: choose a card, another one after a decline, approve at the bank.
        case requiresAction
        /// The provider is at work.
        case processing
        case succeeded
        /// The provider did not want it.
        case failed
        case cancelled

        /// Nothing but money that arrives all the same can change it.
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
    /// The seller's account at the provider that the money goes to; nil: the one of the service itself.
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
    /// What the provider says of an attempt at the moment it is asked.
    public struct Sighting: Hashable, Sendable {
        public var state: State
        /// What came in, or would.
        public var amount: Money
        public var declined: String?

        public init(state: State, amount: Money, declined: String? = nil) {
            self.state = state
            self.amount = amount
            self.declined = declined
        }
    }

    /// What follows from what the provider says.
    public enum Consequence: Hashable, Sendable {
        case nothing
        /// It stands otherwise, and no money has moved.
        case moved
        /// The money is there, once and for all.
        case paid
        /// What the provider has is not what was asked for; somebody must look, and nothing is applied.
        case mismatch
    }

    /// Takes in what the provider says now.
    ///
    /// The order in which sightings come does not matter: what has succeeded stays so, and a success overrides that it
    /// was cancelled here.
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

    /// Seconds until the provider is asked again, when nobody tells us before.
    ///
    /// - Parameter age: seconds since it was made.
    public static func pause(atAge age: TimeInterval) -> TimeInterval {
        switch age {
        case ..<120: 5
        case ..<3600: 20
        case ..<86400: 300
        default: 3600
        }
    }

    /// Seconds that a payer may take before an attempt is withdrawn, so that one who has put it aside keeps nobody else
    /// from paying.
    public static let patience: TimeInterval = 1800
}

/// Starts to pay a share, or a part of it.
public struct PaymentRequest: Codable, Sendable, Checked {
    public var id: Attempt.ID?
    public var method: Attempt.Method
    /// Minor units; all that is open unless said.
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
    /// The seller's account at the provider, which its form on the phone needs beside the secret; nil: none.
    public var account: String?
    public var createdAt: Date
    /// What the provider's form on the phone needs; told to the payer alone, while there is something to do.
    public var clientSecret: String?
    /// Where a browser can pay, where the provider or the park has such a page.
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

/// Money on its way back to who paid it.
public struct Refund: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Refund>

    public enum State: String, Codable, CaseIterable, Sendable {
        /// Set aside here, so that it cannot be given back twice; the provider has not confirmed it.
        case reserved
        /// The provider has it.
        case sent
        case succeeded
        /// It came back; the share has the credit, and staff a task.
        case failed
    }

    public var id: ID
    public var attemptId: Attempt.ID
    public var shareId: Share.ID
    public var amount: Money
    public var state: State
    public var createdAt: Date

    public init(
        id: ID,
        attemptId: Attempt.ID,
        shareId: Share.ID,
        amount: Money,
        state: State = .reserved,
        createdAt: Date
    ) {
        self.id = id
        self.attemptId = attemptId
        self.shareId = shareId
        self.amount = amount
        self.state = state
        self.createdAt = createdAt
    }
}

extension Refund {
    /// An attempt's money that can still be given back.
    public struct Source: Hashable, Sendable {
        public var attempt: Attempt.ID
        /// Minor units that have neither been given back, nor set aside for it, nor taken back by a bank.
        public var amount: Int64
        /// True if the payer lives in another household by now, and so has another share to pay.
        public var isElsewhere: Bool

        public init(attempt: Attempt.ID, amount: Int64, isElsewhere: Bool = false) {
            self.attempt = attempt
            self.amount = amount
            self.isElsewhere = isElsewhere
        }
    }
}

/// Chooses the attempts to refund until `due` is covered: first those of payers who live elsewhere by now, then the
/// latest.
///
/// - Parameter due: minor units; what no attempt covers was paid at the desk and goes back there.
public func refunds(
    covering due: Int64,
    from left: [Refund.Source]
) -> [(
    attempt: Attempt.ID, amount: Int64
)] {
    var due = due
    var refunds: [(attempt: Attempt.ID, amount: Int64)] = []
    let order = left.sorted { ($0.isElsewhere ? 0 : 1, $1.attempt) < ($1.isElsewhere ? 0 : 1, $0.attempt) }
    for source in order where due > 0 && source.amount > 0 {
        let part = min(due, source.amount)
        refunds.append((source.attempt, part))
        due -= part
    }
    return refunds
}

extension Refusal {
    public static let nothingOpen = Refusal(
        .conflict,
        "nothing_open",
        en: "Nothing is open on that share.",
        nl: "Er staat niets open op dit deel.",
        de: "Bei diesem Anteil ist nichts offen."
    )
    public static let paymentUnderWay = Refusal(
        .conflict,
        "payment_under_way",
        en: "Somebody is paying that share already; end that payment first to begin another.",
        nl: "Iemand betaalt dit deel al; beëindig die betaling eerst om een andere te beginnen.",
        de: "Jemand bezahlt diesen Anteil schon; beende diese Zahlung, um eine andere zu beginnen."
    )
    public static let methodTooSlow = Refusal(
        .conflict,
        "method_too_slow",
        en: "A direct debit takes days, so it cannot fund a hold.",
        nl: "Een incasso duurt dagen en kan een optie dus niet betalen.",
        de: "Eine Lastschrift dauert Tage und kann daher keine Vormerkung bezahlen."
    )
    public static let methodNotTaken = Refusal(
        .conflict,
        "method_not_taken",
        en: "That way of paying is not taken here.",
        nl: "Die betaalwijze wordt hier niet geaccepteerd.",
        de: "Diese Zahlungsart wird hier nicht angenommen."
    )
    public static let notPayable = Refusal(
        .conflict,
        "not_payable",
        en: "That booking takes no payments any more.",
        nl: "Voor deze boeking kan niet meer worden betaald.",
        de: "Für diese Buchung kann nicht mehr bezahlt werden."
    )
    public static let linkOver = Refusal(
        .conflict,
        "link_over",
        en: "That link no longer works; ask for a new one.",
        nl: "Die link werkt niet meer; vraag een nieuwe.",
        de: "Dieser Link gilt nicht mehr; bitte um einen neuen."
    )
}
