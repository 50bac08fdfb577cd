import Foundation
import GuestModels
import Postgres
import Sync

extension Invitation {
    /// Without I, O, 0 and 1, which people mix up.
    private static let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")

    static func create(
        _ request: InvitationRequest,
        to group: TravelGroup.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Invitation {
        _ = try await TravelGroup.require(.organiser, in: group, as: principal, in: tx)
        if let traveller = request.travellerId {
            guard let row = try await tx.first(GroupSQL.traveller(traveller, in: group)) else {
                throw Refusal.notFound.at("/travellerId")
            }
            guard row.role == nil else { throw Refusal.alreadyMember.at("/travellerId") }
        }
        var random = SystemRandomNumberGenerator()
        let code = String((0..<8).map { _ in alphabet.randomElement(using: &random) ?? "A" })
        let invitation = Invitation(
            id: app.ids.next(at: now),
            code: code,
            travellerId: request.travellerId,
            uses: 0,
            maxUses: request.travellerId == nil ? request.maxUses ?? 20 : 1,
            expiresAt: now.addingTimeInterval(Double(request.hours ?? 168) * 3600),
            isRevoked: false
        )
        try await tx.run(GroupSQL.insert(invitation, group: group, at: now))
        tx.publish(invitation.id, .invitation, to: .organiser(group))
        return invitation
    }

    /// Joins the group the code belongs to: as a new traveller, or taking over the invited one's row.
    static func accept(
        code: String,
        _ acceptance: InvitationAcceptance,
        by guest: Guest.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Membership {
        guard let (group, invitation) = try await tx.first(GroupSQL.invitation(code: code, locked: true)) else {
            throw Refusal.invitationOver
        }
        if try await tx.first(GroupSQL.ownRow(in: group, of: guest)) != nil { throw Refusal.alreadyMember }
        try invitation.accept(at: now)
        try await Traveller.requireRoom(in: group, in: tx)
        let id: Traveller.ID
        if let invited = invitation.travellerId {
            guard try await tx.run(GroupSQL.takeOver(invited, by: guest, name: acceptance.name)) == 1 else {
                throw Refusal.invitationOver
            }
            id = invited
        } else {
            let known = try await tx.first(IdentitySQL.guest(guest))?.name ?? ""
            guard let name = acceptance.name ?? (known.isEmpty ? nil : known) else {
                throw BadRequest("/name", "is missing, and your profile has none")
            }
            let household = Household(id: app.ids.next(at: now), name: name)
            let traveller = Traveller(
                id: app.ids.next(at: now),
                householdId: household.id,
                name: name,
                role: .member,
                birthDate: nil,
                guardianId: nil,
                version: 1
            )
            try await tx.run([
                GroupSQL.insert(household, group: group),
                GroupSQL.insert(traveller, group: group, guest: guest, at: now),
            ])
            tx.publish(household.id, .household, to: .group(group))
            id = traveller.id
        }
        try await tx.run(GroupSQL.countUse(invitation.id), refusing: ["invitation_used_up": .invitationOver])
        tx.publish(id, .traveller, to: .group(group))
        tx.publish(invitation.id, .invitation, to: .organiser(group))
        tx.publish(group, .membership, to: .guest(guest))
        try Notice.friendJoined.tell(about: .init(group: group), by: .guest(guest), app, at: now, in: tx)
        let name = try await tx.first(GroupSQL.lock(group))?.name ?? ""
        for park in try await tx.all(GroupSQL.parks(of: group)) { tx.tell(park, of: .guest, guest) }
        return Membership(groupId: group, groupName: name, travellerId: id, role: .member)
    }
}
