import GuestModels
import Postgres

// Only head office uses these verbs; the policy table refuses everybody else.
extension StaffMember {
    static func list(after cursor: ID?, limit: Int, _ look: Look) async throws -> Page<StaffMember> {
        let rows = try await look.reader.all(StaffSQL.members(after: cursor, limit: limit + 1))
        return Page(rows, limit: limit) { $0.id.description }
    }

    static func show(_ id: ID, _ look: Look) async throws -> StaffMember {
        guard let member = try await look.reader.first(StaffSQL.member(id)) else { throw Refusal.notFound }
        return member
    }

    /// The devices on which a colleague is signed in.
    ///
    /// - Parameter current: the session that asks.
    static func devices(of id: ID, current: Session.ID?, _ look: Look) async throws -> [Device] {
        let (members, devices) = try await look.reader.all(
            StaffSQL.member(id),
            IdentitySQL.devices(of: id, current: current, now: look.now)
        )
        guard !members.isEmpty else { throw Refusal.notFound }
        return devices
    }
}
