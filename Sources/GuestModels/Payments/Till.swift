public import Foundation

/// Money that came in or went out at the desk.
public struct TillPayment: Codable, Hashable, Sendable {
    public typealias ID = Identifier<TillPayment>

    public enum Method: String, Codable, CaseIterable, Sendable {
        case cash, terminal, giftCard, transfer
    }

    public enum Kind: String, Codable, CaseIterable, Sendable {
        case payment
        /// Reverses a payment that should not have been taken.
        case reversal
        /// Gives back money that exceeds the debt.
        case refund
    }

    public var id: ID
    public var shareId: Share.ID
    public var kind: Kind
    public var method: Method
    /// The amount; negative when money goes out.
    public var amount: Money
    /// The reference on the slip, the gift card or the bank statement.
    public var reference: String?
    /// The till's day, park-local.
    public var day: LocalDate
    public var at: Date
    /// The payment that this one reverses.
    public var reversesId: ID?

    public init(
        id: ID,
        shareId: Share.ID,
        kind: Kind,
        method: Method,
        amount: Money,
        reference: String?,
        day: LocalDate,
        at: Date,
        reversesId: ID? = nil
    ) {
        self.id = id
        self.shareId = shareId
        self.kind = kind
        self.method = method
        self.amount = amount
        self.reference = reference
        self.day = day
        self.at = at
        self.reversesId = reversesId
    }
}

/// Takes money for a share at the desk, or gives money back.
public struct TillPaymentRequest: Codable, Sendable, Checked {
    public var id: TillPayment.ID?
    public var method: TillPayment.Method
    /// The amount in minor units; at most what is open, or for a refund what exceeds the debt.
    public var amount: Int64
    /// The reference; required for every method except cash.
    public var reference: String?

    public init(id: TillPayment.ID? = nil, method: TillPayment.Method, amount: Int64, reference: String? = nil) {
        self.id = id
        self.method = method
        self.amount = amount
        self.reference = reference
    }

    public func check(_ check: inout Check) {
        check.range(amount, "/amount", 1...1_000_000_000_000)
        check.text(reference, "/reference", length: 1...100)
        check.require(method == .cash || reference != nil, "/reference", "must be given for everything but cash")
    }
}

/// The amounts counted at the end of the park's day, for each method.
public struct TillCloseRequest: Codable, Sendable, Checked {
    public struct Count: Codable, Sendable {
        public var method: TillPayment.Method
        /// The amount that was counted, in minor units.
        public var counted: Int64
        /// The reason why the counted amount differs from the expected one.
        public var reason: String?

        public init(method: TillPayment.Method, counted: Int64, reason: String? = nil) {
            self.method = method
            self.counted = counted
            self.reason = reason
        }
    }

    public var day: LocalDate
    public var counts: [Count]

    public init(day: LocalDate, counts: [Count]) {
        self.day = day
        self.counts = counts
    }

    public func check(_ check: inout Check) {
        check.require(
            counts.count == TillPayment.Method.allCases.count
                && Set(counts.map(\.method)).count == TillPayment.Method.allCases.count,
            "/counts",
            "must have each of cash, terminal, giftCard and transfer once"
        )
        for (index, count) in counts.prefix(10).enumerated() {
            check.range(count.counted, "/counts/\(index)/counted", -1_000_000_000_000...1_000_000_000_000)
            check.text(count.reason, "/counts/\(index)/reason", length: 1...500)
        }
    }
}

/// The till of one day.
public struct TillDay: Codable, Hashable, Sendable {
    public struct Line: Codable, Hashable, Sendable {
        public var method: TillPayment.Method
        public var expected: Money
        /// The counted amount; nil until the day is closed.
        public var counted: Money?
        public var reason: String?

        public init(method: TillPayment.Method, expected: Money, counted: Money? = nil, reason: String? = nil) {
            self.method = method
            self.expected = expected
            self.counted = counted
            self.reason = reason
        }
    }

    public var day: LocalDate
    public var isClosed: Bool
    public var lines: [Line]
    public var payments: [TillPayment]

    public init(day: LocalDate, isClosed: Bool, lines: [Line], payments: [TillPayment]) {
        self.day = day
        self.isClosed = isClosed
        self.lines = lines
        self.payments = payments
    }
}

extension Refusal {
    /// `amount` exceeds what may be paid for the share; read its open amount again.
    public static let moreThanOpen = Refusal(
        .conflict,
        "more_than_open",
        en: "That is more than is still open.",
        nl: "Dat is meer dan er nog openstaat.",
        de: "Das ist mehr, als noch offen ist."
    )

    /// The refund exceeds what the share gets back, or money of the payment to reverse was given back since.
    public static let moreThanDue = Refusal(
        .conflict,
        "more_than_due",
        en: "That is more than is due back.",
        nl: "Dat is meer dan er terug moet.",
        de: "Das ist mehr, als zurückzuzahlen ist."
    )

    /// The payment at the till has a reversal, or is itself a refund or a reversal.
    public static let alreadyReversed = Refusal(
        .conflict,
        "already_reversed",
        en: "That payment has been taken back already.",
        nl: "Die betaling is al teruggedraaid.",
        de: "Diese Zahlung wurde schon zurückgenommen."
    )

    /// `day` has a close already; payments after it count for the till of the next day.
    public static let tillClosed = Refusal(
        .conflict,
        "till_closed",
        en: "The till of that day has been closed.",
        nl: "De kas van die dag is al afgesloten.",
        de: "Die Kasse dieses Tages ist schon abgeschlossen."
    )

    /// `counted` differs from the payments of that method, and the count has no `reason`.
    public static let tillDiffers = Refusal(
        .conflict,
        "till_differs",
        en: "The count differs from what should be there; say why.",
        nl: "De telling wijkt af van wat er zou moeten zijn; geef een reden.",
        de: "Die Zählung weicht vom Soll ab; gib einen Grund an."
    )

    /// The till was to be closed for a `day` after today in the park's time zone.
    public static let dayNotCome = Refusal(
        .conflict,
        "day_not_come",
        en: "That day has not come yet.",
        nl: "Die dag is nog niet aangebroken.",
        de: "Dieser Tag ist noch nicht gekommen."
    )

    /// The share has no `asked` amount, so its household has nothing to agree to.
    public static let nothingAsked = Refusal(
        .conflict,
        "nothing_asked",
        en: "Nothing more is asked of that household.",
        nl: "Van dat huishouden wordt niets extra gevraagd.",
        de: "Von diesem Haushalt wird nichts weiter verlangt."
    )
}
