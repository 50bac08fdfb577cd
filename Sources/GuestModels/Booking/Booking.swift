public import Foundation

/// One group, one park, one stay, one or more cottages.
public struct Booking: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Booking>

    public enum State: String, Codable, CaseIterable, Sendable {
        case held, confirmed, checkedIn, checkedOut, expired, cancelled, noShow

        /// Whether the booking occupies its cottages.
        public var isLive: Bool {
            switch self {
            case .held, .confirmed, .checkedIn, .checkedOut: true
            case .expired, .cancelled, .noShow: false
            }
        }
    }

    public struct BookedCottage: Codable, Hashable, Sendable {
        public var id: Cottage.ID
        public var number: String
        public var isChosen: Bool
        /// The type that was booked, when the desk has given a cottage of another type.
        public var pricedAs: CottageType.ID?
        /// The first night in this cottage; nil means the first night of the stay.
        public var since: LocalDate?
        /// The first night that is paid for; nil means the first night of the stay.
        public var pricedFrom: LocalDate?
        /// The households that live in the cottage; nil when the group has not said.
        public var householdIds: [Household.ID]?

        public init(
            id: Cottage.ID,
            number: String,
            isChosen: Bool,
            pricedAs: CottageType.ID? = nil,
            since: LocalDate? = nil,
            pricedFrom: LocalDate? = nil,
            householdIds: [Household.ID]? = nil
        ) {
            self.id = id
            self.number = number
            self.isChosen = isChosen
            self.pricedAs = pricedAs
            self.since = since
            self.pricedFrom = pricedFrom
            self.householdIds = householdIds
        }
    }

    public var id: ID
    public var number: String
    public var parkId: Park.ID
    public var groupId: TravelGroup.ID?
    public var stay: Stay
    public var state: State
    /// The end of the hold; nil unless `state` is `held`.
    public var holdUntil: Date?
    public var isExtended: Bool
    public var adults: Int
    public var children: Int
    public var babies: Int
    public var pets: Int
    public var cottages: [BookedCottage]
    public var travellerIds: [Traveller.ID]
    public var charges: [ChargeLine]
    /// The extras that were ordered and not cancelled.
    public var extras: [ExtraOrder]
    /// The sum of other households' lines, which are hidden from this reader; nil when nothing is hidden.
    public var othersTotal: Money?
    public var total: Money
    /// The amount that must be covered before the hold is confirmed.
    public var deposit: Money
    /// Whether all households together have covered the deposit; each household's share says what it has paid.
    public var isDepositCovered: Bool
    /// Whether all households together have paid everything.
    public var isPaid: Bool
    public var placedAt: Date
    /// The earliest arrival hour of the households, park-local.
    public var arrivalTime: LocalTime?
    /// The arrivals and departures of single households; nil when the whole group comes and goes together.
    public var households: [HouseholdStay]?
    public var checkedInAt: Date?
    public var checkedOutAt: Date?
    /// The least fee of a cancellation, in percent.
    ///
    /// A stay that is moved to a later date keeps the fee of the day of the move.
    public var leastFeePercent: Int
    public var version: Int

    public init(
        id: ID,
        number: String,
        parkId: Park.ID,
        groupId: TravelGroup.ID?,
        stay: Stay,
        state: State,
        holdUntil: Date?,
        isExtended: Bool,
        adults: Int,
        children: Int,
        babies: Int,
        pets: Int,
        cottages: [BookedCottage],
        travellerIds: [Traveller.ID],
        charges: [ChargeLine],
        extras: [ExtraOrder] = [],
        currency: String,
        deposit: Int64,
        paid: Int64 = 0,
        placedAt: Date,
        arrivalTime: LocalTime? = nil,
        households: [HouseholdStay]? = nil,
        checkedInAt: Date? = nil,
        checkedOutAt: Date? = nil,
        leastFeePercent: Int = 0,
        version: Int
    ) {
        self.id = id
        self.number = number
        self.parkId = parkId
        self.groupId = groupId
        self.stay = stay
        self.state = state
        self.holdUntil = holdUntil
        self.isExtended = isExtended
        self.adults = adults
        self.children = children
        self.babies = babies
        self.pets = pets
        self.cottages = cottages
        self.travellerIds = travellerIds
        self.charges = charges
        self.extras = extras
        total = Money(charges.total, currency)
        self.deposit = Money(deposit, currency)
        isDepositCovered = paid >= min(deposit, max(charges.total, 0))
        isPaid = paid >= charges.total
        self.placedAt = placedAt
        self.arrivalTime = arrivalTime
        self.households = households
        self.checkedInAt = checkedInAt
        self.checkedOutAt = checkedOutAt
        self.leastFeePercent = leastFeePercent
        self.version = version
    }
}

