import GuestModels
import Postgres

extension GuestBookEntry {
    /// The guest book of a cottage for the guests of a booking that has it, and for its desk; the newest text first.
    ///
    /// Throws `notFound` where the park has no guest books, and as `Booking.allowReadingGuestBook` does.
    static func list(in cottage: Cottage.ID, of id: Booking.ID, _ look: Look) async throws -> [GuestBookEntry] {
        guard let booking = try await Booking.find(id, look), booking.cottages.contains(where: { $0.id == cottage })
        else { throw Refusal.notFound }
        let (parks, entries) = try await look.reader.all(
            ParkSQL.park(booking.parkId),
            GuestBookSQL.entries(in: cottage)
        )
        guard let park = parks.first, park.rules.hasGuestBooks == true else { throw Refusal.notFound }
        guard look.principal.guestID != nil else { return entries }
        try booking.allowReadingGuestBook(today: ParkClock(stored: park.timeZone).date(at: look.now))
        return entries
    }
}
