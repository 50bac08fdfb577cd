public import Foundation

/// The wishes for a changed booking; an absent field stays as it is.
public struct BookingChange: Codable, Sendable, Checked {
    public var stay: Stay?
    /// All cottages after the change; cottages that stay are named by `cottageId`.
    public var cottages: [BookingRequest.Choice]?
    public var travellerIds: [Traveller.ID]?
    public var pets: Int?

    public init(
        stay: Stay? = nil,
        cottages: [BookingRequest.Choice]? = nil,
        travellerIds: [Traveller.ID]? = nil,
        pets: Int? = nil
    ) {
        self.stay = stay
        self.cottages = cottages
        self.travellerIds = travellerIds
        self.pets = pets
    }

    public func check(_ check: inout Check) {
        if let cottages { BookingRequest.check(cottages, &check) }
        if let travellerIds { BookingRequest.check(travellerIds, &check) }
        check.range(pets, "/pets", 0...50)
        if let stay { check.require(stay.nightCount <= 365, "/stay/departure", "must be within 365 nights of arrival") }
    }
}

/// The state of a booking after a change, with its cottages chosen.
public struct BookingPlan: Codable, Hashable, Sendable {
    public struct Place: Codable, Hashable, Sendable {
        public var id: Cottage.ID
        public var isChosen: Bool
        /// The type that was booked, when the desk has given a cottage of another type.
        public var pricedAs: CottageType.ID?
        /// The first night in this cottage; nil means the first night of the stay.
        public var since: LocalDate?
        /// The first night that is paid for; nil means the first night of the stay.
        ///
        /// Guests pay for an added cottage from its first night. A cottage that the desk gives in exchange costs
        /// as much as the cottage that it replaces.
        public var pricedFrom: LocalDate?

        public init(
            id: Cottage.ID,
            isChosen: Bool,
            pricedAs: CottageType.ID? = nil,
            since: LocalDate? = nil,
            pricedFrom: LocalDate? = nil
        ) {
            self.id = id
            self.isChosen = isChosen
            self.pricedAs = pricedAs
            self.since = since
            self.pricedFrom = pricedFrom
        }
    }

    public var stay: Stay
    public var cottages: [Place]
    public var travellerIds: [Traveller.ID]
    public var pets: Int

    public init(stay: Stay, cottages: [Place], travellerIds: [Traveller.ID], pets: Int) {
        self.stay = stay
        self.cottages = cottages
        self.travellerIds = travellerIds
        self.pets = pets
    }
}

/// A change that is priced but not made yet.
///
/// The quote is valid until `expiresAt`, for one version of the booking. The cottages are not held meanwhile.
public struct Quote: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Quote>

    public var id: ID
    public var bookingId: Booking.ID
    public var bookingVersion: Int
    public var plan: BookingPlan
    /// The differences: removed lines with a negative amount, and new lines.
    public var lines: [ChargeLine]
    public var difference: Money
    public var total: Money
    public var expiresAt: Date

    public init(
        id: ID,
        bookingId: Booking.ID,
        bookingVersion: Int,
        plan: BookingPlan,
        lines: [ChargeLine],
        difference: Money,
        total: Money,
        expiresAt: Date
    ) {
        self.id = id
        self.bookingId = bookingId
        self.bookingVersion = bookingVersion
        self.plan = plan
        self.lines = lines
        self.difference = difference
        self.total = total
        self.expiresAt = expiresAt
    }
}

/// Makes the change that a quote describes.
public struct QuotedChange: Codable, Sendable, Checked {
    public var quoteId: Quote.ID
    /// The reason; required from staff.
    public var reason: String?

    public init(quoteId: Quote.ID, reason: String? = nil) {
        self.quoteId = quoteId
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
    }
}

/// Gives a booking another cottage instead of one of its own; the price stays.
public struct MoveRequest: Codable, Sendable, Checked {
    /// The cottage that the booking gives up; nil for a reservation that has no cottage yet.
    public var from: Cottage.ID?
    public var to: Cottage.ID
    public var reason: String

    public init(from: Cottage.ID?, to: Cottage.ID, reason: String) {
        self.from = from
        self.to = to
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
        check.require(from != to, "/to", "must be another cottage")
    }
}

extension Booking {
    /// The booking's plan with the dates of `stay`.
    public func plan(for stay: Stay) -> BookingPlan {
        var plan = plan
        plan.stay = stay
        return plan
    }

    /// The present state of the booking as a plan.
    public var plan: BookingPlan {
        BookingPlan(
            stay: stay,
            cottages: cottages.map {
                .init(
                    id: $0.id,
                    isChosen: $0.isChosen,
                    pricedAs: $0.pricedAs,
                    since: $0.since,
                    pricedFrom: $0.pricedFrom
                )
            },
            travellerIds: travellerIds.sorted(),
            pets: pets
        )
    }

