import Foundation
import GuestModels

/// A booking with random acts, and books about it that share no code with the statement.
struct StatementHistory {
    static let deeds = [
        "price", "order", "take back", "order for others", "goodwill", "pay", "pay twice", "agree", "reassign",
        "end cover", "withdraw", "move", "join", "rule", "hand over", "accept", "firm", "cancel", "dispute", "win",
        "give back",
    ]

    var dice: SeededGenerator
    var statement: BookingStatement
    var told: [String] = []
    private var breaches: [String] = []

    // The model's own books.
    private var households: [Household.ID]
    /// The most each household has consented to, beside its own orders and goodwill.
    private var consent: [Household.ID: Int64] = [:]
    private var orders: [(id: ExtraOrder.ID, household: Household.ID, amount: Int64)] = []
    /// Money that came in and was not taken back.
    private var money: [Household.ID: Int64] = [:]
    /// The part of `money` that was paid twice.
    private var twice: [Household.ID: Int64] = [:]
    private var disputed: [(household: Household.ID, amount: Int64)] = []
    private var goodwill: [Household.ID: Int64] = [:]

    init(seed: UInt64) {
        dice = SeededGenerator(seed: seed)
        households = []
        for _ in 0..<Int.random(in: 1...5, using: &dice) { households.append(.init(dice.uuid())) }
        var people: [Traveller] = []
        for household in households {
            for _ in 0..<Int.random(in: 1...3, using: &dice) { people.append(traveller(in: household, dice.uuid())) }
        }
        var lines = [ChargeLine(.night, quantity: 4, unitAmount: Int64.random(in: 1...30_000, using: &dice))]
        for person in people {
            lines.append(ChargeLine(.touristTax, traveller: person.id, quantity: 4, unitAmount: 168))
        }
        statement = BookingStatement(
            state: .held,
            bill: Bill(stay: threeNights, lines: lines, travellers: people),
            rule: SplitRule(.equally),
            backstop: households[0],
            shares: [],
            deposit: 0
        )
        statement.deposit = statement.price * 3 / 10
        settle(joining: true)
        for share in statement.shares { consent[share.householdId] = share.amount }
    }

    private mutating func settle(joining: Bool = false, by author: Household.ID? = nil) {
        for line in statement.settle(joining: joining, by: author, make: newShare) {
            if let household = line.householdId { goodwill[household, default: 0] -= line.amount }
        }
        households = Array(Set(households).union(statement.shares.map(\.householdId))).sorted()
        for share in statement.shares { forget(share.householdId, owing: share.amount) }
        guard statement.state == .held || statement.state == .confirmed else { return }
        // A share that becomes cheaper lowers the household's agreement to its new amount.
        for share in statement.shares where share.householdId != statement.backstop && share.cover == nil {
            let part = (share.asked ?? share.amount) - (selfMade[share.householdId] ?? 0)
            if let had = consent[share.householdId] { consent[share.householdId] = min(had, max(part, 0)) }
        }
    }

    private func amount(_ household: Household.ID) -> Int64 { statement.share(of: household)?.amount ?? 0 }

    private var selfMade: [Household.ID: Int64] {
        var all: [Household.ID: Int64] = goodwill.mapValues { -$0 }
        for order in orders { all[order.household, default: 0] += order.amount }
        for line in statement.bill.lines where line.kind == .cancellation {
            if let household = line.householdId { all[household, default: 0] += line.amount }
        }
        return all
    }

    // MARK: What happens

    mutating func step() -> String {
        let one = households.randomElement(using: &dice) ?? households[0]
        let other = households.randomElement(using: &dice) ?? one
        let deed = Self.deeds.randomElement(using: &dice) ?? "pay"
        let before = Dictionary(households.map { ($0, amount($0)) }) { first, _ in first }
        let happened = act(deed, one, other)
        let text = happened ? deed : "\(deed) (refused)"
        told.append(text)
        guard happened else { return text }
        expectLocality(deed, one, before)
        return text
    }

