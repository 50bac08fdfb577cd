import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// What a group votes on, does, buys and packs.
///
/// Phones do the same through `/v1/sync`; both reach the same verbs.
enum PlanningRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listOptions": listOptions, "proposeOption": propose, "withdrawOption": withdraw, "voteOnOption": vote,
        "attendOption": attendOption, "promoteOption": promote, "listPlanItems": listItems, "addPlanItem": add,
        "changePlanItem": change, "deletePlanItem": delete, "restorePlanItem": restore, "attendPlanItem": attendItem,
        "showPlanHistory": history, "undoPlanChange": undo, "listChildPlan": listChildPlan,
    ]

    // MARK: Options

    private static func listOptions(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let guest = try call.guest()
        let (own, options) = try await call.read {
            try await $0.reader.all(GroupSQL.ownRow(in: group, of: guest), PlanningSQL.options(of: group))
        }
        guard !own.isEmpty, let options = options.first else { throw Refusal.notFound }
        return page(of: options)
    }

    private static func propose(_ call: Call) async throws -> Answer {
        let request = try call.body(StayOptionRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        return try await call.write { act in
            let id = try await StayOption.propose(request, to: group, act)
            return try await answer(PlanningSQL.option(id), .created, in: act.tx)
        }
    }

    private static func withdraw(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let id: StayOption.ID = try call.id("option")
        return try await call.write { act in
            try await StayOption.withdraw(id, in: group, act)
            return .noContent
        }
    }

    private static func vote(_ call: Call) async throws -> Answer {
        let request = try call.body(ReplyRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        let id: StayOption.ID = try call.id("option")
        return try await call.write { act in
            _ = try await StayOption.vote(request, on: id, in: group, act)
            return try await answer(PlanningSQL.option(id), in: act.tx)
        }
    }

    private static func attendOption(_ call: Call) async throws -> Answer {
        let request = try call.body(ReplyRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        let id: StayOption.ID = try call.id("option")
        return try await call.write { act in
            _ = try await StayOption.attend(request, id, in: group, act)
            return try await answer(PlanningSQL.option(id), in: act.tx)
        }
    }

    private static func promote(_ call: Call) async throws -> Answer {
        let request = try call.body(PromotionRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        let id: StayOption.ID = try call.id("option")
        return try await call.write { act in
            let booking = try await StayOption.promote(id, in: group, request, act)
            return try .json(booking, .created, version: booking.version)
        }
    }

    // MARK: Plan items

    private static func listItems(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let guest = try call.guest()
        let (own, items) = try await call.read {
            try await $0.reader.all(GroupSQL.ownRow(in: group, of: guest), PlanningSQL.items(of: group))
        }
        guard !own.isEmpty, let items = items.first else { throw Refusal.notFound }
        return page(of: items)
    }

    private static func listChildPlan(_ call: Call) async throws -> Answer {
        guard case .child(_, let group) = call.principal else { throw Refusal.forbidden }
        guard let items = try await call.read({ try await $0.reader.first(PlanningSQL.items(of: group)) }) else {
            throw Refusal.notFound
        }
        return page(of: items)
    }

    private static func add(_ call: Call) async throws -> Answer {
        let request = try call.body(PlanItemRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        return try await call.write { act in
            let id = try await PlanItem.add(request, to: group, act)
            return try await answer(PlanningSQL.item(id), .created, in: act.tx)
        }
    }

    private static func change(_ call: Call) async throws -> Answer {
        let change = try call.body(PlanItemChange.self)
        let group: TravelGroup.ID = try call.id("group")
        let id: PlanItem.ID = try call.id("item")
        return try await call.write { act in
            _ = try await PlanItem.change(id, in: group, change, act)
            return try await answer(PlanningSQL.item(id), in: act.tx)
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let id: PlanItem.ID = try call.id("item")
        return try await call.write { act in
            _ = try await PlanItem.setDeleted(true, id, in: group, act)
            return .noContent
        }
    }

    private static func restore(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let id: PlanItem.ID = try call.id("item")
        return try await call.write { act in
            _ = try await PlanItem.setDeleted(false, id, in: group, act)
            return try await answer(PlanningSQL.item(id), in: act.tx)
        }
    }

    private static func attendItem(_ call: Call) async throws -> Answer {
        let request = try call.body(ReplyRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        let id: PlanItem.ID = try call.id("item")
        return try await call.write { act in
            _ = try await PlanItem.attend(request, id, in: group, act)
            return try await answer(PlanningSQL.item(id), in: act.tx)
        }
    }

    private static func history(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let id: PlanItem.ID = try call.id("item")
        let guest = try call.guest()
        let (own, items, events) = try await call.read {
            try await $0.reader.all(
                GroupSQL.ownRow(in: group, of: guest),
                PlanningSQL.item(id, in: group, locked: false),
                PlanningSQL.history(of: id)
            )
        }
        guard !own.isEmpty, !items.isEmpty else { throw Refusal.notFound }
        return try .json(Page(items: events, next: nil))
    }

    private static func undo(_ call: Call) async throws -> Answer {
        let request = try call.body(UndoRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        let id: PlanItem.ID = try call.id("item")
        return try await call.write { act in
            _ = try await PlanItem.undo(request, of: id, in: group, act)
            return try await answer(PlanningSQL.item(id), in: act.tx)
        }
    }

    // MARK: Answers

    /// A list has an end: groups are limited in what they plan.
    private static func page(of items: JSONText) -> Answer {
        JSONText(#"{"items":\#(items.text)}"#).answer()
    }

    private static func answer(
        _ query: Query<JSONText>,
        _ status: HTTPResponse.Status = .ok,
        in tx: Transaction
    ) async throws -> Answer {
        guard let body = try await tx.first(query) else { throw Refusal.notFound }
        return body.answer(status)
    }
}

extension JSONText {
    fileprivate func answer(_ status: HTTPResponse.Status = .ok) -> Answer {
        let bytes: [UInt8] = Array(text.utf8)
        return Answer.json(bytes, status)
    }
}
