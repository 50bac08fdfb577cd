public import Foundation

/// Something given back out of goodwill, for a household.
public struct Goodwill: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Goodwill>

    public enum State: String, Codable, CaseIterable, Sendable {
        /// Above the mandate of one of the staff; a second has to agree.
        case asked
        /// The share owes that much less.
        case given
        /// Nobody agreed, or whoever asked has withdrawn it.
        case refused
    }

    public var id: ID
    public var shareId: Share.ID
    /// Above 0.
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

/// Gives something back out of goodwill.
public struct GoodwillRequest: Codable, Sendable, Checked {
    public var id: Goodwill.ID?
    /// Minor units; at most what the share owes.
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
    /// Minor units: what the whole booking costs from now on.
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
    /// What each cottage costs: the lines that are for it, and for nobody alone; minor units.
    public var perCottage: [Cottage.ID: Int64] {
        reduce(into: [:]) { sums, line in
            guard let cottage = line.cottageId, line.householdId == nil, line.travellerId == nil else { return }
            sums[cottage, default: 0] += line.amount
        }
    }

    /// The lines that take an amount off the cottages, each as much as it is part of them all; nil where they cost less.
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
    public static let moreThanOwed = Refusal(
        .conflict,
        "more_than_owed",
        en: "That is more than the share owes.",
        nl: "Dat is meer dan het deel bedraagt.",
        de: "Das ist mehr, als der Anteil beträgt."
    )
    public static let priceNotLower = Refusal(
        .conflict,
        "price_not_lower",
        en: "An agreed price is lower than the present one, and takes off the cottages alone.",
        nl: "Een afgesproken prijs is lager dan de huidige en gaat alleen van de huisjes af.",
        de: "Ein vereinbarter Preis ist niedriger als der jetzige und geht nur von den Häusern ab."
    )
    public static let secondPersonNeeded = Refusal(
        .conflict,
        "second_person_needed",
        en: "Somebody else than who asked has to agree.",
        nl: "Iemand anders dan de aanvrager moet akkoord gaan.",
        de: "Jemand anderes als die anfragende Person muss zustimmen."
    )
}