    private mutating func act(_ deed: String, _ one: Household.ID, _ other: Household.ID) -> Bool {
        let isOver = statement.state == .cancelled
        switch deed {
        case "price":
            guard !isOver else { return false }
            let nights = statement.bill.lines.filter { $0.kind == .night }.reduce(0) { $0 + $1.amount }
            let change = Int64.random(in: -nights...20_000, using: &dice)
            guard change != 0 else { return false }
            statement.bill.lines.append(ChargeLine(.night, unitAmount: change))
            statement.deposit = (nights + change) * 3 / 10
            settle()
        case "order", "order for others":
            guard !isOver, statement.bill.travellers.contains(where: { $0.householdId == one }) else { return false }
            let order = ExtraOrder.ID(dice.uuid())
            let line = ChargeLine(
                .extra,
                household: one,
                extraOrder: order,
                unitAmount: Int64.random(in: 1...6_000, using: &dice)
            )
            statement.bill.lines.append(line)
            if deed == "order" {
                statement.ownOrders.insert(order)
                orders.append((order, one, line.amount))
            }
            settle()
        case "take back":
            guard !isOver, let order = orders.filter({ $0.household == one }).randomElement(using: &dice) else {
                return false
            }
            statement.bill.lines.append(
                ChargeLine(.extra, household: one, extraOrder: order.id, unitAmount: -order.amount)
            )
            orders.removeAll { $0.id == order.id }
            settle()
        case "goodwill":
            let most = statement.mostGoodwill(for: one)
            guard statement.state == .confirmed, most > 0 else { return false }
            let given = Int64.random(in: 1...most, using: &dice)
            statement.bill.lines.append(ChargeLine(.goodwill, household: one, unitAmount: -given))
            goodwill[one, default: 0] += given
            settle()
        case "pay":
            let most = statement.payable(for: one)
            guard most > 0 else { return false }
            let paid = Bool.random(using: &dice) ? most : Int64.random(in: 1...most, using: &dice)
            pay(paid, one)
        case "pay twice":
            let paid = Int64.random(in: 1...5_000, using: &dice) + statement.payable(for: one)
            pay(paid, one)
        case "agree":
            guard let asked = statement.share(of: one)?.asked else { return false }
            statement.agree(one)
            settle()
            consent[one] = max(consent[one] ?? 0, asked - (selfMade[one] ?? 0))
        case "reassign":
            guard one != other, one != statement.backstop, !isOver else { return false }
            let fee = Int64.random(in: 0...20_000, using: &dice)
            let (gave, took) = (amount(one), amount(other))
            let isAlone = !statement.shares.contains { $0.cover?.by == one || $0.cover?.by == other }
            guard (try? statement.giveUp(one, .init(by: other, kept: 0, keptMeanwhile: fee))) != nil else {
                return false
            }
            settle()
            // A household is free of the fee only after the other household owes that much more. Goodwill for a
            // household stays its own. (If one household takes over several shares, its agreement is one sum.)
            let least = min(fee + min(selfMade[one] ?? 0, 0), gave)
            if other != statement.backstop, isAlone, amount(one) + max(amount(other) - took, 0) < least {
                breaches.append("gave \(gave) away at a fee of \(fee), and owes \(amount(one))")
            }
        case "end cover":
            guard !isOver, let by = statement.share(of: one)?.cover?.by else { return false }
            guard (try? statement.endCover(of: one)) != nil else { return false }
            settle()
            if by != statement.backstop, let share = statement.share(of: by) {
                // The taker's agreement falls back to at most its own part.
                consent[by] = min(consent[by] ?? 0, max((share.asked ?? share.amount) - (selfMade[by] ?? 0), 0))
            }
        case "withdraw":
            guard one != statement.backstop, !isOver else { return false }
            let percent = statement.state == .held ? 0 : [0, 30, 100].randomElement(using: &dice) ?? 0
            let kept = statement.kept(of: one, percent: percent)
            guard (try? statement.giveUp(one, .init(by: statement.backstop, kept: kept))) != nil else { return false }
            settle()
        case "move":
            guard let index = statement.bill.travellers.indices.randomElement(using: &dice) else { return false }
            let to = Int.random(in: 0...4, using: &dice) == 0 ? Household.ID(dice.uuid()) : other
            statement.bill.travellers[index].householdId = to
            settle(by: statement.backstop)
        case "join":
            guard !isOver, households.count < 6 else { return false }
            let new = Household.ID(dice.uuid())
            statement.bill.travellers.append(traveller(in: new, dice.uuid()))
            settle(joining: true)
            consent[new] = amount(new)
        case "rule":
            guard let rule = randomRule() else { return false }
            statement.rule = rule
            settle()
        case "hand over":
            // Another guest becomes the organiser; the backstop stays the same, so no money moves.
            settle()
        case "accept":
            guard one != statement.backstop else { return false }
            let former = statement.backstop
            statement.back(by: one)
            settle()
            // As the organiser's household it caused its own part, so it has agreed to this part.
            if let share = statement.share(of: former) {
                consent[former] = max(consent[former] ?? 0, (share.asked ?? share.amount) - (selfMade[former] ?? 0))
            }
        case "firm":
            guard statement.state == .held else { return false }
            let stands = households.reduce(Int64(0)) { sum, one in
                let had = money[one] ?? 0
                return sum + had - min(twice[one] ?? 0, max(had - amount(one), 0))
            }
            if statement.isDepositCovered != (stands >= statement.deposit) { breaches.append("covered without money") }
            guard statement.isDepositCovered else { return false }
            statement.state = .confirmed
            settle()
        case "cancel":
            guard statement.state == .confirmed, Int.random(in: 0...5, using: &dice) == 0 else { return false }
            let fees = statement.bill.lines.fee(
                percent: [0, 30, 90].randomElement(using: &dice) ?? 0,
                own: statement.ownOrders
            )
            statement.bill.lines = statement.bill.lines.filter { $0.kind == .cancellation } + fees
            statement.state = .cancelled
            orders = []
            goodwill = [:]
            settle()
        case "dispute":
            guard let had = money[one], had > 0 else { return false }
            let before = self.amount(one)
            let amount = Int64.random(in: 1...had, using: &dice)
            statement.receive(-amount, for: one, agrees: false)
            settle()
            money[one, default: 0] -= amount
            forget(one, owing: before)
            disputed.append((one, amount))
        case "win":
            guard let index = disputed.indices.randomElement(using: &dice) else { return false }
            let won = disputed.remove(at: index)
            pay(won.amount, won.household, agrees: false, isReturned: true)
        case "give back": return giveBack(one)
        default: return false
        }
        return true
    }

