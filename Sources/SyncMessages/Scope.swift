public import GuestModels

/// The rows that one audience reads; all members of a scope see the same rows.
public enum Scope: Hashable, Sendable {
    case guest(Guest.ID)
    case group(TravelGroup.ID)
    /// The household's own money, which the rest of the group does not see.
    case household(Household.ID)
    /// Rows that only the organiser of a group sees.
    case organiser(TravelGroup.ID)
    case park(Park.ID)
    /// Facts about a cottage for the guests who stay there now or next.
    case cottage(Cottage.ID)
}

extension Scope: LosslessStringConvertible {
    public var description: String {
        switch self {
        case .guest(let id): "guest:\(id)"
        case .group(let id): "group:\(id)"
        case .household(let id): "household:\(id)"
        case .organiser(let id): "organiser:\(id)"
        case .park(let id): "park:\(id)"
        case .cottage(let id): "cottage:\(id)"
        }
    }

    /// Reads what `description` wrote; nil for a scope this version does not know.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let id = String(parts[1])
        switch parts[0] {
        case "guest":
            guard let id = Guest.ID(id) else { return nil }
            self = .guest(id)
        case "group":
            guard let id = TravelGroup.ID(id) else { return nil }
            self = .group(id)
        case "household":
            guard let id = Household.ID(id) else { return nil }
            self = .household(id)
        case "organiser":
            guard let id = TravelGroup.ID(id) else { return nil }
            self = .organiser(id)
        case "park":
            guard let id = Park.ID(id) else { return nil }
            self = .park(id)
        case "cottage":
            guard let id = Cottage.ID(id) else { return nil }
            self = .cottage(id)
        default: return nil
        }
    }
}
