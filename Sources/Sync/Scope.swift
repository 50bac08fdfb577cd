public import GuestModels

/// What a phone shows belongs to scopes; all members of a scope see the same rows.
public enum Scope: Hashable, Sendable {
    case guest(Guest.ID)
    case group(TravelGroup.ID)
    /// What only the organiser of a group sees.
    case organiser(TravelGroup.ID)
    case park(Park.ID)
}

extension Scope: LosslessStringConvertible {
    public var description: String {
        switch self {
        case .guest(let id): "guest:\(id)"
        case .group(let id): "group:\(id)"
        case .organiser(let id): "organiser:\(id)"
        case .park(let id): "park:\(id)"
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
        case "organiser":
            guard let id = TravelGroup.ID(id) else { return nil }
            self = .organiser(id)
        case "park":
            guard let id = Park.ID(id) else { return nil }
            self = .park(id)
        default: return nil
        }
    }
}
