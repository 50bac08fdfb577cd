import Foundation
import GuestModels
import Postgres
import SyncMessages

extension StayOption {
    /// Places a hold for an option.
    ///
    /// The request may name the travellers; otherwise they are those who said that they come. An option whose booking
    /// expired or was cancelled may be promoted again.
    static func promote(
        _ request: PromotionRequest,
        of id: StayOption.ID,
        in group: TravelGroup.ID,
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