extension Booking {
    /// The booking as a member of the group sees it: common lines and extras, and those of the member's household.
    ///
    /// - Parameters:
    ///   - household: the member's own household.
    ///   - people: the travellers of that household.
    public func seen(by household: Household.ID, _ people: Set<Traveller.ID>) -> Booking {
        var seen = self
        seen.charges = charges.filter { line in
            line.householdId.map { $0 == household } ?? line.travellerId.map(people.contains) ?? true
        }
        seen.extras = extras.filter { $0.householdId.map { $0 == household } ?? true }
        let others = charges.total - seen.charges.total
        seen.othersTotal = seen.charges.count < charges.count ? Money(others, total.currency) : nil
        return seen
    }

    /// Whether a line or an extra belongs to one household or traveller alone.
    public var hasOwnLines: Bool {
        charges.contains { $0.householdId != nil || $0.travellerId != nil } || extras.contains { $0.householdId != nil }
    }
}

extension Booking {
    /// The longest time from now until which staff may extend a hold, in seconds.
    public static let longestHold: TimeInterval = 7 * 86400

    /// Extends a hold that has not ended.
    ///
    /// A guest may extend it once, by the park's extension. Staff may extend it often, but never beyond a week from
    /// now.
    ///
    /// - Parameter minutes: the minutes that staff chose; the park's extension when nil.
    public mutating func extend(
        at now: Date,
        rules: HouseRules,
        byStaff: Bool = false,
        minutes: Int? = nil
    ) throws(Refusal) {
        guard state == .held, let deadline = holdUntil else { throw state == .expired ? .holdExpired : .notHeld }
        guard now < deadline else { throw .holdExpired }
        let later = deadline.addingTimeInterval(Double(minutes ?? rules.extensionMinutes) * 60)
        if byStaff {
            guard later <= now.addingTimeInterval(Self.longestHold) else { throw .holdTooLong }
        } else {
            guard !isExtended else { throw .alreadyExtended }
            isExtended = true
        }
        holdUntil = later
    }

    /// Makes the held booking firm.
    ///
    /// A guest may do so once the deposit is covered, whoever paid it. Staff may do so with a reason.
    ///
    /// - Parameter isCovered: whether money has just covered the deposit. The money may have been on its way at the
    ///   deadline; it counts while the booking still has its cottages.
    public mutating func confirm(
        at now: Date,
        byStaffFor reason: String?,
        isCovered: Bool = false
    ) throws(Refusal) {
        guard state != .confirmed else { return }
        guard state == .held, let deadline = holdUntil else { throw state == .expired ? .holdExpired : .notHeld }
        guard isCovered || now < deadline else { throw .holdExpired }
        guard isCovered || isDepositCovered || reason != nil else { throw .depositOpen }
        state = .confirmed
        holdUntil = nil
    }

    /// Ends a hold whose deadline has passed.
    ///
    /// Returns false when the booking is not held or the deadline has not passed.
    public mutating func expire(at now: Date) -> Bool {
        guard state == .held, let deadline = holdUntil, now >= deadline else { return false }
        state = .expired
        holdUntil = nil
        return true
    }

    /// Holds an expired booking again; the caller has checked that its cottages are free.
    public mutating func revive(until deadline: Date) {
        guard state == .expired else { return }
        state = .held
        holdUntil = deadline
    }

