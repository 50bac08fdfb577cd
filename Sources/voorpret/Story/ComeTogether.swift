import Foundation
import GuestClient
import GuestModels

extension Story {
    /// Mira starts a group; her grandmother joins with the app, a friend and a child come along without it.
    mutating func comeTogether() async throws {
        let run = UUID().uuidString.prefix(6).lowercased()
        mira = try await client.signIn("mira.\(run)@example.org", device: "Mira's phone")
        say("Mira signs in with the code from the mail.")
        group = try await ask("POST", Paths.groups(), ["name": "Friends of Mira", "myName": "Mira"], as: mira)
        say("She starts a group: \(text(group, "name")).")

        let invitation = try await ask("POST", Paths.groupInvitations.with(text(group)), [:], as: mira)
        els = try await client.signIn("els.\(run)@example.org", device: "Els's phone")
        let accept = Paths.invitationAccept.with(text(invitation, "code"))
        _ = try await ask("POST", accept, ["name": "Els"], as: els)
        say("Her grandmother Els joins with the code \(text(invitation, "code")), in a household of her own.")

        let home = try await ask("POST", Paths.groupHouseholds.with(text(group)), ["name": "Jonas"], as: mira)
        let path = Paths.groupTravellers.with(text(group))
        _ = try await ask("POST", path, ["name": "Jonas", "householdId": text(home)], as: mira)
        say("Jonas comes too. He has no app, so Mira adds him, in a household of his own.")

        let guardian = text(try await travellers(as: mira)["Mira"] ?? [:])
        let child = ["name": "Tuna", "birthDate": "2018-04-02", "guardianId": guardian]
        _ = try await ask("POST", path, child, as: mira)
        say("Tuna is a child. Mira is her guardian.")
    }
}
