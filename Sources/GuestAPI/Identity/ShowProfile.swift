import GuestModels
import Postgres

extension Guest {
    /// The asker's own profile.
    static func show(_ look: Look) async throws -> Guest {
        guard let guest = try await look.reader.first(IdentitySQL.guest(look.principal.guest())) else {
            throw Refusal.notFound
        }
        return guest
    }

    static func consents(_ look: Look) async throws -> [ConsentEntry] {
        try await look.reader.all(ConsentSQL.consents(of: .guest(look.principal.guest())))
    }

    /// The actions and looks of the desk in the asker's name, newest first, 500 at most.
    static func deskActions(_ look: Look) async throws -> [DeskAction] {
        try await look.reader.all(DeskGuestSQL.deskActions(for: look.principal.guest(), limit: 500))
    }
}

extension Device {
    /// The asker's own devices.
    ///
    /// - Parameter current: the session that asks.
    static func list(current: Session.ID?, _ look: Look) async throws -> [Device] {
        try await look.reader.all(
            IdentitySQL.devices(of: look.principal.guest(), current: current, now: look.now)
        )
    }
}

extension MailChange {
    /// The asking guest's change of mail address that is not yet confirmed by a code.
    ///
    /// - Throws: `notFound` if the guest has begun no change.
    static func show(_ look: Look) async throws -> MailChange {
        guard let change = try await look.reader.first(MailChangeSQL.mailChange(of: look.principal.guest())) else {
            throw Refusal.notFound
        }
        return change
    }
}
