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
        // A type may be wanted twice.
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
        _ id: StayOption.ID,
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

    /// Places a hold for an option.
    ///
    /// The request may name the travellers; otherwise they are those who said that they come. An option whose booking
    /// expired or was cancelled may be promoted again.
    static func promote(
        _ id: StayOption.ID,
        in group: TravelGroup.ID,
        _ request: PromotionRequest,
        _ act: Act
    ) async throws -> Booking {
        _ = try await TravelGroup.require(.organiser, in: group, act)
        let (options, cottages, coming) = try await act.tx.all(
            OptionSQL.option(id, in: group, locked: true),
            OptionSQL.choices(of: id),
            PlanningSQL.coming(to: id)
        )
        guard let option = options.first else { throw Refusal.notFound }
        guard option.isOpen else { throw Refusal.optionClosed }
        let travellers = request.travellerIds ?? coming
        guard !travellers.isEmpty else { throw Refusal.nobodyComes }
        let booking = try await Booking.place(
            BookingRequest(
                id: request.id,
                parkId: option.parkId,
                groupId: group,
                stay: option.stay,
                cottages: cottages,
                travellerIds: travellers,
                pets: request.pets
            ),
            act
        )
        try await act.tx.run(OptionSQL.end(id, as: .promoted, booking: booking.id))
        act.tx.publish(id, .option, to: .group(group))
        return booking
    }
}

extension OptionSQL.OptionRow {
    var isOpen: Bool { state == .open || state == .promoted && isBookingGone }
}

extension Traveller {
    /// The traveller whose reply it is: the member, or a traveller of the same household without account.
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
