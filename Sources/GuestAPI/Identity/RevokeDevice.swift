import GuestModels
import Postgres

extension Device {
    /// Signs one of the asker's own devices out.
    static func revoke(_ device: Session.ID, _ act: Act) async throws {
        let command = try IdentitySQL.revoke(device, of: act.principal.guest(), at: act.now)
        guard try await act.tx.run(command) == 1 else { throw Refusal.notFound }
    }
}

extension StaffMember {
    /// Signs a colleague's device out; only head office may, by the policy table.
    static func revoke(_ device: Session.ID, of id: ID, _ act: Act) async throws {
        guard try await act.tx.run(IdentitySQL.revoke(device, of: id, at: act.now)) == 1 else { throw Refusal.notFound }
        try Audit.record("staff.revokeDevice", target: id.uuid, act)
    }
}
