public import Foundation

/// A booking's statement as one reader may see it.
///
/// The organiser and staff see the parts of all households. A member sees the part of the own household alone.
public struct StatementView: Codable, Hashable, Sendable {
    /// The amount that one household owes, and its reasons.
    ///
    /// The amounts add up to `owed`.
    public struct Part: Codable, Hashable, Sendable {
        public var householdId: Household.ID
        /// The household's own orders, less the goodwill it was given.
        public var ownOrders: Money
        /// The household's part of the common lines, its tourist tax, and orders others made for it.
        public var division: Money
        /// The amount that another household was asked to take over; at most 0.
        public var givenAway: Money
        /// The amount that this household was asked to take over from others.
        public var takenOver: Money
        /// The part of these amounts that the household has not agreed to yet; at most 0.
        public var notAgreed: Money
        /// The amount that the household owes because others have not agreed to it.
        public var answersFor: Money
        public var owed: Money
        public var paid: Money
        /// The refund that is possible now.
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
    /// The money that must have come in before the stay is firm.
    public var deposit: Money
    public var isDepositCovered: Bool
    /// The last day for covering a firm stay's deposit again.
    public var depositDue: LocalDate?
    /// The money that must have come in before a held change is made.
    public var heldDeposit: Money?
    /// The end of the hold of a held change; nil without a held change.
    public var heldUntil: Date?
    /// The household that owes the sums others have not agreed to.
    public var answeringHouseholdId: Household.ID
    /// True if the organiser's household answers; false until a new organiser has accepted.
    public var isOrganiserAnswering: Bool
    /// Money that has come in and stands; nil for a member.
    public var paid: Money?
    /// The part of `paid` that the park may keep; nil for a member.
    public var kept: Money?
    public var parts: [Part]

    /// - Parameters:
    ///   - household: the household whose part is shown; nil for all households.
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
