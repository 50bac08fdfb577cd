/// The money of one booking at one moment.
///
/// The statement has every household's share and its reasons, open requests to agree, and possible refunds. It also
/// says whether the deposit is covered.
///
/// The statement is a pure value made of facts. Verbs change facts and ask the statement; no verb decides about money
/// itself. The laws of the statement:
/// 1. Shares add up to the price, and none is below 0. An order, a cancellation or a gift of one household alone
///    changes its own share alone.
/// 2. No household owes more than it has agreed to. The backstop owes the rest.
/// 3. No refund takes what has come in below what the park may keep, except money that was paid twice.
///
/// All amounts are minor units of the booking's currency.
public struct BookingStatement: Sendable {
    public var state: Booking.State
    public var bill: Bill
    public var rule: SplitRule
    /// The household that answers for the booking: the organiser's when it was placed, until another organiser accepts.
    public var backstop: Household.ID
    public var shares: [Share]
    /// The money that must have come in before the stay becomes firm, at the present price.
    public var deposit: Int64
    /// Extras that a household has ordered for itself.
    public var ownOrders: Set<ExtraOrder.ID>
    /// The money that must have come in before a held change is made; nil without a held change.
    public var heldDeposit: Int64?

    public init(
        state: Booking.State,
        bill: Bill,
        rule: SplitRule,
        backstop: Household.ID,
        shares: [Share],
        deposit: Int64,
        ownOrders: Set<ExtraOrder.ID> = [],
        heldDeposit: Int64? = nil
    ) {
        self.state = state
        self.bill = bill
        self.rule = rule
        self.backstop = backstop
        self.shares = shares
        self.deposit = deposit
        self.ownOrders = ownOrders
        self.heldDeposit = heldDeposit
    }

    /// The amount that one household owes, and its reasons.
    public struct Part: Hashable, Sendable {
        /// The household's own orders, less the goodwill it was given.
        ///
        /// The household agreed to these by ordering them.
        public var selfMade: Int64 = 0
        /// The goodwill that is part of `selfMade`; at most 0.
        public var goodwill: Int64 = 0
        /// The rest of the household's part under the split rule.
        ///
        /// The rest covers common lines, the household's tourist tax, and orders that others made for the household.
        public var rest: Int64 = 0
        /// The part of `rest` that another household has been asked to take over.
        public var givenAway: Int64 = 0
        /// The sum that this household has been asked to take over from others.
        public var takenOver: Int64 = 0
        /// The most the household has agreed to owe.
        public var limit: Int64 = 0
        /// The sum that the backstop owes because others have not agreed to it; 0 for all others.
        public var answersFor: Int64 = 0
        public var owed: Int64 = 0

        /// The household's own debt, without shares that it takes over.
        public var ownPart: Int64 { selfMade + rest - givenAway }
        /// The household's debt if it agreed to everything.
        public var target: Int64 { ownPart + takenOver }
        /// The amount that the household is asked to agree to; nil while it has agreed to all of it.
        public var asked: Int64? { owed < target ? target : nil }
    }

    public var price: Int64 { bill.total }

