import Foundation
import GuestModels
import Postgres
import Sync

/// Guests as the desk knows them, also those without mail, and acting for them.
enum DeskGuests {
    /// Whom a request is made for: reception names a guest in `On-Behalf-Of`, and the request is then the guest's own,
    /// audited with both names.
    ///
    /// Throws `forbidden` for everybody but reception, `notFound` for a guest who has nothing to do with their parks, and
    /// for what belongs to the guest's own devices.
    static func find(
        _ header: String,
        by principal: Principal,
        for row: Policy.Row,
        _ app: AppEnvironment
    ) async throws -> (guest: Guest.ID, actor: StaffMember) {
        guard case .staff(let member) = principal else { throw Refusal.forbidden }
        let parks = member.posts.filter { $0.function == .reception }.map(\.parkId)
        guard member.isHeadOffice || !parks.isEmpty else { throw Refusal.forbidden }
        guard !row.isPersonal, let guest = Guest.ID(header) else { throw Refusal.notFound }
        let query = IdentitySQL.isKnown(guest, at: member.isHeadOffice ? nil : parks)
        guard try await app.database.read(as: principal.setting, { try await $0.first(query) }) == true else {
            throw Refusal.notFound
        }
        return (guest, member)
    }

    /// Makes an account without mail for somebody at the desk.
    static func create(
        _ request: DeskGuestRequest,
        at park: Park.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> DeskGuest {
        guard try await tx.first(ParkSQL.park(park)) != nil else { throw Refusal.notFound }
        let guest = DeskGuest(
            id: request.id ?? app.ids.next(at: now),
            name: request.name,
            language: request.language ?? .english,
            hasMail: false
        )
        try await tx.run(
            IdentitySQL.insertDeskGuest(guest, at: park, at: now),
            refusing: ["guest_pkey": .idTaken.at("/id")]
        )
        try Audit.record("guest.create", target: guest.id.uuid, park: park, onBehalfOf: guest.id, app, at: now, in: tx)
        tx.publish(guest.id, .guest, to: .guest(guest.id))
        tx.tell(park, of: .guest, guest.id)
        return guest
    }
}
