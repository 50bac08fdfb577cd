import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Traveller {
    static let maximumInGroup = 200

    /// Adds a traveller without an account.
    ///
    /// Any member may do so.
    static func add(_ request: TravellerRequest, to group: TravelGroup.ID, _ act: Act) async throws -> Traveller {
        let own = try await TravelGroup.require(.member, in: group, act)
        try await requireRoom(in: group, in: act.tx)
        let traveller = Traveller(
            id: request.id ?? act.id(),
            householdId: request.householdId ?? own.householdId,
            name: request.name,
            role: nil,
            birthDate: request.birthDate,
            guardianId: request.guardianId,
            version: 1
        )
        try await requireGuardian(traveller.guardianId, in: group, act)
        try await act.tx.run(
            GroupSQL.insert(traveller, group: group, guest: nil, at: act.now),
            refusing: ["traveller_household_of_group": .notFound.at("/householdId"), "traveller_pkey": .idTaken]
        )
        act.tx.publish(traveller.id, .traveller, to: .group(group))
        return traveller
    }

    /// Changes a traveller.
    ///
    /// Members change themselves and their household; the organiser changes anybody.
    static func change(
        _ id: Traveller.ID,
        in group: TravelGroup.ID,
        _ change: TravellerChange,
        expecting version: Int,
        _ act: Act
    ) async throws -> Traveller {
        try await Regrouping.lock(group, act)
        let own = try await TravelGroup.require(.member, in: group, act)
        guard var traveller = try await act.tx.first(GroupSQL.traveller(id, in: group)) else { throw Refusal.notFound }
        guard own.role == .organiser || own.householdId == traveller.householdId else { throw Refusal.forbidden }
        guard traveller.version == version else { throw Problem.matchFailed }
        // The household decides who pays, and the guardian decides for a child. So only the organiser moves a traveller
        // to another household. Only the organiser and the guardian replace the guardian.
        if let household = change.householdId, household != traveller.householdId, own.role != .organiser {
            throw Refusal.forbidden.at("/householdId")
        }
        if let household = change.householdId, household != traveller.householdId {
            try await allow(traveller, into: household, of: group, by: own, in: act.tx)
        }
        if let guardian = change.guardianId, guardian != traveller.guardianId, own.role != .organiser,
            traveller.guardianId.map({ $0 != own.id }) ?? false
        {
            throw Refusal.forbidden.at("/guardianId")
        }
        traveller.name = change.name ?? traveller.name
        traveller.birthDate = change.birthDate ?? traveller.birthDate
        traveller.householdId = change.householdId ?? traveller.householdId
        if let guardian = change.guardianId {
            guard guardian != id else { throw Refusal.guardianNeeded.at("/guardianId") }
            try await requireGuardian(guardian, in: group, act)
            traveller.guardianId = guardian
        }
        let isRegrouped = change.householdId != nil || change.birthDate != nil
        traveller.version += 1
        try await act.tx.run(
            GroupSQL.update(traveller),
            refusing: ["traveller_household_of_group": .notFound.at("/householdId")]
        )
        act.tx.publish(id, .traveller, to: .group(group))
        // The membership shows the household too.
        if let guest = try await act.tx.first(GroupSQL.guest(of: id)) {
            act.tx.publish(group, .membership, to: .guest(guest))
        }
        if isRegrouped {
            try await Regrouping.happened(.moved(by: own.householdId), of: group, act)
        }
        return traveller
    }

    /// Throws `forbidden` if somebody else would move a member in with other members.
    ///
    /// Each member speaks for the household, and agrees to what it owes.
    private static func allow(
        _ traveller: Traveller,
        into household: Household.ID,
        of group: TravelGroup.ID,
        by own: Traveller,
        in tx: Transaction
    ) async throws {
        guard traveller.role != nil, own.householdId != household else { return }
        let others = try await tx.all(GroupSQL.travellers(of: group))
        guard !others.contains(where: { $0.householdId == household && $0.role != nil }) else {
            throw Refusal.forbidden.at("/householdId")
        }
    }

    /// Removes a traveller from the group.
    ///
    /// Throws `travelsWithBooking` while the traveller belongs to a stay that is not over.
    static func remove(_ id: Traveller.ID, from group: TravelGroup.ID, _ act: Act) async throws {
        guard try await act.tx.first(GroupSQL.lock(group)) != nil else { throw Refusal.notFound }
        let own = try await TravelGroup.require(.organiser, in: group, act)
        guard let traveller = try await act.tx.first(GroupSQL.traveller(id, in: group)) else { throw Refusal.notFound }
        guard traveller.id != own.id else { throw Refusal.organiserStays }
        try await depart(traveller.id, from: group, act)
    }

    /// Lets a member leave the group.
    ///
    /// The organiser must hand over first, unless there is no other member.
    static func leave(_ group: TravelGroup.ID, _ act: Act) async throws {
        guard try await act.tx.first(GroupSQL.lock(group)) != nil else { throw Refusal.notFound }
        let own = try await TravelGroup.require(.member, in: group, act)
        if own.role == .organiser, try await act.tx.first(GroupSQL.successor(in: group, except: own.id)) != nil {
            throw Refusal.organiserStays
        }
        try await depart(own.id, from: group, act)
    }

    private static func depart(_ id: Traveller.ID, from group: TravelGroup.ID, _ act: Act) async throws {
        // Use yesterday's date to be safe: somewhere on earth it is still yesterday.
        let today = LocalDate(daysSince1970: Int(act.now.timeIntervalSince1970 / 86400) - 1)
        guard try await act.tx.first(GroupSQL.travels(id, today: today)) != true else {
            throw Refusal.travelsWithBooking
        }
        if let guest = try await act.tx.first(GroupSQL.guest(of: id)) {
            act.tx.publish(group, .membership, to: .guest(guest))
            for park in try await act.tx.all(GroupSQL.parks(of: group)) { act.tx.feed(guest, .guest, to: park) }
        }
        try await act.tx.run(GroupSQL.leave(id, at: act.now))
        act.tx.publish(id, .traveller, to: .group(group))
        for departure in act.app.features.departures { try await departure.run(id, group, act) }
    }

    /// Gives the organiser's role to another member.
    ///
    /// The household that answers for the group's bookings stays the same until the other accepts.
    ///
    /// - Parameter isErased: whether the account of the former organiser is being erased.
    static func handOver(_ group: TravelGroup.ID, to id: Traveller.ID, isErased: Bool = false, _ act: Act) async throws
    {
        try await Regrouping.lock(group, act)
        guard try await act.tx.first(GroupSQL.lock(group)) != nil else { throw Refusal.notFound }
        var own = try await TravelGroup.require(.organiser, in: group, act)
        guard var other = try await act.tx.first(GroupSQL.traveller(id, in: group)) else { throw Refusal.notFound }
        guard other.id != own.id else { return }
        guard other.role != nil else { throw Refusal.notAMember.at("/travellerId") }
        own.role = .member
        own.version += 1
        other.role = .organiser
        other.version += 1
        try await act.tx.run([GroupSQL.update(own), GroupSQL.update(other)])
        for traveller in [own.id, other.id] {
            act.tx.publish(traveller, .traveller, to: .group(group))
            if let guest = try await act.tx.first(GroupSQL.guest(of: traveller)) {
                act.tx.publish(group, .membership, to: .guest(guest))
            }
        }
        let event = Regrouping.Event.handedOver(from: own.householdId, isErased: isErased)
        try await Regrouping.happened(event, of: group, act)
    }

    static func requireRoom(in group: TravelGroup.ID, in tx: Transaction) async throws {
        guard try await tx.first(GroupSQL.lock(group)) != nil else { throw Refusal.notFound }
        guard try await tx.all(GroupSQL.travellers(of: group)).count < maximumInGroup else { throw Refusal.groupFull }
    }

    private static func requireGuardian(_ id: Traveller.ID?, in group: TravelGroup.ID, _ act: Act) async throws {
        guard let id else { return }
        let today = LocalDate(daysSince1970: Int(act.now.timeIntervalSince1970 / 86400))
        guard let guardian = try await act.tx.first(GroupSQL.traveller(id, in: group)), guardian.role != nil,
            (guardian.birthDate?.age(on: today) ?? 18) >= 18
        else { throw Refusal.guardianNeeded.at("/guardianId") }
    }
}

extension Household {
    static func add(_ request: HouseholdRequest, to group: TravelGroup.ID, _ act: Act) async throws -> Household {
        _ = try await TravelGroup.require(.member, in: group, act)
        let household = Household(id: request.id ?? act.id(), name: request.name)
        try await act.tx.run(GroupSQL.insert(household, group: group), refusing: ["household_pkey": .idTaken])
        act.tx.publish(household.id, .household, to: .group(group))
        return household
    }
}
