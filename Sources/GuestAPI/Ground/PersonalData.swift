import Foundation
import GuestModels
import Postgres

/// The data of a feature about a guest: how it is exported and how it is erased.
struct PersonalData: Sendable {
    let name: String
    let export: @Sendable (Guest.ID, Act) async throws -> any Encodable & Sendable
    let erase: @Sendable (Guest.ID, Act) async throws -> Void
    /// The records that an erasure leaves, with the reason for each.
    var remains: @Sendable (Guest.ID, Act) async throws -> [Remainder] = { _, _ in [] }
    /// Stops actions in the guest's name before the erasure: waits for those under way and lets no new ones begin.
    var stop: @Sendable (Guest.ID, Act) async throws -> Void = { _, _ in }

    /// A record that an erasure leaves.
    struct Remainder: Encodable, Sendable {
        enum Kind: String, Encodable, Sendable {
            /// A share that is not paid: its household goes on owing it, without a name.
            case debt
            /// A future stay that depends on the guest.
            case stay
        }

        let kind: Kind
        let bookingNumber: String
        let park: String
        var open: Money?
        var stay: Stay?
    }
}
