import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@Suite struct GroupTests {
    @Test func `An invitation ends when it is used up, expired or revoked`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            func invite(_ request: InvitationRequest) async throws -> Invitation {
                try await api.post("/v1/groups/\(group.id)/invitations", request, as: organiser).decode()
            }
            func accept(_ invitation: Invitation) async throws -> String? {
                let person = try await api.given.guest("Somebody")
                let response = try await api.post("/v1/invitations/\(invitation.code.lowercased())/accept", as: person)
                return response.status == 201 ? nil : response.code
            }
            let single = try await invite(InvitationRequest(maxUses: 1))
            #expect(try await accept(single) == nil)
            #expect(try await accept(single) == "invitation_over")
            let brief = try await invite(InvitationRequest(hours: 1))
            api.clock.advance(by: 3600)
            #expect(try await accept(brief) == "invitation_over")
            let revoked = try await invite(InvitationRequest())
            let path = "/v1/groups/\(group.id)/invitations/\(revoked.id)"
            #expect(try await api.send("DELETE", path, as: organiser).status == 204)
            #expect(try await accept(revoked) == "invitation_over")
        }
    }

    @Test func `An invitation's link has its own code for joining`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let path = "/v1/groups/\(group.id)/invitations"
            let invitation = try await api.post(path, InvitationRequest(), as: organiser).decode(Invitation.self)
            let linkCode = try #require(invitation.linkCode)
            #expect(linkCode.count == 26)
            let page = try await api.get("/join/\(linkCode)")
            #expect(page.text.contains("\(invitation.code.prefix(4))-\(invitation.code.suffix(4))"))
            let friend = try await api.given.guest("Friend")
            #expect(try await api.get("/v1/invitations/\(linkCode)", as: friend).status == 200)
            #expect(try await api.post("/v1/invitations/\(linkCode)/accept", as: friend).status == 201)
            #expect(try await api.send("DELETE", "\(path)/\(invitation.id)", as: organiser).status == 204)
            #expect(try await api.get("/join/\(linkCode)").status == 404)
            // The page does not accept the short code, because strangers could then guess codes without an account.
            #expect(try await api.get("/join/\(invitation.code)").status == 404)
        }
    }

    @Test func `A guest has limits for groups and invitations`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let path = "/v1/groups/\(group.id)/invitations"
            try await api.transaction { tx in
                try await tx.run(
                    Command(
                        """
                        INSERT INTO invitation (id, group_id, code, max_uses, expires_at, created_at)
                        SELECT gen_random_uuid(), \(group.id), 'AAAAAA' || chr(65 + n / 8) || (n % 8 + 2), 1,
                            \(api.now.addingTimeInterval(3600)), \(api.now)
                        FROM unnest(ARRAY(SELECT n FROM generate_series(0, 111) AS n WHERE n / 8 NOT IN (8))) AS n LIMIT 99
                        """
                    )
                )
            }
            #expect(try await api.post(path, InvitationRequest(), as: organiser).status == 201)
            #expect(try await api.post(path, InvitationRequest(), as: organiser).code == "too_many_invitations")
            api.clock.advance(by: 3600)
            #expect(try await api.post(path, InvitationRequest(), as: organiser).status == 201)
            for number in 2...200 { _ = try await api.given.group(of: organiser, name: "Group \(number)") }
            let one = GroupRequest(name: "One more", myName: "Anna")
            #expect(try await api.post("/v1/groups", one, as: organiser).code == "too_many_groups")
        }
    }

    @Test func `A guest can guess at most twenty invitation codes a day`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let path = "/v1/groups/\(group.id)/invitations"
            let invitation = try await api.post(path, InvitationRequest(), as: organiser).decode(Invitation.self)
            let guesser = try await api.given.guest("Guesser")
            for number in 0..<10 {
                let code = "AAAAAAA\(number % 8 + 2)"
                #expect(try await api.get("/v1/invitations/\(code)", as: guesser).code == "invitation_over")
                #expect(try await api.post("/v1/invitations/\(code)/accept", as: guesser).code == "invitation_over")
            }
            let right = "/v1/invitations/\(invitation.code)"
            let refused = try await api.get(right, as: guesser)
            #expect(refused.code == "too_many_guesses" && refused.headers["retry-after"] == "3600")
            // The link still works for a guest who has guessed codes too often.
            let linkCode = try #require(invitation.linkCode)
            #expect(try await api.get("/v1/invitations/\(linkCode)", as: guesser).status == 200)
            #expect(try await api.get(right, as: try await api.given.guest("Friend")).status == 200)
            api.clock.advance(by: 86_400)
            #expect(try await api.post("\(right)/accept", as: guesser).status == 201)
        }
    }

    @Test func `All parallel guesses of invitation codes count towards the limit`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let guesser = try await api.given.guest("Guesser")
            let answers = try await withThrowingTaskGroup(of: String?.self) { tasks in
                for number in 0..<40 {
                    let code = "AAAAAA\(number / 8 + 2)\(number % 8 + 2)"
                    tasks.addTask { try await api.post("/v1/invitations/\(code)/accept", as: guesser, key: code).code }
                }
                return try await tasks.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(answers == ["invitation_over": 20, "too_many_guesses": 20])
        }
    }

    @Test func `An invitation for five admits five of twenty parallel guests`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let invitation = try await api.post(
                "/v1/groups/\(group.id)/invitations",
                InvitationRequest(maxUses: 5),
                as: organiser
            ).decode(Invitation.self)
            var people: [Given.Person] = []
            for _ in 0..<20 { people.append(try await api.given.guest("P")) }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for person in people {
                    tasks.addTask { try await api.post("/v1/invitations/\(invitation.code)/accept", as: person).status }
                }
                return try await tasks.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [201: 5, 404: 15])
            #expect(try await api.count("SELECT count(*) FROM traveller") == 6)
        }
    }

    @Test func `Two invitations accepted at once make one member`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            var codes: [String] = []
            for _ in 0..<2 {
                let path = "/v1/groups/\(group.id)/invitations"
                codes.append(
                    try await api.post(path, InvitationRequest(), as: organiser).decode(Invitation.self).code
                )
            }
            let both = codes

            for _ in 0..<8 {
                let friend = try await api.given.guest("Friend")
                async let one = api.post("/v1/invitations/\(both[0])/accept", as: friend)
                async let other = api.post("/v1/invitations/\(both[1])/accept", as: friend)
                let answers = try await [one, other]

                #expect(Set(answers.map(\.status)) == [201, 409])
                #expect(answers.compactMap { $0.status == 409 ? $0.code : nil } == ["already_member"])
            }
        }
    }

    @Test func `A new guest takes over their own traveller row by invitation`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let tuna = try await api.post(
                "/v1/groups/\(group.id)/travellers",
                TravellerRequest(name: "Tuna"),
                as: organiser
            ).decode(Traveller.self)
            let invitation = try await api.post(
                "/v1/groups/\(group.id)/invitations",
                InvitationRequest(travellerId: tuna.id),
                as: organiser
            ).decode(Invitation.self)
            let person = try await api.given.guest()
            let seen = try await api.get("/v1/invitations/\(invitation.code)", as: person).decode(
                InvitationPreview.self
            )
            #expect(seen.travellerName == "Tuna")
            let membership = try await api.post("/v1/invitations/\(invitation.code)/accept", as: person).decode(
                Membership.self
            )
            #expect(membership.travellerId == tuna.id)
            let page = try await api.get("/v1/groups/\(group.id)", as: person).decode(TravelGroup.self)
            #expect(page.travellers.count == 2)
            let other = try await api.given.guest()
            #expect(
                try await api.post("/v1/invitations/\(invitation.code)/accept", as: other).code == "invitation_over"
            )
        }
    }

    @Test func `The organiser must hand over the role before leaving the group`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let member = try await api.given.member(of: group, invitedBy: organiser)
            let path = "/v1/groups/\(group.id)"
            #expect(try await api.post("\(path)/leave", as: organiser).code == "organiser_stays")
            let page = try await api.get(path, as: member).decode(TravelGroup.self)
            let theirs = try #require(page.travellers.first { $0.role == .member })
            #expect(
                try await api.post("\(path)/organiser", HandOver(travellerId: theirs.id), as: organiser).status == 204
            )
            #expect(try await api.count("SELECT count(*) FROM traveller WHERE role = 'organiser'") == 1)
            #expect(try await api.post("\(path)/leave", as: organiser).status == 204)
            #expect(try await api.get(path, as: organiser).status == 404)
            #expect(try await api.get(path, as: member).status == 200)
        }
    }

    @Test func `Only the guardian gives consent for a child without account`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let member = try await api.given.member(of: group, invitedBy: organiser)
            let stranger = try await api.given.guest()
            let path = "/v1/groups/\(group.id)/travellers"
            let request = TravellerRequest(
                name: "C",
                birthDate: try day("2020-01-01"),
                guardianId: group.travellers[0].id
            )
            let child = try await api.post(path, request, as: organiser).decode(Traveller.self)
            let consents = "\(path)/\(child.id)/consents"
            func say(_ isGiven: Bool, as who: Given.Person) async throws -> Int {
                let consent = ConsentRequest(purpose: .photos, textVersion: "2026-1", isGiven: isGiven)
                return try await api.post(consents, consent, as: who).status
            }
            #expect(try await say(true, as: member) == 403)
            #expect(try await say(true, as: stranger) == 404)
            #expect(try await say(true, as: organiser) == 204)
            api.clock.advance(by: 1)
            #expect(try await say(false, as: organiser) == 204)
            let entries = try await api.get(consents, as: organiser).decode([ConsentEntry].self)
            #expect(entries.map(\.isGiven) == [true, false])
            #expect(entries.allSatisfy { $0.travellerId == child.id })
            #expect(try entries.map(\.guardianId) == Array(repeating: organiser.id(), count: 2))
            #expect(try await api.get(consents, as: member).status == 403)
            // An adult with an account gives consent alone.
            let own = "\(path)/\(group.travellers[0].id)/consents"
            #expect(try await api.get(own, as: organiser).status == 403)
            #expect(try await api.get("/v1/me/export", as: organiser).text.contains("consentsForChildren\":[{"))
        }
    }

    @Test func `A member cannot change travellers of another household`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            var group = try await api.given.group(of: organiser)
            let member = try await api.given.member(of: group, invitedBy: organiser)
            let path = "/v1/groups/\(group.id)/travellers"
            let mine = "\(path)/\(group.travellers[0].id)"
            let change = TravellerChange(name: "X")
            #expect(try await api.change("PATCH", mine, change, as: member, match: 1).status == 403)
            #expect(try await api.change("PATCH", mine, change, as: organiser, match: 1).status == 200)
            let child = TravellerRequest(
                name: "C",
                birthDate: try day("2020-01-01"),
                guardianId: group.travellers[0].id
            )
            let added = try await api.post(path, child, as: organiser).decode(Traveller.self)
            let orphan = TravellerRequest(name: "D", guardianId: added.id)
            #expect(try await api.post(path, orphan, as: organiser).code == "guardian_needed")
            group.travellers.append(added)
            _ = try await api.given.booking(of: group, by: organiser, in: world)
            #expect(try await api.send("DELETE", "\(path)/\(added.id)", as: organiser).code == "travels_with_booking")
        }
    }
}
