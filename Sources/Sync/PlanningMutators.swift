import Foundation
import GuestModels
import SyncMessages

extension Mutator {
    /// How mutations of a group's options, plan and lists look on the phone that made them.
    ///
    /// Promoting, undoing and restoring show nothing. Only the service knows whether a cottage is held and what was
    /// there before.
    public static let planning: [String: Mutator] = [
        "option.propose@1": Mutator { (new: GroupArguments<StayOptionRequest>, deed, overlay) in
            guard let id = new.request.id, let own = try overlay.traveller(in: new.groupId) else { return }
            let option = StayOption(
                id: id,
                groupId: new.groupId,
                parkId: new.request.parkId,
                stay: new.request.stay,
                cottages: new.request.cottages,
                note: new.request.note,
                state: .open,
                bookingId: nil,
                proposedBy: own,
                proposedAt: deed.at,
                votes: [],
                attendance: [],
                version: 1
            )
            try overlay.show(option)
        },
        "option.withdraw@1": Mutator { (option: ThingArguments<StayOption>, _, overlay) in
            guard try overlay.option(option.id, in: option.groupId) != nil else { return }
            try overlay.show("option", option.id.uuid, in: scope(option.groupId), as: StayOption?.none)
        },
        "option.vote@1": Mutator { (vote: ChangeArguments<StayOption, ReplyRequest>, _, overlay) in
            guard var option = try overlay.option(vote.id, in: vote.groupId),
                let own = try overlay.traveller(in: vote.groupId)
            else { return }
            option.votes = option.votes.replacing(own, with: vote.request.reply)
            try overlay.show(option)
        },
        "option.attend@1": Mutator { (reply: ChangeArguments<StayOption, ReplyRequest>, _, overlay) in
            guard var option = try overlay.option(reply.id, in: reply.groupId),
                let who = try reply.request.travellerId ?? overlay.traveller(in: reply.groupId)
            else { return }
            option.attendance = option.attendance.replacing(who, with: reply.request.reply)
            try overlay.show(option)
        },
        "planItem.add@1": Mutator { (new: GroupArguments<PlanItemRequest>, deed, overlay) in
            guard let id = new.request.id, let own = try overlay.traveller(in: new.groupId) else { return }
            try overlay.show(PlanItem(new.request, id: id, group: new.groupId, by: own, at: deed.at))
        },
        "planItem.change@1": Mutator { (change: ChangeArguments<PlanItem, PlanItemChange>, deed, overlay) in
            guard var item = try overlay.item(change.id, in: change.groupId),
                let own = try overlay.traveller(in: change.groupId)
            else { return }
            // Keep the service's version, because the next change builds on it.
            let version = item.version
            var revisions: [PlanItem.Field: PlanItem.Revision] = [:]
            _ = item.merge(change.request, revisions: &revisions, by: own, at: deed.at)
            item.version = version
            try overlay.show(item)
        },
        "planItem.delete@1": Mutator { (item: ThingArguments<PlanItem>, _, overlay) in
            guard try overlay.item(item.id, in: item.groupId) != nil else { return }
            try overlay.show("planItem", item.id.uuid, in: scope(item.groupId), as: PlanItem?.none)
        },
        "planItem.attend@1": Mutator { (reply: ChangeArguments<PlanItem, ReplyRequest>, _, overlay) in
            guard var item = try overlay.item(reply.id, in: reply.groupId),
                let who = try reply.request.travellerId ?? overlay.traveller(in: reply.groupId)
            else { return }
            item.attendance = item.attendance.replacing(who, with: reply.request.reply)
            try overlay.show(item)
        },
    ]

    fileprivate static func scope(_ group: TravelGroup.ID) -> String { Scope.group(group).description }
}

extension Overlay {
    /// The traveller that the phone's guest is in a group.
    func traveller(in group: TravelGroup.ID) throws -> Traveller.ID? {
        struct Membership: Decodable {
            let travellerId: Traveller.ID
        }
        let membership: Membership? = try body("membership", group.uuid, in: Scope.guest(guest).description)
        return membership?.travellerId
    }

    fileprivate func option(_ id: StayOption.ID, in group: TravelGroup.ID) throws -> StayOption? {
        try body("option", id.uuid, in: Mutator.scope(group))
    }

    fileprivate func item(_ id: PlanItem.ID, in group: TravelGroup.ID) throws -> PlanItem? {
        try body("planItem", id.uuid, in: Mutator.scope(group))
    }

    fileprivate func show(_ option: StayOption) throws {
        try show("option", option.id.uuid, in: Mutator.scope(option.groupId), as: option)
    }

    fileprivate func show(_ item: PlanItem) throws {
        try show("planItem", item.id.uuid, in: Mutator.scope(item.groupId), as: item)
    }
}
