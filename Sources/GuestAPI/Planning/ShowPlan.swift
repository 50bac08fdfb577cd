import GuestModels
import Postgres

extension StayOption {
    /// All options of a group, for its members.
    static func list(in group: TravelGroup.ID, _ look: Look) async throws -> JSONText {
        let (own, options) = try await look.reader.all(
            TravelGroup.ownRow(in: group, look),
            OptionSQL.options(of: group)
        )
        guard !own.isEmpty, let options = options.first else { throw Refusal.notFound }
        return options
    }

    /// One option as the transaction leaves it.
    static func shown(_ id: StayOption.ID, _ act: Act) async throws -> JSONText {
        guard let option = try await act.tx.first(OptionSQL.option(id)) else { throw Refusal.notFound }
        return option
    }
}

extension PlanItem {
    /// The plan and the lists of a group, for its members.
    static func list(in group: TravelGroup.ID, _ look: Look) async throws -> JSONText {
        let (own, items) = try await look.reader.all(
            TravelGroup.ownRow(in: group, look),
            PlanningSQL.items(of: group)
        )
        guard !own.isEmpty, let items = items.first else { throw Refusal.notFound }
        return items
    }

    /// The plan and the lists of the child's group.
    static func listForChild(_ look: Look) async throws -> JSONText {
        guard case .child(_, let group) = look.principal else { throw Refusal.forbidden }
        guard let items = try await look.reader.first(PlanningSQL.items(of: group)) else { throw Refusal.notFound }
        return items
    }

    /// One item as the transaction leaves it.
    static func shown(_ id: PlanItem.ID, _ act: Act) async throws -> JSONText {
        guard let item = try await act.tx.first(PlanningSQL.item(id)) else { throw Refusal.notFound }
        return item
    }

    /// The changes of an item, for members of its group.
    static func history(of id: PlanItem.ID, in group: TravelGroup.ID, _ look: Look) async throws -> [PlanEvent] {
        let (own, items, events) = try await look.reader.all(
            TravelGroup.ownRow(in: group, look),
            PlanningSQL.item(id, in: group, locked: false),
            PlanningSQL.history(of: id)
        )
        guard !own.isEmpty, !items.isEmpty else { throw Refusal.notFound }
        return events
    }
}