    /// The parts of all households that stay or have a share, and of the backstop.
    public var parts: [Household.ID: Part] {
        let staying = Set(bill.travellers.map(\.householdId))
        let homes = Dictionary(bill.travellers.map { ($0.id, $0.householdId) }) { first, _ in first }
        var parts: [Household.ID: Part] = [:]
        for household in staying.union(shares.map(\.householdId)).union([backstop]) { parts[household] = Part() }
        var divided = bill
        // Lines of a household that no longer stays are still its own.
        var gone: [Household.ID: Int64] = [:]
        divided.lines = bill.lines.filter { line in
            guard let own = line.householdId ?? line.travellerId.flatMap({ homes[$0] }), parts[own] != nil,
                !staying.contains(own)
            else { return true }
            gone[own, default: 0] += line.amount
            return false
        }
        for line in bill.lines where isSelfMade(line) {
            guard let household = line.householdId else { continue }
            parts[household]?.selfMade += line.amount
            if line.kind == .goodwill { parts[household]?.goodwill += line.amount }
        }
        let division = rule.division(of: divided, backstop: backstop)
        for (household, part) in parts {
            parts[household]?.rest = (division[household] ?? 0) + (gone[household] ?? 0) - part.selfMade
        }
        for share in shares { parts[share.householdId]?.limit = share.agreed }
        for (household, part) in parts where household != backstop {
            parts[household]?.limit = part.limit + part.selfMade
        }
        cover(&parts)
        var others: Int64 = 0
        for (household, part) in parts where household != backstop {
            let limit = part.limit
            // The limit is below zero when goodwill is worth more than the household owes. `settle` takes that
            // goodwill back.
            parts[household]?.owed = max(min(part.target, limit), 0)
            others += max(min(part.target, limit), 0)
        }
        let owed = price - others
        let own = parts[backstop]?.target ?? 0
        parts[backstop]?.answersFor = owed - own
        parts[backstop]?.limit = owed
        parts[backstop]?.owed = owed
        return parts
    }

    /// True for a line that follows from an order, a cancellation or a gift of its own household.
    private func isSelfMade(_ line: ChargeLine) -> Bool {
        guard line.householdId != nil else { return false }
        switch line.kind {
        // The cancellation fee on a household's own extras is its own too.
        case .goodwill, .cancellation: return true
        case .extra: return line.extraOrderId.map(ownOrders.contains) ?? false
        default: return false
        }
    }

    /// Moves shares to the households that take them over.
    ///
    /// The household that gives a share up goes on owing the part not agreed to yet, at most `keptMeanwhile`.
    private func cover(_ parts: inout [Household.ID: Part]) {
        var moves: [(share: Share, cover: Share.Cover, taker: Household.ID)] = []
        for share in shares {
            guard let cover = share.cover, share.householdId != backstop, let part = parts[share.householdId] else {
                continue
            }
            let moved = max(part.rest - cover.kept, 0)
            guard moved > 0 else { continue }
            let taker = taker(of: cover)
            parts[share.householdId]?.givenAway += moved
            parts[taker]?.takenOver += moved
            if cover.keptMeanwhile > 0 { moves.append((share, cover, taker)) }
        }
        var open: [Household.ID: Int64] = [:]
        for (share, cover, taker) in moves {
            guard let part = parts[taker], let given = parts[share.householdId]?.givenAway else { continue }
            let agreed = max(min(part.target, part.limit), 0)
            let left = taker == backstop ? given : open[taker] ?? part.target - agreed
            let kept = min(cover.keptMeanwhile, given, left)
            parts[share.householdId]?.givenAway -= kept
            open[taker] = left - kept
            // The backstop is not asked to agree, so it takes over only the part that the own household does not keep.
            if taker == backstop { parts[taker]?.takenOver -= kept }
        }
    }

    /// The household that takes a share over: the one that was asked, or the backstop.
    ///
    /// A household that has given up its own share takes over no other share, so the backstop takes it.
    func taker(of cover: Share.Cover) -> Household.ID {
        shares.contains { $0.householdId == cover.by && $0.cover == nil } ? cover.by : backstop
    }

    // MARK: Money that has come in

    /// The money that stands: all that came in, less money that a bank took back or that was given back.
    public var paid: Int64 { shares.reduce(0) { $0 + $1.paid } }

    /// The fees for cancelling all or a part.
    private var fees: Int64 { bill.lines.filter { $0.kind == .cancellation }.total }

    /// The money of each share that was paid twice, in the order of the shares; it is always refundable.
    private var twice: [Int64] {
        let parts = parts
        return shares.map { min($0.surplus, max($0.paid - (parts[$0.householdId]?.owed ?? 0), 0)) }
    }

