import Foundation
import GuestModels
import Postgres

/// What a feature knows about a guest: how it hands it out, and how it forgets it.
struct PersonalData: Sendable {
    let name: String
    let export: @Sendable (Guest.ID, Act) async throws -> any Encodable & Sendable
    let erase: @Sendable (Guest.ID, Act) async throws -> Void
    /// The records that an erasure leaves, with the reason for each.
    var remains: @Sendable (Guest.ID, Act) async throws -> [Remainder] = { _, _ in [] }
    /// Waits for what is being done in the guest's name, and lets nothing more begin; before anything is erased.
    var stop: @Sendable (Guest.ID, Act) async throws -> Void = { _, _ in }

    /// Something that an erasure leaves.
    struct Remainder: Encodable, Sendable {
        enum Kind: String, Encodable, Sendable {
            /// A share that is not paid: its household goes on owing it, without a name.
            case debt
            /// A stay that counts on them.
            case stay
        }

        let kind: Kind
        let bookingNumber: String
        let park: String
        var open: Money?
        var stay: Stay?
    }
}
