import Foundation
import GuestModels
import Postgres
import SyncMessages

extension PlanItem {
    private static let maximumInGroup = 1_000

    static func add(_ request: PlanItemRequest, to group: TravelGroup.ID, _ act: Act) async throws -> PlanItem.ID {
        let own = try await TravelGroup.require(.member, in: group, act)
        let (counts, ranks) = try await act.tx.all(
            PlanningSQL.items(in: group),
            PlanningSQL.lastRank(in: request.list, of: group)
        )
        // Two members who add the last item at once may both pass. The limit keeps lists usable and need not be exact.
        guard (counts.first ?? 0) < maximumInGroup else { throw Refusal.listFull }
        if let booking = request.bookingId {
            guard try await act.tx.first(PlanningSQL.isBooking(booking, of: group)) != nil else {
                throw Refusal.notFound.at("/bookingId")
            }
        }
        try await requireBringer(request.bringerId, in: group, in: act.tx)
        var item = PlanItem(request, id: request.id ?? act.id(), group: group, by: own.id, at: act.now)
        if request.rank == nil { item.rank = try Rank.between(ranks.first ?? nil, nil) }
        try await act.tx.run(
            PlanningSQL.insert(item),
            refusing: ["plan_item_pkey": .idTaken]
        )
        act.tx.publish(item.id, .planItem, to: .group(group))
        return item.id
    }

    /// Throws `unknownTraveller` unless the bringer is still in the group.
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

    /// Changes the named fields, whatever others have changed since.
    ///
    /// Throws `itemDeleted` when somebody has deleted the item: a deletion means the whole item.
    ///
    /// - Returns: `merged` when others have changed the item since, `noop` when nothing changes.
    static func change(
        _ change: PlanItemChange,
        to id: PlanItem.ID,
        in group: TravelGroup.ID,
        _ act: Act
    ) async throws -> Outcome.Result {
        let results = try await self.change([(id, change)], in: group, act)
        guard let result = results.first else { throw Refusal.notFound }
        return try result.get()
    }

    /// Applies changes one after another, but reads and writes all of them together.
    ///
    /// A phone that was offline for long may send fifty changes.
    ///
    /// - Returns: a result for each change. A refused change changes nothing and stops no other.
    static func change(
        _ changes: [(id: PlanItem.ID, change: PlanItemChange)],
        in group: TravelGroup.ID,
        _ act: Act
    ) async throws -> [Result<Outcome.Result, any Error>] {
        guard let guest = act.principal.guestID else { throw Refusal.notFound }
        let (members, found) = try await act.tx.all(
            GroupSQL.ownRow(in: group, of: guest),
            PlanningSQL.items(Set(changes.map(\.id)), in: group, of: guest)
        )
        guard let own = members.first else { return changes.map { _ in .failure(Refusal.notFound) } }
        var rows = Dictionary(found.map { ($0.item.id, $0) }) { first, _ in first }
        var unknown: Set<Traveller.ID> = []
        for bringer in Set(changes.compactMap(\.change.bringerId)).sorted() {
            let known = try await act.tx.first(GroupSQL.traveller(bringer, in: group, staying: true))
            if known == nil { unknown.insert(bringer) }
        }
        var events: [(item: PlanItem.ID, event: PlanEvent)] = []
        func change(_ id: PlanItem.ID, _ change: PlanItemChange) throws -> Outcome.Result {
            guard var row = rows[id] else { throw Refusal.notFound }
            guard !row.isDeleted else { throw Refusal.itemDeleted }
            if let bringer = change.bringerId, unknown.contains(bringer) {
                throw Refusal.unknownTraveller.at("/bringerId")
            }
            // A phone cannot have seen a version that does not exist yet.
            var change = change
            change.base = min(change.base, row.item.version)
            let isBehind = row.revisions.values.contains { $0.isUnseen(by: own.id, since: change.base) }
            let done = row.item.merge(change, revisions: &row.revisions, by: own.id, at: act.now)
            guard !done.isEmpty else { return .noop }
            rows[id] = row
            events += done.map { (id, $0) }
            return isBehind ? .merged : .applied
        }
        let results = changes.map { one in Result { try change(one.id, one.change) } }
        let changed = Set(events.map(\.item))
        act.tx.later(try PlanningSQL.update(changed.compactMap { rows[$0] }, events, at: act.now))
        for former in found.map(\.item) where changed.contains(former.id) {
            let version = rows[former.id]?.item.version ?? former.version
            // Forget old events once in 50 versions: doing it every time costs more than keeping the extra rows.
            if version / 50 != former.version / 50 {
                act.tx.later([PlanningSQL.forgetEvents(of: former.id, before: version / 50 * 50)])
            }
            act.tx.publish(former.id, .planItem, to: .group(group))
        }
        return results
    }