    private mutating func pay(
        _ amount: Int64,
        _ household: Household.ID,
        agrees: Bool = true,
        isReturned: Bool = false
    ) {
        guard let share = statement.share(of: household) else { return }
        let most = max(share.amount, share.asked ?? 0)
        let before = money[household] ?? 0
        money[household] = before + amount
        if !isReturned { twice[household, default: 0] += max(before + amount - max(most, before), 0) }
        if agrees, household != statement.backstop {
            let agreed = min(most, before + amount) - (selfMade[household] ?? 0)
            consent[household] = max(consent[household] ?? 0, agreed)
        }
        statement.receive(amount, for: household, agrees: agrees, isReturned: isReturned)
        forget(household, owing: share.amount)
        settle()
    }

    /// Reduces the double payments of a household after money has gone back.
    private mutating func forget(_ household: Household.ID, owing owed: Int64) {
        twice[household] = min(twice[household] ?? 0, max((money[household] ?? 0) - owed, 0))
    }

    private mutating func giveBack(_ household: Household.ID) -> Bool {
        guard let due = statement.refundable[household], due > 0 else { return false }
        // The money that the park may keep, computed from the lines alone.
        let lines = statement.bill.lines
        let fee = lines.filter { $0.kind == .cancellation }.reduce(0) { $0 + $1.amount }
        let price = lines.reduce(0) { $0 + $1.amount }
        let keeps: Int64
        switch statement.state {
        case .held, .expired: keeps = 0
        case .cancelled: keeps = price
        case .confirmed: keeps = min(price, statement.deposit + fee)
        case .checkedIn, .checkedOut, .noShow: keeps = price
        }
        let over = (money[household] ?? 0) - amount(household)
        if due > over { breaches.append("gives back \(due) of \(over)") }
        let before = money.values.reduce(0, +)
        let surplus = min(twice[household] ?? 0, max(over, 0))
        let others = households.filter { $0 != household }.reduce(Int64(0)) { sum, other in
            sum + min(twice[other] ?? 0, max((money[other] ?? 0) - amount(other), 0))
        }
        // Double payments belong to their payers, even before they ask for them.
        if due > surplus, before - others - due < keeps { breaches.append("gives back what the park keeps: \(keeps)") }
        let owed = amount(household)
        statement.receive(-due, for: household, agrees: false)
        money[household, default: 0] -= due
        forget(household, owing: owed)
        settle()
        return true
    }

