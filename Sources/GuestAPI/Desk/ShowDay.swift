import Foundation
import GuestModels
import Postgres

/// The numbers and notes of one day at a park, as the desk needs them in the morning.
struct ParkDay: Encodable, Sendable {
    struct Hour: Encodable, Sendable {
        /// The hour of arrival on the park's clock, from 0 to 23; absent for bookings without an arrival time.
        let hour: Int?
        let bookings: Int
        let people: Int
    }

    struct Departures: Encodable, Sendable {
        let bookings: Int
        let people: Int
        /// The number of departing bookings that have checked out.
        let checkedOut: Int
    }

    struct ToBring: Encodable, Sendable {
        let code: String
        let slot: LocalTime?
        let quantity: Int
    }

    let date: LocalDate
    let arrivals: [Hour]
    let departures: Departures
    let readiness: [String: Int]
    let extras: [ToBring]
    let notes: [HouseNote]
    /// The number of open tasks that are due by the date.
    let tasksDue: Int

    /// The desk's day page, read in one round trip to the database.
    static func show(_ park: Park.ID, _ day: LocalDate, _ look: Look) async throws -> ParkDay {
        try look.principal.require([.reception, .host, .housekeeping, .maintenance], at: park)
        let (arrivals, departures, readiness, extras, notes, due) = try await look.reader.all(
            DeskSQL.arrivalsPerHour(park, on: day),
            DeskSQL.departureCounts(park, on: day),
            DeskSQL.readinessCounts(park),
            DeskSQL.extraCounts(park, on: day),
            TaskSQL.notes(in: park, on: day),
            DeskSQL.tasksDue(park, by: day)
        )
        return ParkDay(
            date: day,
            arrivals: arrivals,
            departures: departures.first ?? Departures(bookings: 0, people: 0, checkedOut: 0),
            readiness: Dictionary(readiness.map { ($0.readiness, $0.count) }) { first, _ in first },
            extras: extras,
            notes: notes,
            tasksDue: due.first ?? 0
        )
    }
}
