public import Foundation

/// A booking's statement as somebody may see it: all of it for the organiser and staff, for a member the own household's
/// part.
public struct StatementView: Codable, Hashable, Sendable {
    /// What a household owes, and why.
    ///
    /// The amounts add up to `owed`.
    public struct Part: Codable, Hashable, Sendable {
        public var householdId: Household.ID
        /// What the household ordered for itself, less the goodwill it was given.
        public var ownOrders: Money
        /// Its part of what is common, its tourist tax, and what others ordered for it.
        public var division: Money
        /// What another household was asked to take over, at most 0.
        public var givenAway: Money
        /// What it was asked to take over from others.
        public var takenOver: Money
        /// What of all this it has not agreed to yet, at most 0.
        public var notAgreed: Money
        /// What it owes because others have not agreed to it.
        public var answersFor: Money
        public var owed: Money
        public var paid: Money
        /// What may be given back now.
        public var refundable: Money

        public init(_ part: BookingStatement.Part, of share: Share, currency: String) {
            householdId = share.householdId
            ownOrders = Money(part.selfMade, currency)
            division = Money(part.rest, currency)
            givenAway = Money(-part.givenAway, currency)
            takenOver = Money(part.takenOver, currency)
            notAgreed = Money(part.owed - part.answersFor - part.target, currency)
            answersFor = Money(part.answersFor, currency)
            owed = Money(part.owed, currency)
            paid = Money(share.paid, currency)
            refundable = Money(share.refundable, currency)
        }
    }

    public var bookingId: Booking.ID
    public var state: Booking.State
    public var total: Money
    /// What must be covered before the stay is firm.
    public var deposit: Money
    public var isDepositCovered: Bool
    /// By when a firm stay's deposit must be covered again.
    public var depositDue: LocalDate?
    /// What must be covered before a change that is held is made.
    public var heldDeposit: Money?
    /// Until when that change is held.
    public var heldUntil: Date?
    /// The household that owes what others have not agreed to.
    public var answeringHouseholdId: Household.ID
    /// Whether that is the organiser's household; if not, the organiser has not accepted yet.
    public var isOrganiserAnswering: Bool
    /// What has come in and stands, and what of it the park may keep; told to the organiser and staff.
    public var paid: Money?
    public var kept: Money?
    public var parts: [Part]

    /// - Parameters:
    ///   - household: whose part is told; nil for all.
    public init(
        _ statement: BookingStatement,
        of booking: Booking.ID,
        currency: String,
        depositDue: LocalDate?,
        heldUntil: Date? = nil,
        isOrganiserAnswering: Bool,
        to household: Household.ID?
    ) {
        bookingId = booking
        state = statement.state
        total = Money(statement.price, currency)
        deposit = Money(statement.deposit, currency)
        isDepositCovered = statement.isDepositCovered
        self.depositDue = depositDue
        self.heldUntil = heldUntil
        heldDeposit = statement.heldDeposit.map { Money($0, currency) }
        answeringHouseholdId = statement.backstop
        self.isOrganiserAnswering = isOrganiserAnswering
        paid = household == nil ? Money(statement.paid, currency) : nil
        kept = household == nil ? Money(statement.kept, currency) : nil
        let all = statement.parts
        parts = statement.shares.filter { household == nil || $0.householdId == household }.compactMap { share in
            all[share.householdId].map { Part($0, of: share, currency: currency) }
        }
    }
}
