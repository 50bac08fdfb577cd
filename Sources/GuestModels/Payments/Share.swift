/// What one household owes of a booking, and what has come in for it.
public struct Share: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Share>

    /// How it stands, which everybody of the group may know.
    public enum State: String, Codable, CaseIterable, Sendable {
        case open, partlyPaid, paid, overdue
        /// More has come in than is owed.
        case refundDue
    }

    public var id: ID
    public var bookingId: Booking.ID
    public var householdId: Household.ID
    /// Minor units of the booking's currency, as everything here.
    public var amount: Int64
    /// What a change would make it, which the household has not agreed to; until then the organiser's owes the rest.
    public var asked: Int64?
    public var paid: Int64
    /// Park-local; on hold the deposit is due before.
    public var due: LocalDate
    public var version: Int
    /// Who has taken it over.
    public var cover: Cover?

    /// Another household owes a share, but for what its own keeps.
    public struct Cover: Codable, Hashable, Sendable {
        public var by: Household.ID
        /// 0 to 100.
        public var keptPercent: Int

        public init(by household: Household.ID, keptPercent: Int) {
            by = household
            self.keptPercent = keptPercent
        }
    }

    public init(
        id: ID,
        bookingId: Booking.ID,
        householdId: Household.ID,
        amount: Int64,
        asked: Int64? = nil,
        paid: Int64 = 0,
        due: LocalDate,
        version: Int = 1,
        cover: Cover? = nil
    ) {
        self.id = id
        self.bookingId = bookingId
        self.householdId = householdId
        self.amount = amount
        self.asked = asked
        self.paid = paid
        self.due = due
        self.version = version
        self.cover = cover
    }

    /// What is still to come; 0 when nothing is.
    public var open: Int64 { max(amount - paid, 0) }

    /// As it would be if nothing had come in for it.
    public var unpaid: Share {
        var share = self
        share.paid = 0
        return share
    }

    public func state(today: LocalDate) -> State {
        if paid > amount { return .refundDue }
        if paid == amount { return .paid }
        if today > due { return .overdue }
        return paid > 0 ? .partlyPaid : .open
    }
}

extension SplitRule {
    /// As `shares(of:)`, for a bill that has changed since the rule was made: it always finds an answer.
    ///
    /// Who no longer stays is left out. Exact amounts that are no longer the price become weights of what is common.
    /// Where nobody is left to pay, households pay alike.
    public func division(of bill: Bill, backstop: Household.ID) -> [Household.ID: Int64] {
        let known = Set(bill.travellers.map(\.householdId))
        var rule = self
        rule.weights = weights?.filter { known.contains($0.householdId) }
        rule.nights = nights?.filter { night in bill.travellers.contains { $0.id == night.travellerId } }
        if way == .exactly {
            rule.amounts = amounts?.filter { known.contains($0.householdId) }
            if (try? rule.shares(of: bill)) == nil {
                let weights = (rule.amounts ?? []).map { Weight(householdId: $0.householdId, weight: $0.amount) }
                rule = SplitRule(.byWeights, weights: weights)
            }
        }
        if let shares = try? rule.shares(of: bill) { return shares }
        return (try? SplitRule(.byHousehold).shares(of: bill)) ?? [backstop: bill.total]
    }
}

extension [Share] {
    /// A division after those who have taken over what others would owe; it adds up to the same.
    ///
    /// Whoever has given up a share themselves takes over nobody's: that is the backstop's then.
    public func covering(
        _ division: [Household.ID: Int64],
        backstop: Household.ID
    ) -> [Household.ID: Int64] {
        var result = division
        let covered = Set(filter { $0.cover != nil }.map(\.householdId))
        for share in self {
            guard let cover = share.cover, share.householdId != backstop, let amount = division[share.householdId],
                amount > 0
            else { continue }
            let moved = amount - amount.percentage(cover.keptPercent)
            let taker = covered.contains(cover.by) || division[cover.by] == nil ? backstop : cover.by
            result[share.householdId, default: 0] -= moved
            result[taker, default: 0] += moved
        }
        return result
    }

    /// What the shares become when a price is divided anew.
    ///
    /// Before anybody has paid, what the division says. After that nobody owes more than they agreed to: a rise is
    /// asked of the household it hits, and the backstop owes it meanwhile. What a household brings about itself it has
    /// agreed to, but not to what was asked of it before.
    ///
    /// - Parameters:
    ///   - division: adds up to the price.
    ///   - backstop: the organiser's household.
    ///   - author: the household that made the change, if one did.
    /// - Returns: amounts that add up to the price, and what is asked, for every household there is or was.
    public func divided(
        _ division: [Household.ID: Int64],
        backstop: Household.ID,
        by author: Household.ID?
    ) -> [Household.ID: (amount: Int64, asked: Int64?)] {
        var result: [Household.ID: (amount: Int64, asked: Int64?)] = [:]
        for share in self { result[share.householdId] = (0, nil) }
        for (household, amount) in division { result[household] = (amount, nil) }
        guard contains(where: { $0.paid > 0 }) else { return result }
        let known = Dictionary(map { ($0.householdId, $0) }) { first, _ in first }
        var rest: Int64 = 0
        for (household, new) in result where household != backstop {
            let old = known[household]
            let own = household == author ? Swift.max(new.amount - (old?.asked ?? old?.amount ?? 0), 0) : 0
            let agreed = (old?.amount ?? 0) + own
            guard new.amount > agreed else { continue }
            result[household] = (agreed, new.amount)
            rest += new.amount - agreed
        }
        result[backstop, default: (0, nil)].amount += rest
        return result
    }
}

extension Refusal {
    public static let notPaid = Refusal(
        .conflict,
        "not_paid",
        en: "Something is still to be paid before you can go in.",
        nl: "Er moet nog iets worden betaald voordat je naar binnen kunt.",
        de: "Es ist noch etwas zu bezahlen, bevor ihr hineinkönnt."
    )
}

/// Gives a share to another household, which owes it from then on once it has agreed.
public struct ReassignmentRequest: Codable, Sendable, Checked {
    public var householdId: Household.ID

    public init(householdId: Household.ID) {
        self.householdId = householdId
    }

    public func check(_ check: inout Check) {}
}

extension Refusal {
    public static let coversItself = Refusal(
        .conflict,
        "covers_itself",
        en: "A household cannot take over its own share.",
        nl: "Een huishouden kan zijn eigen deel niet overnemen.",
        de: "Ein Haushalt kann nicht seinen eigenen Anteil übernehmen."
    )
    public static let organiserAnswers = Refusal(
        .conflict,
        "organiser_answers",
        en: "Whoever organises the stay answers for it; hand that over first.",
        nl: "Wie het verblijf organiseert staat ervoor in; draag dat eerst over.",
        de: "Wer den Aufenthalt organisiert, steht dafür ein; gib das zuerst ab."
    )
}

/// A share as somebody of the group sees it.
public struct ShareView: Codable, Hashable, Sendable {
    public var id: Share.ID
    public var bookingId: Booking.ID
    public var householdId: Household.ID
    public var householdName: String
    public var state: Share.State
    public var isOwn: Bool
    public var due: LocalDate
    public var version: Int
    /// What is told to the household itself, the organiser and staff alone.
    public var amount: Money?
    public var paid: Money?
    /// What a change would make it once the household agrees.
    public var asked: Money?
    /// The household that has taken it over.
    public var coveredBy: Household.ID?
    /// The attempt that is under way, for those who may pay it.
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
