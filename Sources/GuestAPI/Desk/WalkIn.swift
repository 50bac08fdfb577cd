import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Books for a guest who stands at the desk, and checks them in if that is asked; all of it or nothing.
    ///
    /// The booking belongs to the guest and is made by the colleague; the audit has both names.
    static func walkIn(
        _ request: WalkInRequest,
        at park: Park.ID,
        _ act: Act
    ) async throws -> Booking {
        try act.principal.require([.reception], at: park)
        let (guest, name) = try await host(of: request, at: park, act)
        let principal = Principal.guest(guest)
        let group = try await TravelGroup.create(GroupRequest(name: name, myName: name), by: guest, act)
        var travellers = group.travellers
        for companion in request.companions ?? [] {
            let isChild = (companion.birthDate?.age(on: request.stay.arrival) ?? 18) < 18
            travellers.append(
                try await Traveller.add(
                    TravellerRequest(
                        name: companion.name,
                        birthDate: companion.birthDate,
                        guardianId: isChild ? group.travellers.first?.id : nil
                    ),
                    to: group.id,
                    act.as(principal)
                )
            )
        }
        let held = try await place(
            BookingRequest(
                parkId: park,
                groupId: group.id,
                stay: request.stay,
                cottages: request.cottages,
                travellerIds: travellers.map(\.id),
                pets: request.pets,
                reason: request.reason
            ),
            isByDesk: true,
            act.as(principal)
        )
        let booking = try await confirm(held.id, reason: "walk-in", act)
        try Audit.record("desk.walkIn", target: booking.id.uuid, park: park, onBehalfOf: guest, act)
        let entries = [request.register] + (request.companions ?? []).map(\.register)
        for (traveller, entry) in zip(travellers, entries) {
            try await entry?.enter(traveller.id, of: booking.id, act)
        }
        guard request.checkIn == true else { return booking }
        return try await checkIn(booking.id, act)
    }

    /// The guest for whom the desk books: a guest that the park knows, or a new account without mail.
    private static func host(
        of request: WalkInRequest,
        at park: Park.ID,
        _ act: Act
    ) async throws -> (Guest.ID, name: String) {
        if let new = request.guest {
            let guest = try await DeskGuests.create(new, at: park, act)
            return (guest.id, guest.name)
        }
        guard let id = request.guestId, try await act.tx.first(DeskGuestSQL.isKnown(id, at: [park])) == true,
            let guest = try await act.tx.first(IdentitySQL.guest(id))
        else { throw Refusal.notFound.at("/guestId") }
        return (id, guest.name.isEmpty ? "—" : guest.name)
    }
}
