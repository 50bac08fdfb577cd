import Foundation
import GuestModels
import Postgres
import SyncMessages

extension StayOption {
    private static let maximumOpen = 50

    /// Puts a park, dates and cottages to the group's vote.
    ///
    /// An option holds no cottage, and does not promise that one is free.
    static func propose(
        _ request: StayOptionRequest,
        to group: TravelGroup.ID,
        _ act: Act
    ) async throws -> StayOption.ID {
        let own = try await TravelGroup.require(.member, in: group, staying: true, act)
        let cottages = request.cottages.compactMap(\.cottageId)
        // The request may name a type twice, so count each type once.
        let types = Set(request.cottages.compactMap(\.typeId)).sorted()
        let (open, known) = try await act.tx.all(
            OptionSQL.openOptions(of: group),
            OptionSQL.known(cottages: cottages, types: types, in: request.parkId)
        )
        guard (open.first ?? 0) < maximumOpen else { throw Refusal.tooManyOptions }
        guard known.first == cottages.count + types.count else { throw Refusal.unknownCottage.at("/cottages") }
        let option = StayOption(
            id: request.id ?? act.id(),
            groupId: group,
            parkId: request.parkId,
            stay: request.stay,
            cottages: request.cottages,
            note: request.note,
            state: .open,
            bookingId: nil,
            proposedBy: own.id,
            proposedAt: act.now,
            votes: [],
            attendance: [],
            version: 1
        )
        try await act.tx.run(OptionSQL.insert(option), refusing: ["stay_option_pkey": .idTaken])
        act.tx.publish(option.id, .option, to: .group(group))
        try Notice.optionProposed.notify(about: .init(group: group, option: option.id, park: option.parkId), act)
        return option.id
    }

    /// Takes an option back; only its proposer and the organiser may do so.
    static func withdraw(_ id: StayOption.ID, in group: TravelGroup.ID, _ act: Act) async throws {
        let own = try await TravelGroup.require(.member, in: group, staying: true, act)
        guard let option = try await act.tx.first(OptionSQL.option(id, in: group, locked: true)) else {
            throw Refusal.notFound
        }
        guard own.role == .organiser || own.id == option.proposedBy else { throw Refusal.forbidden }
        guard option.isOpen else { throw Refusal.optionClosed }
        try await act.tx.run(OptionSQL.end(id, as: .withdrawn, booking: nil))
        act.tx.publish(id, .option, to: .group(group))
    }
}

extension OptionSQL.OptionRow {
    var isOpen: Bool { state == .open || state == .promoted && isBookingGone }
}
