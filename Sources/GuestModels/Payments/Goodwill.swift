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
    public static let secondPersonNeeded = Refusal(
        .conflict,
        "second_person_needed",
        en: "Somebody else than who asked has to agree.",
        nl: "Iemand anders dan de aanvrager moet akkoord gaan.",
        de: "Jemand anderes als die anfragende Person muss zustimmen."
    )
}
