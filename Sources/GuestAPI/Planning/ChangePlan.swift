import Foundation
import GuestModels
import Postgres
import Sync

extension PlanItem {
    private static let maximumInGroup = 1_000

    static func add(
        _ request: PlanItemRequest,
        to group: TravelGroup.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> PlanItem.ID {
        let own = try await TravelGroup.require(.member, in: group, as: principal, in: tx)
        let (counts, ranks) = try await tx.all(
            PlanningSQL.items(in: group),
            PlanningSQL.lastRank(in: request.list, of: group)
        )
        // Two who add the last one at once may both: it is there to keep a list usable, not exact.
        guard (counts.first ?? 0) < maximumInGroup else { throw Refusal.listFull }
        if let booking = request.bookingId {
            guard try await tx.first(PlanningSQL.isBooking(booking, of: group)) != nil else {
                throw Refusal.notFound.at("/bookingId")
            }
        }
        try await requireBringer(request.bringerId, in: group, in: tx)
        var item = PlanItem(request, id: request.id ?? app.ids.next(at: now), group: group, by: own.id, at: now)
        if request.rank == nil { item.rank = try Rank.between(ranks.first ?? nil, nil) }
        try await tx.run(
            PlanningSQL.insert(item),
            refusing: ["plan_item_pkey": .idTaken]
        )
        tx.publish(item.id, .planItem, to: .group(group))
        return item.id
    }

    /// Who brings it is there still.
    private static func requireBringer(
        _ id: Traveller.ID?,
        in group: TravelGroup.ID,
        in tx: Transaction
    ) async throws {
        guard let id else { return }
        guard try await tx.first(GroupSQL.traveller(id, in: group, staying: true)) != nil else {
            throw Refusal.unknownTraveller.at("/bringerId")
        }
    }

    /// Changes the fields that are named, whatever others have changed since.
    ///
    /// Throws `itemDeleted` when somebody has deleted it: that was meant for all of it.
    /// - Returns: `merged` when others have changed it since, `noop` when all was so already.
    static func change(
        _ id: PlanItem.ID,
        in group: TravelGroup.ID,
        _ change: PlanItemChange,
        as principal: Principal,
        at now: Date,
        in tx: Transaction
    ) async throws -> Outcome.Result {
        guard let guest = principal.guestID else { throw Refusal.notFound }
        // One round trip to read, one to write: a phone that comes out of the woods has fifty of these.
        let (members, rows) = try await tx.all(
            GroupSQL.ownRow(in: group, of: guest),
            PlanningSQL.item(id, in: group, locked: true)
        )
        guard let own = members.first, var row = rows.first else { throw Refusal.notFound }
        guard !row.isDeleted else { throw Refusal.itemDeleted }
        try await requireBringer(change.bringerId, in: group, in: tx)
        // Nobody has seen what is not there yet.
        var change = change
        change.base = min(change.base, row.item.version)
        let isBehind = row.revisions.values.contains { $0.isUnseen(by: own.id, since: change.base) }
        let events = row.item.merge(change, revisions: &row.revisions, by: own.id, at: now)
        guard !events.isEmpty else { return .noop }
        tx.later([try PlanningSQL.update(row)])
        tx.later(events.map { PlanningSQL.insert($0, of: id) })
        // Now and then: to look every time costs more than what is kept.
        if row.item.version % 50 == 0 { tx.later([PlanningSQL.forgetEvents(of: id, before: row.item.version)]) }
        tx.publish(id, .planItem, to: .group(group))
        return isBehind ? .merged : .applied
    }

    /// Sets a field back to what it was before an event of the item's history.
    static func undo(
        _ request: UndoRequest,
        of id: PlanItem.ID,
        in group: TravelGroup.ID,
        as principal: Principal,
        at now: Date,
        in tx: Transaction
    ) async throws -> Outcome.Result {
        _ = try await TravelGroup.require(.member, in: group, as: principal, in: tx)
        let (rows, events) = try await tx.all(
            PlanningSQL.item(id, in: group, locked: true),
            PlanningSQL.event(request.number, request.field, of: id)
        )
        guard let row = rows.first, let event = events.first else { throw Refusal.notFound }
        let change = PlanItemChange.undoing(event, base: row.item.version)
        return try await self.change(id, in: group, change, as: principal, at: now, in: tx)
    }

    /// Deletes it, or brings it back; either is harmless to repeat.
    static func setDeleted(
        _ isDeleted: Bool,
        _ id: PlanItem.ID,
        in group: TravelGroup.ID,
        as principal: Principal,
        at now: Date,
        in tx: Transaction
    ) async throws -> Outcome.Result {
        _ = try await TravelGroup.require(.member, in: group, as: principal, in: tx)
        guard let row = try await tx.first(PlanningSQL.item(id, in: group, locked: true)) else {
            throw Refusal.notFound
        }
        guard row.isDeleted != isDeleted else { return .noop }
        try await tx.run(PlanningSQL.delete(id, at: isDeleted ? now : nil))
        tx.publish(id, .planItem, to: .group(group))
        return .applied
    }

    /// Says whether somebody comes along.
    static func attend(
        _ request: ReplyRequest,
        _ id: PlanItem.ID,
        in group: TravelGroup.ID,
        as principal: Principal,
        at instant: Date,
        in tx: Transaction
    ) async throws -> Outcome.Result {
        let traveller = try await Traveller.speaking(request, in: group, as: principal, in: tx)
        guard let row = try await tx.first(PlanningSQL.item(id, in: group, locked: false)) else {
            throw Refusal.notFound
        }
        guard !row.isDeleted else { throw Refusal.itemDeleted }
        let command = PlanningSQL.reply(request.reply, to: .taking(id), by: traveller, in: group, at: instant)
        guard try await tx.run(command) == 1 else { return .noop }
        tx.publish(id, .planItem, to: .group(group))
        return .applied
    }
}

extension Departure {
    /// Their votes no longer count, and what they were to bring is free again.
    static let planning = Departure { traveller, group, _, tx in
        for reply in try await tx.all(PlanningSQL.forgetReplies(of: traveller)) {
            if let option = reply.option { tx.publish(option, .option, to: .group(group)) }
            if let item = reply.item { tx.publish(item, .planItem, to: .group(group)) }
        }
        for item in try await tx.all(PlanningSQL.forgetBringer(traveller)) {
            tx.publish(item, .planItem, to: .group(group))
        }
    }
}

extension PersonalData {
    /// What they wrote belongs to the group's plans and stays, without a name to it.
    static let planning = PersonalData(
        name: "planning",
        export: { guest, _, tx in try await tx.all(PlanningSQL.everything(of: guest)) },
        erase: { guest, _, now, tx in
            for row in try await tx.all(GroupSQL.rows(of: guest)) {
                try await Departure.planning.act(row.traveller, row.group, now, tx)
            }
        }
    )
}
