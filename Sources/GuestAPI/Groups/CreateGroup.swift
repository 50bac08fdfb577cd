import Foundation
import GuestModels
import Postgres
import SyncMessages

extension TravelGroup {
    private static let maximumOrganised = 200

    /// Starts a group with the guest as organiser, in a household of their own.
    ///
    /// Throws `tooManyGroups` for a guest who organises 200, and `idTaken`.
    static func create(_ request: GroupRequest, by guest: Guest.ID, _ act: Act) async throws -> TravelGroup {
        guard try await act.tx.first(GroupSQL.organised(by: guest)) ?? 0 < maximumOrganised else {
            throw Refusal.tooManyGroups
        }
        let id = request.id ?? act.id()
        let household = Household(id: act.id(), name: request.myName)
        let organiser = Traveller(
            id: act.id(),
            householdId: household.id,
            name: request.myName,
            role: .organiser,
            birthDate: nil,
            guardianId: nil,
            version: 1
        )
        try await act.tx.run(
            [
                GroupSQL.insertGroup(id, name: request.name, at: act.now),
                GroupSQL.insert(household, group: id),
                GroupSQL.insert(organiser, group: id, guest: guest, at: act.now),
            ],
            refusing: ["travel_group_pkey": .idTaken]
        )
        act.tx.publish(id, .group, to: .group(id))
        act.tx.publish(household.id, .household, to: .group(id))
        act.tx.publish(organiser.id, .traveller, to: .group(id))
        act.tx.publish(id, .membership, to: .guest(guest))
        return TravelGroup(
            id: id,
            name: request.name,
            version: 1,
            households: [household],
            travellers: [organiser],
            bookings: [],
            shares: []
        )
    }

    static func rename(_ id: TravelGroup.ID, to name: String, expecting version: Int, _ act: Act) async throws {
        _ = try await require(.organiser, in: id, act)
        guard let group = try await act.tx.first(GroupSQL.lock(id)) else { throw Refusal.notFound }
        guard group.version == version else { throw Problem.matchFailed }
        try await act.tx.run(GroupSQL.rename(id, to: name))
        act.tx.publish(id, .group, to: .group(id))
    }
}
