import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Invitation {
    /// The length of the code to read out.
    ///
    /// It has only forty bits, so wrong guesses are counted.
    private static let codeLength = 8
    /// The length of the code in a link: 130 bits.
    private static let linkCodeLength = 26
    private static let maximumLive = 100
    /// The number of wrong codes that one guest may try within a day.
    private static let maximumGuesses = 20

    /// Checks that a code typed by a guest belongs to an invitation.
    ///
    /// Throws `invitationOver` for a wrong code, and counts it. Throws `tooManyGuesses` for a guest who has tried too
    /// many.
    static func require(_ code: String, for guest: Guest.ID, _ app: AppEnvironment, at now: Date) async throws {
        let acting = Principal.guest(guest)
        let day = LocalDate(daysSince1970: Int((now.timeIntervalSince1970 / 86400).rounded(.down)))
        // The code of a link cannot be guessed, so guesses of it are not counted.
        guard code.count == codeLength else {
            let found = try await app.database.read(as: acting.setting) {
                try await $0.first(InvitationSQL.hasCode(code))
            }
            guard found != nil else { throw Refusal.invitationOver }
            return
        }
        let isFound = try await app.act(as: acting) { act in
            // Lock the guest, so that parallel guesses are counted one by one.
            _ = try await act.tx.first(InvitationSQL.lockGuesses(of: guest))
            let (guesses, found) = try await act.tx.all(
                InvitationSQL.guesses(of: guest, on: day),
                InvitationSQL.hasCode(code)
            )
            guard guesses.first ?? 0 < maximumGuesses else { throw Refusal.tooManyGuesses }
            guard found.isEmpty else { return true }
            try await act.tx.run(InvitationSQL.countGuess(of: guest, on: day))
            return false
        }
        guard !isFound else { return }
        app.metrics.happened(.invitationGuessed)
        throw Refusal.invitationOver
    }

    static func create(_ request: InvitationRequest, to group: TravelGroup.ID, _ act: Act) async throws -> Invitation {
        _ = try await TravelGroup.require(.organiser, in: group, act)
        if let traveller = request.travellerId {
            guard let row = try await act.tx.first(GroupSQL.traveller(traveller, in: group)) else {
                throw Refusal.notFound.at("/travellerId")
            }
            guard row.role == nil else { throw Refusal.alreadyMember.at("/travellerId") }
        }
        guard try await act.tx.first(InvitationSQL.liveInvitations(of: group, at: act.now)) ?? 0 < maximumLive else {
            throw Refusal.tooManyInvitations
        }
        let invitation = Invitation(
            id: act.id(),
            code: ReadableCode.random(codeLength),
            linkCode: ReadableCode.random(linkCodeLength),
            travellerId: request.travellerId,
            uses: 0,
            maxUses: request.travellerId == nil ? request.maxUses ?? 20 : 1,
            expiresAt: act.now.addingTimeInterval(Double(request.hours ?? 168) * 3600),
            isRevoked: false
        )
        try await act.tx.run(InvitationSQL.insert(invitation, group: group, at: act.now))
        act.tx.publish(invitation.id, .invitation, to: .organiser(group))
        return invitation
    }

    /// Joins the group of a code, as a new traveller or in the row of the invited traveller.
    static func accept(
        code: String,
        _ acceptance: InvitationAcceptance,
        by guest: Guest.ID,
        _ act: Act
    ) async throws -> Membership {
        guard let (group, invitation) = try await act.tx.first(InvitationSQL.invitation(code: code, locked: true))
        else {
            throw Refusal.invitationOver
        }
        if try await act.tx.first(GroupSQL.ownRow(in: group, of: guest)) != nil { throw Refusal.alreadyMember }
        try invitation.accept(at: act.now)
        try await Traveller.requireRoom(in: group, in: act.tx)
        let id: Traveller.ID
        // The guest may accept another invitation to the group at the same moment.
        let once = ["traveller_once_in_group": Refusal.alreadyMember]
        if let invited = invitation.travellerId {
            let command = GroupSQL.takeOver(invited, by: guest, name: acceptance.name)
            guard try await act.tx.run(command, refusing: once) == 1 else { throw Refusal.invitationOver }
            for takeOver in act.app.features.takeOvers { try await takeOver.run(invited, act) }
            id = invited
        } else {
            let known = try await act.tx.first(IdentitySQL.guest(guest))?.name ?? ""
            guard let name = acceptance.name ?? (known.isEmpty ? nil : known) else {
                throw BadRequest("/name", "is missing, and your profile has none")
            }
            let household = Household(id: act.id(), name: name)
            let traveller = Traveller(
                id: act.id(),
                householdId: household.id,
                name: name,
                role: .member,
                birthDate: nil,
                guardianId: nil,
                version: 1
            )
            let commands = [
                GroupSQL.insert(household, group: group),
                GroupSQL.insert(traveller, group: group, guest: guest, at: act.now),
            ]
            try await act.tx.run(commands, refusing: once)
            act.tx.publish(household.id, .household, to: .group(group))
            id = traveller.id
        }
        try await act.tx.run(InvitationSQL.countUse(invitation.id), refusing: ["invitation_used_up": .invitationOver])
        act.tx.publish(id, .traveller, to: .group(group))
        act.tx.publish(invitation.id, .invitation, to: .organiser(group))
        act.tx.publish(group, .membership, to: .guest(guest))
        try Notice.friendJoined.notify(about: .init(group: group), act.as(.guest(guest)))
        let name = try await act.tx.first(GroupSQL.lock(group))?.name ?? ""
        for park in try await act.tx.all(GroupSQL.parks(of: group)) { act.tx.feed(guest, .guest, to: park) }
        return Membership(groupId: group, groupName: name, travellerId: id, role: .member)
    }
}

extension Invitation {
    /// The invitations of a group, for its organiser.
    static func list(of group: TravelGroup.ID, _ look: Look) async throws -> [Invitation] {
        let (own, invitations) = try await look.reader.all(
            TravelGroup.ownRow(in: group, look),
            InvitationSQL.invitations(of: group)
        )
        guard let role = own.first?.role else { throw Refusal.notFound }
        guard role == .organiser else { throw Refusal.forbidden }
        return invitations
    }

    static func revoke(_ id: Invitation.ID, of group: TravelGroup.ID, _ act: Act) async throws {
        _ = try await TravelGroup.require(.organiser, in: group, act)
        guard try await act.tx.run(InvitationSQL.revoke(id, of: group, at: act.now)) == 1 else {
            throw Refusal.notFound
        }
        act.tx.publish(id, .invitation, to: .organiser(group))
    }

    /// The preview of a group that a guest with a code sees before joining.
    static func preview(_ code: String, _ look: Look) async throws -> InvitationPreview {
        guard let found = try await look.reader.first(InvitationSQL.preview(code: code)) else {
            throw Refusal.invitationOver
        }
        try found.invitation.accept(at: look.now)
        return found.preview
    }

    /// The code to type for a link; nil if the link no longer works.
    static func code(ofLink linkCode: String, _ look: Look) async throws -> String? {
        try await look.reader.first(InvitationSQL.code(ofLink: linkCode, at: look.now))
    }
}
