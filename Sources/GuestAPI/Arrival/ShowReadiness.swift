import GuestModels
import Postgres

extension Cottage {
    /// The cottages of a park, with the departures and arrivals of a day, for the staff who clean them.
    static func readiness(at park: Park.ID, on day: LocalDate, _ look: Look) async throws -> [ArrivalSQL.ReadinessRow] {
        try look.principal.require([.reception, .host, .housekeeping, .maintenance], at: park)
        return try await look.reader.all(ArrivalSQL.readiness(in: park, on: day))
    }
}
