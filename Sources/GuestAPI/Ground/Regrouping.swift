import Foundation
import GuestModels
import Postgres

/// A feature's reaction when travellers of a group change household, or another member becomes organiser.
struct Regrouping: Sendable {
    enum Event: Sendable {
        /// A traveller now lives in another household, or has another birth date; `by` is the household that made the
        /// change.
        case moved(by: Household.ID)
        /// Another member has become the organiser; `from` is the household of the former organiser.
        case handedOver(from: Household.ID, isErased: Bool)
    }

    /// Locks what the feature will change, before the group itself is locked.
    let lock: @Sendable (TravelGroup.ID, Act) async throws -> Void
    let react: @Sendable (Event, TravelGroup.ID, Act) async throws -> Void

    static func lock(_ group: TravelGroup.ID, _ act: Act) async throws {
        for feature in act.app.features.regroupings { try await feature.lock(group, act) }
    }

    static func happened(_ event: Event, of group: TravelGroup.ID, _ act: Act) async throws {
        for feature in act.app.features.regroupings { try await feature.react(event, group, act) }
    }
}
