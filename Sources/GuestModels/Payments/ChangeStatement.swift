/// The facts of a statement that verbs change: agreements, money, covers, the backstop.
extension BookingStatement {
    private mutating func change(_ household: Household.ID, _ change: (inout Share) -> Void) {
        if let index = shares.firstIndex(where: { $0.householdId == household }) { change(&shares[index]) }
    }

    /// Works out the amounts of all shares from the facts.
    ///
    /// - Parameters:
    ///   - joining: whether households that are new in the booking agree to their part by being in it. They agree to
    ///     no more than an equal division would give them, because the split rule was made before they came. A
    ///     household that only appears because somebody was moved into it agrees to nothing.
    ///   - author: the household that made its own part larger; it agrees to the increase.
    ///   - make: makes the share of a household that has none.
    /// - Returns: lines to be added to the price; they take back goodwill above the amount that it was given on.
    public mutating func settle(
        joining: Bool,
        by author: Household.ID? = nil,
        make: (Household.ID) -> Share
    ) -> [ChargeLine] {
        let reductions = spentReductions
        bill.lines += reductions
        let known = Set(shares.map(\.householdId))
        for household in parts.keys.sorted() where !known.contains(household) {
            var share = make(household)
            share.agreed = 0
            shares.append(share)
        }
        shares.sort { $0.householdId < $1.householdId }
        let before = parts
        let alike = joining ? partsAlike : [:]
        for index in shares.indices {
            let household = shares[index].householdId
            guard let part = before[household] else { continue }
            if joining, !known.contains(household) {
                let most = min(part.target, alike[household]?.target ?? part.target)
                shares[index].agreed = max(most - part.selfMade, 0)
            } else if household == author, household != backstop {
                shares[index].agreed += max(part.target - (shares[index].asked ?? shares[index].amount), 0)
            }
        }
        // A share that becomes cheaper lowers the agreement, so a later rise needs a new one. Agreements on a booking
        // that has ended stay as they were, because staff may reopen it.
        if state == .held || state == .confirmed || state == .checkedIn {
            let present = parts
            for index in shares.indices where shares[index].householdId != backstop {
                guard let part = present[shares[index].householdId] else { continue }
                shares[index].agreed = min(shares[index].agreed, max(part.rest + part.takenOver, 0))
            }
        }
        let agreed = parts
        for index in shares.indices {
            guard let cover = shares[index].cover, cover.keptMeanwhile > 0, isAgreed(cover, agreed) else { continue }
            shares[index].cover?.keptMeanwhile = 0
        }
        let takenBack = spentGoodwill.sorted { $0.key < $1.key }
            .map { ChargeLine(.goodwill, household: $0.key, unitAmount: $0.value) }
        bill.lines += takenBack
        let after = parts
        for index in shares.indices {
            guard let part = after[shares[index].householdId] else { continue }
            shares[index].amount = part.owed
            shares[index].asked = part.asked
            // When a household's debt has grown, less of its money counts as paid twice.
            shares[index].surplus = min(shares[index].surplus, max(shares[index].paid - part.owed, 0))
        }
        let refundable = refundable
        for index in shares.indices { shares[index].refundable = refundable[shares[index].householdId] ?? 0 }
        return reductions + takenBack
    }

    /// The parts of all households if every traveller paid the same of the common lines.
    private var partsAlike: [Household.ID: Part] {
        var alike = self
        alike.rule = SplitRule(.equally)
        return alike.parts
    }

    /// Restores agreements from before an undone change, so that no household is asked again.
    ///
    /// `settle` later lowers each agreement to the household's present part.
    public mutating func restore(agreed: [Household.ID: Int64]) {
        for index in shares.indices {
            guard let before = agreed[shares[index].householdId] else { continue }
            shares[index].agreed = max(shares[index].agreed, before)
        }
    }

    /// Records that a household agrees to the amount asked of it.
    public mutating func agree(_ household: Household.ID) {
        guard let part = parts[household] else { return }
        change(household) { $0.agreed = max($0.agreed, part.target - part.selfMade) }
    }

    /// Records money that came in for a household's share; a negative amount is money that went back.
    ///
    /// Money beyond `payable` has been paid twice.
    ///
    /// - Parameters:
    ///   - agrees: whether the household pays it itself, and so agrees to that amount.
    ///   - isReturned: whether a bank gives disputed money back. Such money never counts as paid twice, however the price
    ///     was divided meanwhile.
    public mutating func receive(
        _ amount: Int64,
        for household: Household.ID,
        agrees: Bool,
        isReturned: Bool = false
    ) {
        guard let part = parts[household], let share = share(of: household) else { return }
        let payable = share.paid + self.payable(for: household)
        let sum = share.paid + amount
        let agrees = agrees && amount > 0 && household != backstop
        change(household) { share in
            share.paid = sum
            if amount > 0, !isReturned {
                share.surplus += max(sum - max(payable, share.paid - amount), 0)
            }
            if agrees { share.agreed = max(share.agreed, min(part.target, sum) - part.selfMade) }
            share.surplus = min(share.surplus, max(sum - part.owed, 0))
        }
    }