    private mutating func randomRule() -> SplitRule? {
        let staying = Array(Set(statement.bill.travellers.map(\.householdId))).sorted()
        switch Int.random(in: 0...3, using: &dice) {
        case 0: return SplitRule(.equally)
        case 1: return SplitRule(.byHousehold)
        case 2:
            let weights = staying.map {
                SplitRule.Weight(householdId: $0, weight: Int64.random(in: 0...3, using: &dice))
            }
            let rule = SplitRule(.byWeights, weights: weights)
            return (try? rule.shares(of: statement.bill)) == nil ? nil : rule
        default:
            guard let shares = try? SplitRule(.byHousehold).shares(of: statement.bill) else { return nil }
            let rule = SplitRule(.exactly, amounts: shares.map { .init(householdId: $0.key, amount: $0.value) })
            return try? rule.kept(for: statement.bill)
        }
    }

    // MARK: The laws

    /// An order, a cancellation or a gift of one household changes its own share alone.
    private mutating func expectLocality(_ deed: String, _ one: Household.ID, _ before: [Household.ID: Int64]) {
        guard ["order", "take back", "goodwill"].contains(deed) else { return }
        for (household, old) in before where household != one && amount(household) != old {
            breaches.append("\(deed) changed another share from \(old) to \(amount(household))")
        }
    }

    mutating func broken() -> [String] {
        var broken = breaches
        breaches = []
        let price = statement.bill.lines.reduce(Int64(0)) { $0 + $1.amount }
        let sum = statement.shares.reduce(Int64(0)) { $0 + $1.amount }
        if sum != price { broken.append("shares are \(sum), lines are \(price)") }
        for share in statement.shares {
            let household = share.householdId
            if share.amount < 0 { broken.append("a share is \(share.amount)") }
            if share.paid != (money[household] ?? 0) { broken.append("paid is \(share.paid)") }
            let limit = max((consent[household] ?? 0) + (selfMade[household] ?? 0), 0)
            if household != statement.backstop, share.amount > limit {
                broken.append("owes \(share.amount), agreed to \(limit)")
            }
        }
        // Once every share is paid, a household that fronted money gets all of it back.
        if statement.shares.allSatisfy({ $0.paid >= $0.amount }) {
            for share in statement.shares
            where (statement.refundable[share.householdId] ?? 0) != share.paid - share.amount {
                broken.append("something is held back although nothing is open")
            }
        }
        return broken
    }
}

extension SeededGenerator {
    /// The same ids for the same seed.
    fileprivate mutating func uuid() -> UUID {
        let text = String(format: "%016llx%016llx", next(), next())
        let parts = [8, 4, 4, 4, 12].reduce(into: (left: text[...], parts: [Substring]())) { state, length in
            state.parts.append(state.left.prefix(length))
            state.left = state.left.dropFirst(length)
        }.parts
        return UUID(uuidString: parts.joined(separator: "-")) ?? UUID()
    }
}
