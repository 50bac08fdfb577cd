public import GuestModels

/// What a phone shows belongs to scopes; all members of a scope see the same rows.
public enum Scope: Hashable, Sendable {
    case guest(Guest.ID)
    case group(TravelGroup.ID)
    /// What a household shares beside what its group sees: its own money.
    case household(Household.ID)
    /// What only the organiser of a group sees.
    case organiser(TravelGroup.ID)
    case park(Park.ID)
    /// What whoever stays in a cottage now or next knows of it.
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
