import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes of a group's options, plan and lists.
///
/// Phones do the same through `/v1/sync`; both call the same verbs.
enum PlanningRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listOptions": listOptions, "proposeOption": propose, "withdrawOption": withdraw, "voteOnOption": vote,
        "attendOption": attendOption, "promoteOption": promote, "listPlanItems": listItems, "addPlanItem": add,
        "changePlanItem": change, "deletePlanItem": delete, "restorePlanItem": restore, "attendPlanItem": attendItem,
        "showPlanHistory": history, "undoPlanChange": undo, "listChildPlan": listChildPlan,
    ]

    // MARK: Options

    private static func listOptions(_ call: Call) async throws -> Answer {
        let group = try call.path(Paths.groupOptions)
        return try await page(of: call.read { try await StayOption.list(in: group, $0) })
    }

    private static func propose(_ call: Call) async throws -> Answer {
        let request = try call.body(StayOptionRequest.self)
        let group = try call.path(Paths.groupOptions)
        return try await call.write { act in
            let id = try await StayOption.propose(request, to: group, act)
            return try await .json(StayOption.shown(id, act), .created)
        }
    }

    private static func withdraw(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupOption)
        return try await call.write { act in
            try await StayOption.withdraw(id, in: group, act)
            return .noContent
        }
    }

    private static func vote(_ call: Call) async throws -> Answer {
        let request = try call.body(ReplyRequest.self)
        let (group, id) = try call.path(Paths.groupOptionVote)
        return try await call.write { act in
            _ = try await StayOption.vote(request, on: id, in: group, act)
            return try await .json(StayOption.shown(id, act))
        }
    }

    private static func attendOption(_ call: Call) async throws -> Answer {
        let request = try call.body(ReplyRequest.self)
        let (group, id) = try call.path(Paths.groupOptionAttendance)
        return try await call.write { act in
            _ = try await StayOption.attend(request, to: id, in: group, act)
            return try await .json(StayOption.shown(id, act))
        }
    }

    private static func promote(_ call: Call) async throws -> Answer {
        let request = try call.body(PromotionRequest.self)
        let (group, id) = try call.path(Paths.groupOptionPromote)
        return try await call.write { act in
            let booking = try await StayOption.promote(request, of: id, in: group, act)
            return try .json(booking, .created, version: booking.version)
        }
    }

    // MARK: Plan items

    private static func listItems(_ call: Call) async throws -> Answer {
        let group = try call.path(Paths.groupPlanItems)
        return try await page(of: call.read { try await PlanItem.list(in: group, $0) })
    }

    private static func listChildPlan(_ call: Call) async throws -> Answer {
        try await page(of: call.read { try await PlanItem.listForChild($0) })
    }

    private static func add(_ call: Call) async throws -> Answer {
        let request = try call.body(PlanItemRequest.self)
        let group = try call.path(Paths.groupPlanItems)
        return try await call.write { act in
            let id = try await PlanItem.add(request, to: group, act)
            return try await .json(PlanItem.shown(id, act), .created)
        }
    }

    private static func change(_ call: Call) async throws -> Answer {
        let change = try call.body(PlanItemChange.self)
        let (group, id) = try call.path(Paths.groupPlanItem)
        return try await call.write { act in
            _ = try await PlanItem.change(change, to: id, in: group, act)
            return try await .json(PlanItem.shown(id, act))
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupPlanItem)
        return try await call.write { act in
            _ = try await PlanItem.setDeleted(true, of: id, in: group, act)
            return .noContent
        }
    }

    private static func restore(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupPlanItemRestore)
        return try await call.write { act in
            _ = try await PlanItem.setDeleted(false, of: id, in: group, act)
            return try await .json(PlanItem.shown(id, act))
        }
    }

    private static func attendItem(_ call: Call) async throws -> Answer {
        let request = try call.body(ReplyRequest.self)
        let (group, id) = try call.path(Paths.groupPlanItemAttendance)
        return try await call.write { act in
            _ = try await PlanItem.attend(request, to: id, in: group, act)
            return try await .json(PlanItem.shown(id, act))
        }
    }

    private static func history(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupPlanItemHistory)
        let events = try await call.read { try await PlanItem.history(of: id, in: group, $0) }
        return try .json(Page(items: events, next: nil))
    }

    private static func undo(_ call: Call) async throws -> Answer {
        let request = try call.body(UndoRequest.self)
        let (group, id) = try call.path(Paths.groupPlanItemUndo)
        return try await call.write { act in
            _ = try await PlanItem.undo(request, of: id, in: group, act)
            return try await .json(PlanItem.shown(id, act))
        }
    }

    // MARK: Answers

    /// Answers with all items in one page, because a group has a limited number of them.
    private static func page(of items: JSONText) -> Answer {
        .json(JSONText(#"{"items":\#(items.text)}"#))
    }
}
