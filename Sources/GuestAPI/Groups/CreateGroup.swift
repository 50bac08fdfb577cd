import Foundation
import GuestModels
import Postgres
import Sync

extension TravelGroup {
    private static let maximumOrganised = 200

    /// Starts a group with the guest as organiser, in a household of their own.
    ///
    /// Throws `tooManyGroups` for a guest who organises 200, and `idTaken`.
    static func create(
        _ request: GroupRequest,
        by guest: Guest.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> TravelGroup {
        guard try await tx.first(GroupSQL.organised(by: guest)) ?? 0 < maximumOrganised else {
            throw Refusal.tooManyGroups
        }
        let id = request.id ?? app.ids.next(at: now)
        let household = Household(id: app.ids.next(at: now), name: request.myName)
        let organiser = Traveller(
            id: app.ids.next(at: now),
            householdId: household.id,
            name: request.myName,
            role: .organiser,
            birthDate: nil,
            guardianId: nil,
            version: 1
        )
        try await tx.run(
            [
                GroupSQL.insertGroup(id, name: request.name, at: now),
                GroupSQL.insert(household, group: id),
                GroupSQL.insert(organiser, group: id, guest: guest, at: now),
            ],
            refusing: ["travel_group_pkey": .idTaken]
        )
        tx.publish(id, .group, to: .group(id))
        tx.publish(household.id, .household, to: .group(id))
        tx.publish(organiser.id, .traveller, to: .group(id))
        tx.publish(id, .membership, to: .guest(guest))
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

    static func rename(
        _ id: TravelGroup.ID,
        to name: String,
        expecting version: Int,
        as principal: Principal,
        in tx: Transaction
    ) async throws {
        _ = try await require(.organiser, in: id, as: principal, in: tx)
        guard let group = try await tx.first(GroupSQL.lock(id)) else { throw Refusal.notFound }
        guard group.version == version else { throw Problem.matchFailed }
        try await tx.run(GroupSQL.rename(id, to: name))
        tx.publish(id, .group, to: .group(id))
    }
}
