import Foundation
import GuestModels
import Postgres
import SyncMessages

extension StayOption {
    /// Records a member's vote.
    ///
    /// - Returns: `noop` when a later vote is stored already.
    static func vote(
        _ request: ReplyRequest,
        on id: StayOption.ID,
        in group: TravelGroup.ID,
        _ act: Act
    ) async throws -> Outcome.Result {
        let own = try await TravelGroup.require(.member, in: group, staying: true, act)
        guard request.travellerId == nil || request.travellerId == own.id else {
            throw Refusal.forbidden.at("/travellerId")
        }
        try await requireOpen(id, in: group, in: act.tx)
        let command = PlanningSQL.reply(request.reply, to: .vote(id), by: own.id, in: group, at: act.now)
        guard try await act.tx.run(command) == 1 else { return .noop }
        act.tx.publish(id, .option, to: .group(group))
        return .applied
    }

    /// Records whether a traveller would come along.
    static func attend(
        _ request: ReplyRequest,
        to id: StayOption.ID,
        in group: TravelGroup.ID,
        _ act: Act
    ) async throws -> Outcome.Result {
        let traveller = try await Traveller.speaking(request, in: group, act)
        try await requireOpen(id, in: group, in: act.tx)
        let command = PlanningSQL.reply(request.reply, to: .attendance(id), by: traveller, in: group, at: act.now)
        guard try await act.tx.run(command) == 1 else { return .noop }
        act.tx.publish(id, .option, to: .group(group))
        return .applied
    }

    private static func requireOpen(
        _ id: StayOption.ID,
        in group: TravelGroup.ID,
        in tx: Transaction
    ) async throws {
        guard let option = try await tx.first(OptionSQL.option(id, in: group, locked: false)) else {
            throw Refusal.notFound
        }
        guard option.isOpen else { throw Refusal.optionClosed }
    }
}

extension Traveller {
    /// The traveller for whom a reply counts: the member, or a traveller without account of the same household.
    static func speaking(_ request: ReplyRequest, in group: TravelGroup.ID, _ act: Act) async throws -> Traveller.ID {
        let own = try await TravelGroup.require(.member, in: group, staying: true, act)
        guard let id = request.travellerId, id != own.id else { return own.id }
        guard let other = try await act.tx.first(GroupSQL.traveller(id, in: group)) else {
            throw Refusal.notFound.at("/travellerId")
        }
        guard other.role == nil, other.householdId == own.householdId else {
            throw Refusal.forbidden.at("/travellerId")
        }
        return id
    }
}
