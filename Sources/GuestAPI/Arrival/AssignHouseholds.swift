import GuestModels
import Postgres

extension Booking {
    /// Assigns households to a cottage of the booking.
    ///
    /// Throws `partyTooLarge` when the households do not fit into their cottages.
    static func assignHouseholds(
        _ households: [Household.ID],
        in cottage: Cottage.ID,
        of id: Booking.ID,
        _ act: Act
    ) async throws {
        var booking = try await locked(id, act)
        guard let group = booking.groupId, booking.cottages.contains(where: { $0.id == cottage }) else {
            throw Refusal.notFound
        }
        let known = Set(try await act.tx.all(GroupSQL.households(of: group)).map(\.id))
        guard known.isSuperset(of: households) else { throw Refusal.notFound.at("/householdIds") }
        let (policies, cottages, types, people, homes) = try await act.tx.all(
            BookingSQL.policy(of: id),
            AllocationSQL.types(of: booking.cottages.map(\.id), in: booking.parkId),
            ParkSQL.types(of: booking.parkId),
            GroupSQL.travellers(ofBooking: id),
            ShareSQL.homes(of: id)
        )
        guard let rules = policies.first?.rules else { throw Refusal.notFound }
        let byID = Dictionary(types.map { ($0.id, $0) }) { $1 }
        let housing = Housing(
            of: people,
            in: cottages.compactMap { one in byID[one.type].map { (one.id, $0) } },
            homes: homes.filter { $0.cottage != cottage } + households.map { (cottage, $0) },
            arriving: booking.stay.arrival,
            rules: rules
        )
        guard housing.fits else { throw Refusal.partyTooLarge.at("/householdIds") }
        booking.version += 1
        act.tx.later(ArrivalSQL.assign(households, in: cottage, of: id) + [BookingSQL.update(booking)])
        try await divide(id, act)
        booking.publish(in: act.tx)
    }
}
