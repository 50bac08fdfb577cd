import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct ChildPhoneTests {
    private struct Stage {
        let api: GuestAPITestService
        let world: Given.World
        let guardian: Given.Person
        let group: TravelGroup
        let child: Traveller
        var path: String { "/v1/groups/\(group.id)/travellers/\(child.id)/phones" }
    }

    private func stage(_ api: GuestAPITestService) async throws -> Stage {
        let world = try await api.given.park()
        let guardian = try await api.given.guest("Anna", email: "anna@example.org")
        let group = try await api.given.group(of: guardian)
        let child = try await api.given.child(of: group, guardian: guardian)
        return Stage(api: api, world: world, guardian: guardian, group: group, child: child)
    }

    private func signIn(
        _ stage: Stage,
        _ code: String,
        phone: String = "phone"
    ) async throws
        -> GuestAPITestService.Response
    {
        let request = ChildSignInRequest(code: code, deviceSecret: "a secret of the \(phone)".replacing(" ", with: "-"))
        return try await stage.api.post("/v1/auth/children", request)
    }

    private func ask(_ stage: Stage, _ path: String, _ tokens: Tokens) async throws -> GuestAPITestService.Response {
        try await stage.api.send("GET", path, headers: ["authorization": "Bearer \(tokens.accessToken)"])
    }

    @Test func `A child's phone sees the stay but no money or addresses`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let travellers = [try #require(stage.group.travellers.first).id, stage.child.id]
            var request = try api.given.request(stage.group, stage.world)
            request.travellerIds = travellers
            #expect(try await api.post("/v1/bookings", request, as: stage.guardian, key: "b").status == 201)
            let admission = try await api.post(stage.path, as: stage.guardian).decode(PhoneAdmission.self)
            let tokens = try await signIn(stage, admission.code).decode(Tokens.self)
            let shown = try await ask(stage, "/v1/child", tokens)
            let page = try shown.decode(ChildGroup.self)
            #expect(page.travellerId == stage.child.id && page.travellers.count == 2)
            #expect(page.stays.first?.cottages == ["1"])
            for secret in ["anna@", "amount", "EUR", "birth", "2019-06"] { #expect(!shown.text.contains(secret)) }
            // All other routes are closed to the child's phone, even for ids that it knows.
            let booking = try #require(page.stays.first).bookingId
            for path in ["/v1/groups/\(stage.group.id)", "/v1/bookings/\(booking)", "/v1/me", "/v1/groups"] {
                #expect(try await ask(stage, path, tokens).status == 403, "\(path)")
            }
            // The child's phone stays signed in like every phone.
            let again = RefreshRequest(refreshToken: tokens.refreshToken, deviceSecret: "a-secret-of-the-phone")
            let fresh = try await api.post("/v1/auth/refresh", again).decode(Tokens.self)
            #expect(try await ask(stage, "/v1/child", fresh).status == 200)
        }
    }

    @Test func `A child's code works on only one phone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let code = try await api.post(stage.path, as: stage.guardian).decode(PhoneAdmission.self).code
            let first = try await signIn(stage, code).decode(Tokens.self)
            #expect(try await signIn(stage, code).decode(Tokens.self).accessToken == first.accessToken)
            #expect(try await signIn(stage, code, phone: "other phone").code == "code_wrong")
            api.clock.advance(by: 61)
            let again = try await signIn(stage, code).decode(Tokens.self)
            #expect(again.refreshToken == first.refreshToken)
            // A phone that has refreshed has received the answer, so its code is used up.
            let refresh = RefreshRequest(refreshToken: again.refreshToken, deviceSecret: "a-secret-of-the-phone")
            #expect(try await api.post("/v1/auth/refresh", refresh).status == 200)
            #expect(try await signIn(stage, code).code == "code_wrong")
            let late = try await api.post(stage.path, as: stage.guardian).decode(PhoneAdmission.self).code
            let forged = String(late.dropLast()) + (late.hasSuffix("0") ? "1" : "0")
            #expect(try await signIn(stage, forged).code == "code_wrong")
            api.clock.advance(by: 600)
            #expect(try await signIn(stage, late).code == "code_wrong")
            #expect(try await api.count("SELECT count(*) FROM session WHERE traveller_id IS NOT NULL") == 1)
        }
    }

    @Test func `Only the guardian can admit and revoke a child's phone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let member = try await api.given.member(of: stage.group, invitedBy: stage.guardian)
            #expect(try await api.post(stage.path, as: member).status == 403)
            let stranger = try await api.given.guest()
            #expect(try await api.post(stage.path, as: stranger).status == 404)
            func admitted() async throws -> Tokens {
                let code = try await api.post(stage.path, as: stage.guardian).decode(PhoneAdmission.self).code
                return try await signIn(stage, code, phone: UUID().uuidString).decode(Tokens.self)
            }
            let (first, second) = (try await admitted(), try await admitted())
            let phones = try await api.get(stage.path, as: stage.guardian).decode([Device].self)
            #expect(phones.count == 2)
            let one = "\(stage.path)/\(try #require(phones.first).id)"
            #expect(try await api.send("DELETE", one, as: member).status == 403)
            #expect(try await api.send("DELETE", one, as: stage.guardian).status == 204)
            let statuses = [
                try await ask(stage, "/v1/child", first).status, try await ask(stage, "/v1/child", second).status,
            ]
            #expect(statuses.sorted() == [200, 401])
            // The child takes over its traveller with an account, so the admitted phone is no longer its phone.
            let traveller = "/v1/groups/\(stage.group.id)/travellers/\(stage.child.id)"
            #expect(try await api.send("DELETE", traveller, as: stage.guardian).status == 204)
            api.app.authenticator.forget()
            #expect(try await ask(stage, "/v1/child", first).status == 401)
            #expect(try await ask(stage, "/v1/child", second).status == 401)
        }
    }
}
