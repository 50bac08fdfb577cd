import Foundation
import GuestModels

/// A device that is signed in.
enum Session {
    typealias ID = Identifier<Session>

    /// Whose device it is.
    enum Owner: Sendable {
        case guest(Guest.ID)
        case staff(StaffMember.ID)
        case child(Traveller.ID)
    }
}

/// Who asks, by the token of a request.
struct Credentials: Sendable {
    var principal: Principal
    var session: Session.ID?
    var language: Language?
    /// When a colleague proved a second factor on this device.
    var factorAt: Date?

    static let nobody = Credentials(principal: .nobody)

    /// How long a proof is good for what cannot be undone: ten minutes, in seconds.
    static let freshness: TimeInterval = 600
}