    /// The money that can cover a deposit: all that stands, less money that was paid twice.
    public var covering: Int64 { paid - twice.reduce(0, +) }

    /// The money that the park may keep.
    ///
    /// The park keeps the fee of a cancelled booking, the deposit of a firm one, or the price of a stay that has
    /// begun. The park also keeps money paid for a change while that change is held.
    public var kept: Int64 {
        switch state {
        case .held, .expired: 0
        case .cancelled: max(price, 0)
        case .confirmed: max(min(deposit + fees, price), heldDeposit.map { $0 + fees } ?? 0, 0)
        case .checkedIn, .checkedOut, .noShow: max(price, heldDeposit.map { $0 + fees } ?? 0, 0)
        }
    }

    /// Whether enough money has come in to cover the deposit.
    ///
    /// The price is always enough, because an agreed price may be lower than the deposit was.
    public var isDepositCovered: Bool { covering >= min(deposit, max(price, 0)) }

    /// True once enough has come in to make the held change; false without a held change.
    public var isHeldChangeCovered: Bool { heldDeposit.map { covering >= $0 } ?? false }

    /// The money still missing for a held change; the backstop may pay it beside its own debt.
    private var missingForChange: Int64 { heldDeposit.map { max($0 - covering, 0) } ?? 0 }

    /// The refund that is possible now for each household; households without one are left out.
    ///
    /// Money paid twice is always refundable. Other refunds must leave the park `kept`. If others have yet to pay a
    /// part of `kept`, the households that paid too much wait for it: each waits for the same amount, or for all it
    /// paid too much. Therefore one household's refund changes nothing for the others.
    public var refundable: [Household.ID: Int64] {
        let parts = parts
        let over = shares.map { max($0.paid - (parts[$0.householdId]?.owed ?? 0), 0) }
        let twice = twice
        let fronted = zip(over, twice).map { $0 - $1 }
        let sum = fronted.reduce(0, +)
        let free = min(max(covering - kept, 0), sum)
        let given = zip(fronted, Self.level(sum - free, of: fronted)).map { $0 - $1 }
        var refundable: [Household.ID: Int64] = [:]
        for (share, amount) in zip(shares, zip(twice, given).map { $0 + $1 }) where amount > 0 {
            refundable[share.householdId] = amount
        }
        return refundable
    }

    /// Takes equal parts from the amounts until `sum` is reached; a small amount gives at most all it has.
    ///
    /// Units that cannot be divided evenly are taken from the first amounts.
    private static func level(_ sum: Int64, of amounts: [Int64]) -> [Int64] {
        var taken = amounts.map { _ in Int64(0) }
        var left = sum
        let order = amounts.indices.sorted { (amounts[$0], $0) < (amounts[$1], $1) }
        for (place, index) in order.enumerated() {
            let count = Int64(order.count - place)
            guard amounts[index] > left / count else {
                taken[index] = amounts[index]
                left -= amounts[index]
                continue
            }
            let (each, odd) = left.quotientAndRemainder(dividingBy: count)
            for (number, rest) in order[place...].sorted().enumerated() { taken[rest] = each + (number < odd ? 1 : 0) }
            break
        }
        return taken
    }

    /// The most that goodwill can take off a household's share: its own debt.
    public func mostGoodwill(for household: Household.ID) -> Int64 {
        guard let part = parts[household] else { return 0 }
        return max(household == backstop ? part.target : min(part.target, part.limit), 0)
    }

    /// The most that may be paid for a household: its debt, or the amount asked of it, because paying is agreeing.
    public func payable(for household: Household.ID) -> Int64 {
        guard let part = parts[household], let share = share(of: household) else { return 0 }
        let open = max(max(part.owed, part.target) - share.paid, 0)
        return household == backstop ? max(open, missingForChange) : open
    }

    public func share(of household: Household.ID) -> Share? { shares.first { $0.householdId == household } }
}