    /// Restores a household's earlier agreement after a payment that counted as an agreement was taken back.
    public mutating func disagree(_ household: Household.ID, to agreed: Int64) {
        change(household) { $0.agreed = min($0.agreed, agreed) }
    }

    /// Asks another household to take over a household's share, except the part that the first household keeps.
    ///
    /// The shares that the household had taken over go back to their own households.
    /// - Throws: `coverIsPaid` if the household has paid towards a share that it took over.
    public mutating func giveUp(_ household: Household.ID, _ cover: Share.Cover) throws(Refusal) {
        for share in shares where share.cover?.by == household && household != backstop {
            try endCover(of: share.householdId)
        }
        change(household) { $0.cover = cover }
    }

    /// The amount that a household still owes after dropping out, beside its own orders.
    ///
    /// The amount is a percentage of the household's present part.
    public func kept(of household: Household.ID, percent: Int) -> Int64 {
        (parts[household]?.rest ?? 0).percentage(percent)
    }

    /// Gives a share that another household had taken over back to its own household.
    ///
    /// The other household agrees to its own part alone again. The share's household owes as much as it had agreed to
    /// before.
    /// - Throws: `notCovered`, and `coverIsPaid` once the household has paid more than its own part.
    public mutating func endCover(of household: Household.ID) throws(Refusal) {
        guard let cover = share(of: household)?.cover else { throw .notCovered }
        if let part = parts[cover.by], let taker = share(of: cover.by) {
            guard taker.paid <= max(part.ownPart, 0) || part.takenOver == 0 else { throw .coverIsPaid }
        }
        change(household) { $0.cover = nil }
        if let part = parts[cover.by], cover.by != backstop {
            change(cover.by) { $0.agreed = min($0.agreed, max(part.target - part.selfMade, 0)) }
        }
    }

    /// Makes a household the backstop of the booking.
    ///
    /// The new backstop takes over the shares that the former one had taken over. The former backstop agrees to its
    /// own part.
    public mutating func back(by household: Household.ID) {
        let former = backstop
        for index in shares.indices where shares[index].cover?.by == former {
            if shares[index].householdId == household {
                shares[index].cover = nil
            } else {
                shares[index].cover?.by = household
            }
        }
        backstop = household
        agree(former)
    }

    /// Goodwill above the household's present debt, which has shrunk since the gift.
    private var spentGoodwill: [Household.ID: Int64] {
        var spent: [Household.ID: Int64] = [:]
        for (household, part) in parts {
            let worth = household == backstop ? part.target : min(part.target, part.limit)
            if min(-worth, -part.goodwill) > 0 { spent[household] = min(-worth, -part.goodwill) }
        }
        return spent
    }

    /// Lines that take back the part of a reduction above the cottage's remaining cost.
    private var spentReductions: [ChargeLine] {
        let taken = bill.lines.filter { $0.kind == .goodwill }.perCottage
        return bill.lines.perCottage.sorted { $0.key < $1.key }.compactMap { cottage, cost in
            let spent = Swift.min(-cost, -(taken[cottage] ?? 0))
            return spent > 0 ? ChargeLine(.goodwill, cottage: cottage, unitAmount: spent) : nil
        }
    }

    /// Whether the household that takes a share over has agreed to all of it, or is the backstop.
    private func isAgreed(_ cover: Share.Cover, _ parts: [Household.ID: Part]) -> Bool {
        cover.by == backstop || taker(of: cover) == cover.by && parts[cover.by]?.asked == nil
    }
}

extension Refusal {
    /// The share has no `cover` that could end; read the shares again.
    public static let notCovered = Refusal(
        .conflict,
        "not_covered",
        en: "Nobody has taken over that share.",
        nl: "Niemand heeft dat deel overgenomen.",
        de: "Niemand hat diesen Anteil übernommen."
    )

    /// The household that took the share over has paid more than its own part, so the cover cannot end.
    public static let coverIsPaid = Refusal(
        .conflict,
        "cover_is_paid",
        en: "Some of the share that was taken over has been paid already.",
        nl: "Van het overgenomen deel is al iets betaald.",
        de: "Vom übernommenen Anteil ist schon etwas bezahlt."
    )
}