    /// Cancels a stay that has not begun.
    ///
    /// - Parameters:
    ///   - today: the park-local day.
    ///   - orders: extras that households have ordered for themselves.
    /// - Returns: the lines of the fee, added to earlier fees for parts given up; a hold costs nothing.
    public mutating func cancel(
        at now: Date,
        today: LocalDate,
        rules: HouseRules,
        own orders: Set<ExtraOrder.ID>
    ) throws(Refusal) -> [ChargeLine] {
        switch state {
        case .cancelled: return []
        case .held:
            guard let deadline = holdUntil, now < deadline else { throw .holdExpired }
            state = .cancelled
            holdUntil = nil
            return []
        case .confirmed:
            guard today <= stay.arrival else { throw .tooLateToCancel }
            state = .cancelled
            return charges.fee(percent: feePercent(today: today, rules: rules), own: orders)
        case .expired: throw .holdExpired
        case .checkedIn, .checkedOut, .noShow: throw .tooLateToCancel
        }
    }
}

extension Booking {
    /// The fee for giving up all or a part of a confirmed stay on the park-local day `today`, in percent, 0 to 100.
    public func feePercent(today: LocalDate, rules: HouseRules) -> Int {
        max(leastFeePercent, rules.cancellationPercent(arrival: stay.arrival, today: today))
    }
}

extension Refusal {
    /// Another booking got one of the cottages between the search and this request; search again.
    public static let cottageTaken = Refusal(
        .conflict,
        "cottage_taken",
        en: "Someone else has just taken one of those cottages.",
        nl: "Iemand anders heeft net een van die huisjes genomen.",
        de: "Jemand anders hat gerade eines dieser Häuser genommen."
    )

    /// The hold's deadline has passed, even where its state is not yet `expired`; place a new booking.
    public static let holdExpired = Refusal(
        .conflict,
        "hold_expired",
        en: "The hold has run out; please choose again.",
        nl: "De reservering is verlopen; kies opnieuw.",
        de: "Die Reservierung ist abgelaufen; bitte wähle neu."
    )

    /// The booking to extend is firm or over, or the one to confirm is cancelled, checked in or over.
    public static let notHeld = Refusal(
        .conflict,
        "not_held",
        en: "This booking is not on hold any more.",
        nl: "Deze boeking staat niet meer vast in optie.",
        de: "Diese Buchung ist nicht mehr nur vorgemerkt."
    )

    /// The hold was extended once by the group; only staff may extend it again.
    public static let alreadyExtended = Refusal(
        .conflict,
        "already_extended",
        en: "A hold can be extended only once.",
        nl: "Een optie kan maar één keer worden verlengd.",
        de: "Eine Vormerkung kann nur einmal verlängert werden."
    )

    /// Staff gave `minutes` that would move the hold's deadline beyond seven days from now.
    public static let holdTooLong = Refusal(
        .conflict,
        "hold_too_long",
        en: "A hold can run for at most a week from now.",
        nl: "Een optie kan hoogstens nog een week lopen.",
        de: "Eine Vormerkung kann höchstens noch eine Woche laufen."
    )

    /// Confirming or undoing needs a deposit that payments do not cover yet; staff may confirm with a reason.
    public static let depositOpen = Refusal(
        .conflict,
        "deposit_open",
        en: "The deposit has not been covered yet.",
        nl: "De aanbetaling is nog niet voldaan.",
        de: "Die Anzahlung ist noch nicht gedeckt."
    )

    /// The stay has begun or its day of arrival has passed, or the first day of the extra has come.
    public static let tooLateToCancel = Refusal(
        .conflict,
        "too_late_to_cancel",
        en: "This stay can no longer be cancelled.",
        nl: "Dit verblijf kan niet meer worden geannuleerd.",
        de: "Dieser Aufenthalt kann nicht mehr storniert werden."
    )

    /// The travellers exceed the beds or places for babies, or `pets` the pets, of the cottages.
    public static let partyTooLarge = Refusal(
        .conflict,
        "party_too_large",
        en: "Those cottages have too few beds, or take too few pets, for everybody.",
        nl: "Die huisjes hebben te weinig bedden of plek voor huisdieren voor iedereen.",
        de: "Diese Häuser haben zu wenige Betten oder Plätze für Haustiere."
    )

    /// All travellers are under 18 on the day of arrival; without `birthDate` a traveller counts as adult.
    public static let nobodyGrown = Refusal(
        .conflict,
        "no_adult",
        en: "At least one adult has to come along.",
        nl: "Er moet minstens één volwassene mee.",
        de: "Mindestens ein Erwachsener muss mitkommen."
    )
}
