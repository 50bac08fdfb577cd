import GuestModels
import Postgres
import SyncMessages

extension Feature {
    /// The planning feature: the options, the plan and the lists of a group.
    static let planning = Feature(
        name: "planning",
        handlers: [PlanningRoutes.handlers],
        mutations: [
            "option.propose@1": MutationVerb { sent, act in
                let new: GroupArguments<StayOptionRequest> = try sent.arguments()
                _ = try await StayOption.propose(new.request, to: new.groupId, act)
                return .applied
            },
            "option.withdraw@1": MutationVerb { sent, act in
                let option: ThingArguments<StayOption> = try sent.arguments()
                try await StayOption.withdraw(option.id, in: option.groupId, act)
                return .applied
            },
            "option.vote@1": MutationVerb { sent, act in
                let option: ChangeArguments<StayOption, ReplyRequest> = try sent.arguments()
                return try await StayOption.vote(option.request, on: option.id, in: option.groupId, act.at(sent.madeAt))
            },
            "option.attend@1": MutationVerb { sent, act in
                let option: ChangeArguments<StayOption, ReplyRequest> = try sent.arguments()
                return try await StayOption.attend(
                    option.request,
                    to: option.id,
                    in: option.groupId,
                    act.at(sent.madeAt)
                )
            },
            "option.promote@1": MutationVerb { sent, act in
                let option: ChangeArguments<StayOption, PromotionRequest> = try sent.arguments()
                _ = try await StayOption.promote(option.request, of: option.id, in: option.groupId, act)
                return .applied
            },
            "planItem.add@1": MutationVerb { sent, act in
                let new: GroupArguments<PlanItemRequest> = try sent.arguments()
                _ = try await PlanItem.add(new.request, to: new.groupId, act)
                return .applied
            },
            "planItem.change@1": MutationVerb(locking: .planItem, several: PlanItem.change),
            "planItem.undo@1": MutationVerb(locking: .planItem) { sent, act in
                let item: ChangeArguments<PlanItem, UndoRequest> = try sent.arguments()
                return try await PlanItem.undo(item.request, of: item.id, in: item.groupId, act)
            },
            "planItem.delete@1": MutationVerb(locking: .planItem) { sent, act in
                try await PlanItem.setDeleted(true, sent, act)
            },
            "planItem.restore@1": MutationVerb(locking: .planItem) { sent, act in
                try await PlanItem.setDeleted(false, sent, act)
            },
            "planItem.attend@1": MutationVerb(locking: .planItem) { sent, act in
                let item: ChangeArguments<PlanItem, ReplyRequest> = try sent.arguments()
                return try await PlanItem.attend(item.request, to: item.id, in: item.groupId, act.at(sent.madeAt))
            },
        ],
        retention: [
            Retention("plans", running: { [PlanningSQL.deleteOld(before: $0.earlier(days: 90))] })
        ],
        personalData: [.planning],
        departures: [.planning]
    )
}

extension MutationVerb.Lock {
    fileprivate static let planItem = MutationVerb.Lock(name: "planItem") { ids, guest in
        PlanningSQL.lock(ids.map { PlanItem.ID($0) }, of: guest)
    }
}

extension PlanItem {
    fileprivate static func change(_ all: [MutationVerb.Sent], _ act: Act) async throws -> MutationVerb.Results {
        typealias Arguments = ChangeArguments<PlanItem, PlanItemChange>
        let items = all.map { sent in Result { try sent.arguments(Arguments.self) } }
        var results: MutationVerb.Results = items.map { $0.map { _ in .noop } }
        let ofGroups = Dictionary(grouping: items.indices) { (try? items[$0].get())?.groupId }
        for case (let group?, let places) in ofGroups.sorted(by: { ($0.value.first ?? 0) < ($1.value.first ?? 0) }) {
            let done = try await PlanItem.change(
                places.compactMap { try? items[$0].get() }.map { ($0.id, $0.request) },
                in: group,
                act
            )
            for (place, result) in zip(places, done) { results[place] = result }
        }
        return results
    }

    fileprivate static func setDeleted(
        _ isDeleted: Bool,
        _ sent: MutationVerb.Sent,
        _ act: Act
    ) async throws -> Outcome.Result {
        let item: ThingArguments<PlanItem> = try sent.arguments()
        return try await PlanItem.setDeleted(isDeleted, of: item.id, in: item.groupId, act)
    }
}
