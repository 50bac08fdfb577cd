public import Foundation

/// An amount that staff give off the price as goodwill, for a household.
public struct Goodwill: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Goodwill>

    public enum State: String, Codable, CaseIterable, Sendable {
        /// The amount exceeds the colleague's mandate; a second colleague must agree.
        case asked
        /// The goodwill is given, so the share owes that much less.
        case given
        /// A colleague refused the goodwill, or the colleague who asked for it withdrew it.
        case refused
    }

    public var id: ID
    public var shareId: Share.ID
    /// The amount that the guest is given, above 0.
    public var amount: Money
    public var reason: String
    public var state: State
    public var at: Date

    public init(id: ID, shareId: Share.ID, amount: Money, reason: String, state: State, at: Date) {
        self.id = id
        self.shareId = shareId
        self.amount = amount
        self.reason = reason
        self.state = state
        self.at = at
    }
}

/// Gives goodwill on a share.
public struct GoodwillRequest: Codable, Sendable, Checked {
    public var id: Goodwill.ID?
    /// The amount in minor units; at most what the share owes.
    public var amount: Int64
    public var reason: String

    public init(id: Goodwill.ID? = nil, amount: Int64, reason: String) {
        self.id = id
        self.amount = amount
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.range(amount, "/amount", 1...1_000_000_000_000)
        check.text(reason, "/reason", length: 1...500)
    }
}

/// Agrees on a lower price for the cottages of a booking.
public struct AgreedPriceRequest: Codable, Sendable, Checked {
    /// The new price of the whole booking, minor units.
    public var total: Int64
    public var reason: String

    public init(total: Int64, reason: String) {
        self.total = total
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.range(total, "/total", 0...1_000_000_000_000)
        check.text(reason, "/reason", length: 1...500)
    }
}

extension [ChargeLine] {
    /// Each cottage's price without lines of one household or traveller, minor units.
    public var perCottage: [Cottage.ID: Int64] {
        reduce(into: [:]) { sums, line in
            guard let cottage = line.cottageId, line.householdId == nil, line.travellerId == nil else { return }
            sums[cottage, default: 0] += line.amount
        }
    }

    /// The reductions of cottages' prices after a change.
    ///
    /// - Parameters:
    ///   - costs: the price of each cottage after the change; a reduction is at most this price.
    ///   - replacement: a cottage that goes and the cottage that takes over its reduction.
    public func reductions(
        of costs: [Cottage.ID: Int64],
        _ replacement: (from: Cottage.ID, to: Cottage.ID)?
    ) -> [ChargeLine] {
        var changed: [ChargeLine] = []
        var taken: [Cottage.ID: Int64] = [:]
        for var line in self {
            guard var cottage = line.cottageId else { continue }
            if let replacement, cottage == replacement.from { cottage = replacement.to }
            let most = Swift.max(costs[cottage] ?? 0, 0) - (taken[cottage] ?? 0)
            let amount = Swift.min(-line.amount, most)
            guard amount > 0 else { continue }
            taken[cottage, default: 0] += amount
            line.cottageId = cottage
            if amount != -line.amount { line = ChargeLine(.goodwill, cottage: cottage, unitAmount: -amount) }
            changed.append(line)
        }
        return changed
    }

    /// Lines that reduce the cottages' prices by `amount`, in proportion; nil if the cottages cost less than `amount`.
    public func reduction(by amount: Int64) -> [ChargeLine]? {
        let costs = perCottage.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        guard costs.reduce(0, { $0 + $1.value }) >= amount, let parts = amount.divided(by: costs.map(\.value)) else {
            return nil
        }
        return zip(costs, parts).compactMap { cost, part in
            part == 0 ? nil : ChargeLine(.goodwill, cottage: cost.key, unitAmount: -part)
        }
    }
}

extension HouseRules {
    /// The most goodwill that one booking gets without a second person, minor units.
    public var giftsPerBooking: Int64 { goodwillLimit ?? 5000 }

    /// The most goodwill that one of the staff gives in a day without a second person, minor units.
    public var giftsPerDay: Int64 { max(goodwillDayLimit ?? 4 * giftsPerBooking, giftsPerBooking) }
}

extension Refusal {
    /// The goodwill exceeds what the household owes now; it may have changed since the goodwill was asked for.
    public static let moreThanOwed = Refusal(
        .conflict,
        "more_than_owed",
        en: "That is more than the share owes.",
        nl: "Dat is meer dan het deel bedraagt.",
        de: "Das ist mehr, als der Anteil beträgt."
    )

    /// `total` is not below the booking's total, or the reduction exceeds what the cottages cost.
    public static let priceNotLower = Refusal(
        .conflict,
        "price_not_lower",
        en: "The agreed price must be lower than the present one. Only the cottages can become cheaper.",
        nl: "De afgesproken prijs moet lager zijn dan de huidige. Alleen de huisjes kunnen goedkoper worden.",
        de: "Der vereinbarte Preis muss niedriger sein als der jetzige. Nur die Häuser können günstiger werden."
    )

    /// The colleague approves goodwill they asked for themselves, or gives more than their mandate.
    public static let secondPersonNeeded = Refusal(
        .conflict,
        "second_person_needed",
        en: "Somebody else than who asked has to agree.",
        nl: "Iemand anders dan de aanvrager moet akkoord gaan.",
        de: "Jemand anderes als die anfragende Person muss zustimmen."
    )
}