    /// Sets a field back to what it was before an event of the item's history.
    static func undo(
        _ request: UndoRequest,
        of id: PlanItem.ID,
        in group: TravelGroup.ID,
        _ act: Act
    ) async throws -> Outcome.Result {
        _ = try await TravelGroup.require(.member, in: group, act)
        let (rows, events) = try await act.tx.all(
            PlanningSQL.item(id, in: group, locked: true),
            PlanningSQL.event(request.number, request.field, of: id)
        )
        guard let row = rows.first, let event = events.first else { throw Refusal.notFound }
        let change = PlanItemChange.undoing(event, base: row.item.version)
        return try await self.change(change, to: id, in: group, act)
    }

    /// Deletes an item or brings it back; both are safe to repeat.
    static func setDeleted(
        _ isDeleted: Bool,
        of id: PlanItem.ID,
        in group: TravelGroup.ID,
        _ act: Act
    ) async throws -> Outcome.Result {
        _ = try await TravelGroup.require(.member, in: group, act)
        guard let row = try await act.tx.first(PlanningSQL.item(id, in: group, locked: true)) else {
            throw Refusal.notFound
        }
        guard row.isDeleted != isDeleted else { return .noop }
        try await act.tx.run(PlanningSQL.delete(id, at: isDeleted ? act.now : nil))
        act.tx.publish(id, .planItem, to: .group(group))
        return .applied
    }

    /// Records whether a traveller comes along.
    static func attend(
        _ request: ReplyRequest,
        to id: PlanItem.ID,
        in group: TravelGroup.ID,
        _ act: Act
    ) async throws -> Outcome.Result {
        let traveller = try await Traveller.speaking(request, in: group, act)
        guard let row = try await act.tx.first(PlanningSQL.item(id, in: group, locked: false)) else {
            throw Refusal.notFound
        }
        guard !row.isDeleted else { throw Refusal.itemDeleted }
        let command = PlanningSQL.reply(request.reply, to: .taking(id), by: traveller, in: group, at: act.now)
        guard try await act.tx.run(command) == 1 else { return .noop }
        act.tx.publish(id, .planItem, to: .group(group))
        return .applied
    }
}

extension Departure {
    /// Removes the replies of a traveller who leaves, and frees the items that they were to bring.
    static let planning = Departure { traveller, group, act in
        for reply in try await act.tx.all(PlanningSQL.forgetReplies(of: traveller)) {
            if let option = reply.option { act.tx.publish(option, .option, to: .group(group)) }
            if let item = reply.item { act.tx.publish(item, .planItem, to: .group(group)) }
        }
        for item in try await act.tx.all(PlanningSQL.forgetBringer(traveller)) {
            act.tx.publish(item, .planItem, to: .group(group))
        }
    }
}

extension PersonalData {
    /// The export and erasure of what a guest wrote in plans.
    ///
    /// After an erasure the texts stay in the group's plans, without a name.
    static let planning = PersonalData(
        name: "planning",
        export: { guest, act in try await act.tx.all(PlanningSQL.everything(of: guest)) },
        erase: { guest, act in
            for row in try await act.tx.all(GroupSQL.rows(of: guest)) {
                try await Departure.planning.run(row.traveller, row.group, act)
            }
        }
    )
}
