import GuestModels
import Postgres

/// The tourist tax that a park owes its municipality for the stays that ended within some days.
struct TouristTaxReport: Encodable, Sendable {
    let municipality: String
    let bookings: Int
    /// The people who stayed, and the nights that all of them slept.
    let people: Int
    let nights: Int
    /// The number of people who stayed and owe the tax.
    let taxed: Int
    let amount: Money

    /// - Parameter days: the departure days of the stays.
    static func show(_ park: Park.ID, during days: Stay, _ look: Look) async throws -> [TouristTaxReport] {
        try look.principal.require([.finance], or: .books, at: park)
        return try await look.reader.all(EarnSQL.touristTax(of: park, during: days))
    }
}
