import GuestModels
import Postgres

/// The lists and searches of reception: arrivals, departures, bookings and guests.
enum DeskSearch {
    /// A list of one day.
    enum DayList: Sendable {
        case arrivals, departures
    }

    /// The bookings that begin or end on a day, today by default; housekeeping does not see their open amounts.
    static func list(
        _ list: DayList,
        at park: Park.ID,
        on date: LocalDate?,
        after cursor: Booking.ID?,
        limit: Int,
        _ look: Look
    ) async throws -> Page<DeskSQL.DeskRow> {
        try look.principal.require([.reception, .host, .housekeeping], at: park)
        let today = try await Park.today(at: park, look)
        let day = date ?? today
        let query =
            switch list {
            case .arrivals: DeskSQL.arrivals(park, on: day, after: cursor, limit: limit + 1)
            case .departures: DeskSQL.departures(park, on: day, after: cursor, limit: limit + 1)
            }
        var rows = try await look.reader.all(query)
        if !look.principal.has([.reception, .host], at: park) {
            for index in rows.indices { rows[index].open = nil }
        }
        return Page(rows, limit: limit) { $0.id.description }
    }

    /// Bookings of a park by number, name or cottage.
    static func bookings(
        _ text: String,
        at park: Park.ID,
        after cursor: Booking.ID?,
        limit: Int,
        _ look: Look
    ) async throws -> Page<DeskSQL.DeskRow> {
        try look.principal.require([.reception, .host], at: park)
        let rows = try await look.reader.all(DeskSQL.search(park, text, after: cursor, limit: limit + 1))
        return Page(rows, limit: limit) { $0.id.description }
    }

    /// Guests that the park knows, by name or mail.
    static func guests(
        _ text: String,
        at park: Park.ID,
        after cursor: Guest.ID?,
        limit: Int,
        _ look: Look
    ) async throws -> Page<DeskGuest> {
        try look.principal.require([.reception], at: park)
        let query = DeskGuestSQL.searchGuests(text, at: park, after: cursor, limit: limit + 1)
        return Page(try await look.reader.all(query), limit: limit) { $0.id.description }
    }
}