    /// Throws a refusal when the booking's state or the house rules do not allow a change to the plan.
    ///
    /// - Parameters:
    ///   - today: the park-local day. A stay that has begun keeps its arrival and cannot end before today.
    ///   - types: the types by which the plan's cottages are priced, and whether each cottage is new in the plan.
    ///   - isBound: whether the house rules for arrival days and lengths apply; they bind guests only.
    public func allow(
        _ plan: BookingPlan,
        in types: [(type: CottageType.ID, isNew: Bool)],
        today: LocalDate,
        rules: HouseRules,
        isBound: Bool = true,
        at now: Date
    ) throws(Refusal) {
        switch state {
        case .held:
            guard let deadline = holdUntil, now < deadline else { throw .holdExpired }
        case .confirmed, .checkedIn: break
        case .expired: throw .holdExpired
        case .cancelled, .checkedOut, .noShow: throw .notChangeable
        }
        guard !charges.contains(where: { $0.kind == .imported }) else { throw .notChangeable }
        guard plan.cottages.allSatisfy({ ($0.since ?? plan.stay.arrival) < plan.stay.departure }) else {
            throw .notChangeable
        }
        guard plan.stay != stay else {
            if isBound { try rules.allow(plan.stay, in: types.filter(\.isNew).map(\.type)) }
            return
        }
        let hasBegun = stay.arrival <= today
        guard !hasBegun || plan.stay.arrival == stay.arrival && plan.stay.departure >= today else {
            throw .notChangeable
        }
        let earliest = min(today, hasBegun ? stay.arrival : today)
        guard plan.stay.arrival >= earliest else { throw .arrivalPassed }
        guard isBound else { return }
        try rules.allow(plan.stay, today: earliest)
        try rules.allow(plan.stay, in: types.map(\.type))
    }

    /// Whether a plan keeps all cottages once the stay has begun.
    ///
    /// In the middle of a stay guests may only add cottages. Only the desk may replace one.
    public func keepsCottages(_ plan: BookingPlan, today: LocalDate) -> Bool {
        stay.arrival >= today || Set(cottages.map(\.id)).isSubset(of: plan.cottages.map(\.id))
    }

    /// The cottage that a plan removes and the one that it adds; nil unless exactly one is removed and one is added.
    public func replacement(in plan: BookingPlan) -> (from: Cottage.ID, to: Cottage.ID)? {
        let (present, planned) = (Set(cottages.map(\.id)), Set(plan.cottages.map(\.id)))
        let (gone, come) = (present.subtracting(planned), planned.subtracting(present))
        guard gone.count == 1, come.count == 1, let from = gone.first, let to = come.first else { return nil }
        return (from, to)
    }

    /// The nights that a plan needs from today on, park-local; nil when none are left.
    ///
    /// Past nights are left out, because somebody else may have had the cottage then.
    public func nightsAhead(of plan: BookingPlan, today: LocalDate) -> Stay? {
        stay.arrival < today ? Stay(from: max(plan.stay.arrival, today), to: plan.stay.departure) : plan.stay
    }

    /// Throws when extras can no longer be ordered for the booking.
    public func allowExtras(at now: Date) throws(Refusal) {
        switch state {
        case .held:
            guard let deadline = holdUntil, now < deadline else { throw .holdExpired }
        case .confirmed, .checkedIn: return
        case .expired: throw .holdExpired
        case .cancelled, .checkedOut, .noShow: throw .notChangeable
        }
    }

    /// The fee when a change makes a confirmed stay cheaper: the cancellation percentage of the difference.
    ///
    /// - Parameters:
    ///   - lost: the amount by which the lodging becomes cheaper, in minor units; no fee is due unless it is above 0.
    public func feeForLess(_ lost: Int64, today: LocalDate, rules: HouseRules) -> Int64 {
        guard state != .held, lost > 0 else { return 0 }
        return lost.percentage(feePercent(today: today, rules: rules))
    }

    /// Moves the stay to other dates.
    ///
    /// A firm stay that is moved to a later date keeps at least the cancellation fee of today.
    public mutating func move(to stay: Stay, today: LocalDate, rules: HouseRules) {
        if state != .held, stay.arrival > self.stay.arrival {
            leastFeePercent = feePercent(today: today, rules: rules)
        }
        self.stay = stay
    }
}

extension Refusal {
    /// The booking has ended or is the property system's, or the change touches past nights or removes cottages.
    public static let notChangeable = Refusal(
        .conflict,
        "not_changeable",
        en: "This booking cannot be changed like that any more.",
        nl: "Deze boeking kan zo niet meer worden gewijzigd.",
        de: "Diese Buchung kann so nicht mehr geändert werden."
    )

    /// The quote is older than 15 minutes, or the booking's version or the price differs from it.
    public static let quoteOver = Refusal(
        .conflict,
        "quote_over",
        en: "That quote has run out or the booking has changed since; ask for a new one.",
        nl: "Die offerte is verlopen of de boeking is intussen gewijzigd; vraag een nieuwe.",
        de: "Dieses Angebot ist abgelaufen oder die Buchung wurde inzwischen geändert; frage neu an."
    )
}
