import Foundation
import GuestModels
import Postgres

/// What a feature does when a traveller leaves a group.
struct Departure: Sendable {
    let act: @Sendable (Traveller.ID, TravelGroup.ID, Date, Transaction) async throws -> Void

    init(_ act: @escaping @Sendable (Traveller.ID, TravelGroup.ID, Date, Transaction) async throws -> Void) {
        self.act = act
    }

    /// Every feature that remembers something of a traveller which must not outlast their time in the group.
    static let all: [Departure] = [planning]
}
