import Foundation
import GuestModels

/// A device that is signed in.
enum Session {
    typealias ID = Identifier<Session>

    /// The person whom the device belongs to.
    enum Owner: Sendable {
        case guest(Guest.ID)
        case staff(StaffMember.ID)
        case child(Traveller.ID)
    }
}

/// The principal and the session that a request's token stands for.
struct Credentials: Sendable {
    var principal: Principal
    var session: Session.ID?
    var language: Language?
    /// The time at which the colleague proved a second factor on the device; nil without a proof.
    var factorAt: Date?

    static let nobody = Credentials(principal: .nobody)

    /// The seconds for which a proof allows actions that cannot be undone: ten minutes.
    static let freshness: TimeInterval = 600
}
