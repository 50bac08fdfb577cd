/// The amount that one household owes of a booking, and the money that has come in for it.
public struct Share: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Share>

    /// The state of the share, which the whole group may see.
    public enum State: String, Codable, CaseIterable, Sendable {
        case open, partlyPaid, paid, overdue
        /// A part of the money that came in is to be given back.
        case refundDue
    }

    public var id: ID
    public var bookingId: Booking.ID
    public var householdId: Household.ID
    /// The amount that the household owes; all amounts of a share are minor units of the booking's currency.
    public var amount: Int64
    /// The most the household has agreed to owe, apart from its own orders, its cancellation fees and goodwill for it.
    public var agreed: Int64
    /// The amount the household would owe if it agreed to everything; nil while it has agreed to everything.
    ///
    /// The backstop owes the part that the household has not agreed to.
    public var asked: Int64?
    /// The money that stands: all that came in, less money that a bank took back or that was given back.
    ///
    /// The amount is below 0 when more was taken back than had come in.
    public var paid: Int64
    /// The part of `paid` that exceeded the amount payable when it came in, so it was paid twice.
    public var surplus: Int64
    /// The part of `paid` that may be given back now.
    public var refundable: Int64
    /// The park-local day on which the share is due; the deposit of a hold is due earlier.
    public var due: LocalDate
    public var version: Int
    /// The household that is asked to take the share over; nil without one.
    public var cover: Cover?

    /// A request to another household to owe a share, except the amount that the share's own household keeps.
    public struct Cover: Codable, Hashable, Sendable {
        public var by: Household.ID
        /// The most that the share's own household still owes, beside its own orders; minor units, at least 0.
        public var kept: Int64
        /// The most that the own household also owes until the other has agreed, in minor units; 0 afterwards.
        public var keptMeanwhile: Int64

        public init(by household: Household.ID, kept: Int64, keptMeanwhile: Int64 = 0) {
            by = household
            self.kept = kept
            self.keptMeanwhile = keptMeanwhile
        }
    }

    public init(
        id: ID,
        bookingId: Booking.ID,
        householdId: Household.ID,
        amount: Int64,
        agreed: Int64 = 0,
        asked: Int64? = nil,
        paid: Int64 = 0,
        surplus: Int64 = 0,
        refundable: Int64 = 0,
        due: LocalDate,
        version: Int = 1,
        cover: Cover? = nil
    ) {
        self.id = id
        self.bookingId = bookingId
        self.householdId = householdId
        self.amount = amount
        self.agreed = agreed
        self.asked = asked
        self.paid = paid
        self.surplus = surplus
        self.refundable = refundable
        self.due = due
        self.version = version
        self.cover = cover
    }

    /// The amount still to be paid; 0 when nothing is open.
    public var open: Int64 { max(amount - paid, 0) }

    public func state(today: LocalDate) -> State {
        if refundable > 0 { return .refundDue }
        if paid >= amount { return .paid }
        if today > due { return .overdue }
        return paid > 0 ? .partlyPaid : .open
    }
}

extension Refusal {
    /// The house rules want the booking or the household's share paid before guests check in themselves.
    public static let notPaid = Refusal(
        .conflict,
        "not_paid",
        en: "Something is still to be paid before you can go in.",
        nl: "Er moet nog iets worden betaald voordat je naar binnen kunt.",
        de: "Es ist noch etwas zu bezahlen, bevor ihr hineinkönnt."
    )
}

/// Gives a share to another household, which owes it after it has agreed.
public struct ReassignmentRequest: Codable, Sendable, Checked {
    public var householdId: Household.ID

    public init(householdId: Household.ID) {
        self.householdId = householdId
    }

    public func check(_ check: inout Check) {}
}

extension Refusal {
    /// `householdId` is the household of the share itself; name another household of the booking.
    public static let coversItself = Refusal(
        .conflict,
        "covers_itself",
        en: "A household cannot take over its own share.",
        nl: "Een huishouden kan zijn eigen deel niet overnemen.",
        de: "Ein Haushalt kann nicht seinen eigenen Anteil übernehmen."
    )

    /// The organiser's household has not accepted to be the backstop, and this request would let it owe more.
    public static let backingOpen = Refusal(
        .conflict,
        "backing_open",
        en: "First accept that your household answers for this stay.",
        nl: "Aanvaard eerst dat jouw huishouden voor dit verblijf instaat.",
        de: "Nimm zuerst an, dass dein Haushalt für diesen Aufenthalt einsteht."
    )

    /// The share is the backstop's, which can neither offer its share nor drop out.
    public static let organiserAnswers = Refusal(
        .conflict,
        "organiser_answers",
        en: "Whoever organises the stay answers for it; hand that over first.",
        nl: "Wie het verblijf organiseert staat ervoor in; draag dat eerst over.",
        de: "Wer den Aufenthalt organisiert, steht dafür ein; gib das zuerst ab."
    )
}

/// A share as a member of the group sees it.
public struct ShareView: Codable, Hashable, Sendable {
    public var id: Share.ID
    public var bookingId: Booking.ID
    public var householdId: Household.ID
    public var householdName: String
    public var state: Share.State
    public var isOwn: Bool
    public var due: LocalDate
    public var version: Int
    /// The amounts; only the household itself, the organiser and staff see them.
    public var amount: Money?
    public var paid: Money?
    /// The amount that the share will have once the household agrees to a change.
    public var asked: Money?
    /// The household that has taken the share over.
    public var coveredBy: Household.ID?
    /// The open attempt, visible to those who may pay it.
    public var attemptId: Attempt.ID?

    public init(
        id: Share.ID,
        bookingId: Booking.ID,
        householdId: Household.ID,
        householdName: String,
        state: Share.State,
        isOwn: Bool,
        due: LocalDate,
        version: Int,
        amount: Money?,
        paid: Money?,
        asked: Money?,
        coveredBy: Household.ID? = nil,
        attemptId: Attempt.ID? = nil
    ) {
        self.id = id
        self.bookingId = bookingId
        self.householdId = householdId
        self.householdName = householdName
        self.state = state
        self.isOwn = isOwn
        self.due = due
        self.version = version
        self.amount = amount
        self.paid = paid
        self.asked = asked
        self.coveredBy = coveredBy
        self.attemptId = attemptId
    }
}
