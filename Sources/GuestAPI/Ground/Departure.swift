import Foundation
import GuestModels
import Postgres

/// A feature's reaction when a traveller leaves a group.
struct Departure: Sendable {
    let run: @Sendable (Traveller.ID, TravelGroup.ID, Act) async throws -> Void

    init(_ run: @escaping @Sendable (Traveller.ID, TravelGroup.ID, Act) async throws -> Void) {
        self.run = run
    }
}

/// A feature's reaction when a guest takes the place of a traveller without account, such as a child who grows up.
struct TakeOver: Sendable {
    let run: @Sendable (Traveller.ID, Act) async throws -> Void

    init(_ run: @escaping @Sendable (Traveller.ID, Act) async throws -> Void) {
        self.run = run
    }
}
