import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Accounts of colleagues: head office makes, changes and ends them.
@Suite struct StaffTests {
    private let secret = "a-tablet-secret-of-30-bytes..."

    private func add(
        _ api: GuestAPITestService,
        _ request: StaffRequest,
        as office: Given.Person
    ) async throws -> StaffMember {
        let answer = try await api.post("/v1/admin/staff", request, as: office)
        #expect(answer.status == 201)
        return try answer.decode(StaffMember.self)
    }

    /// Signs a colleague in by mail code, as colleagues do.
    private func signIn(_ email: String, _ api: GuestAPITestService) async throws -> GuestAPITestService.Response {
        let asked = CodeRequest(email: email, audience: .staff, deviceSecret: secret)
        let sent = try await api.post("/v1/auth/codes", asked).decode(CodeSent.self)
        let code = CodeRequest.code(of: sent.attemptId, api.app.secret)
        return try await api.post(
            "/v1/auth/sessions",
            SignInRequest(attemptId: sent.attemptId, code: code, deviceSecret: secret)
        )
    }

    private func status(_ path: String, _ tokens: Tokens, _ api: GuestAPITestService) async throws -> Int {
        try await api.send("GET", path, headers: ["authorization": "Bearer \(tokens.accessToken)"]).status
    }

    private func day(_ world: Given.World) -> String { "/v1/admin/parks/\(world.park.id)/day?date=2027-05-14" }

    /// A housekeeper of a park, who is signed in.
    private func jo(
        at world: Given.World,
        by office: Given.Person,
        _ api: GuestAPITestService
    ) async throws -> (member: StaffMember, path: String, tokens: Tokens) {
        let posts = [StaffMember.Post(parkId: world.park.id, function: .housekeeping)]
        let jo = try await add(api, StaffRequest(email: "Jo@example.org", name: "Jo", posts: posts), as: office)
        let tokens = try await signIn("jo@example.org", api).decode(Tokens.self)
        return (jo, "/v1/admin/staff/\(jo.id)", tokens)
    }

    private func audited(_ member: StaffMember, _ api: GuestAPITestService) async throws -> [String] {
        let trail = Query("SELECT action FROM audit WHERE target = \(member.id) ORDER BY action") {
            try $0.decode("action", as: String.self)
        }
        return try await api.transaction { try await $0.all(trail) }
    }

    @Test func `A colleague added by head office can work only at their park`() async throws {
        try await withGuestAPI { api in
            let office = try await api.given.headOffice()
            let (one, two) = (try await api.given.park(), try await api.given.park())

            let jo = try await jo(at: one, by: office, api)

            #expect(jo.member.email == "jo@example.org" && jo.member.version == 1)
            #expect(jo.member.posts == [.init(parkId: one.park.id, function: .housekeeping)])
            #expect(try await status(day(one), jo.tokens, api) == 200)
            #expect(try await status(day(two), jo.tokens, api) == 404)
            struct Page: Decodable { let items: [StaffMember] }
            let listed = try await api.get("/v1/admin/staff", as: office).decode(Page.self).items
            #expect(listed.map(\.email).contains("jo@example.org") && listed.count == 2)
            let twice = StaffRequest(email: "jo@example.org", name: "Jo")
            #expect(try await api.post("/v1/admin/staff", twice, as: office).code == "email_taken")
            #expect(try await audited(jo.member, api) == ["staff.add"])
        }
    }

    @Test func `A colleague who moves works at the new park at once`() async throws {
        try await withGuestAPI { api in
            let office = try await api.given.headOffice()
            let (one, two) = (try await api.given.park(), try await api.given.park())
            let jo = try await jo(at: one, by: office, api)
            let moved = StaffChange(name: "Jo", posts: [.init(parkId: two.park.id, function: .host)])
            #expect(try await api.change("PUT", jo.path, moved, as: office, match: 7).status == 412)

            let changed = try await api.change("PUT", jo.path, moved, as: office, match: 1)

            #expect(try changed.decode(StaffMember.self).posts == moved.posts)
            #expect(try await status(day(one), jo.tokens, api) == 404)
            #expect(try await status(day(two), jo.tokens, api) == 200)
            #expect(try await audited(jo.member, api) == ["staff.add", "staff.change"])
        }
    }

    @Test func `Head office signs a colleague's stolen tablet out`() async throws {
        try await withGuestAPI { api in
            let office = try await api.given.headOffice()
            let park = try await api.given.park()
            let jo = try await jo(at: park, by: office, api)
            let devices = try await api.get("\(jo.path)/devices", as: office).decode([Device].self)
            let device = try #require(devices.first)

            #expect(try await api.send("DELETE", "\(jo.path)/devices/\(device.id)", as: office).status == 204)

            #expect(try await status(day(park), jo.tokens, api) == 401)
            #expect(try await audited(jo.member, api) == ["staff.add", "staff.revokeDevice"])
        }
    }

    @Test func `A colleague who has left is signed out and cannot sign in`() async throws {
        try await withGuestAPI { api in
            let office = try await api.given.headOffice()
            let park = try await api.given.park()
            let jo = try await jo(at: park, by: office, api)

            #expect(try await api.send("DELETE", jo.path, as: office).status == 204)

            #expect(try await status(day(park), jo.tokens, api) == 401)
            #expect(try await signIn("jo@example.org", api).code == "code_wrong")
            for (method, path) in [("GET", jo.path), ("DELETE", jo.path), ("GET", "\(jo.path)/devices")] {
                #expect(try await api.send(method, path, as: office).status == 404)
            }
            #expect(try await audited(jo.member, api) == ["staff.add", "staff.end"])
        }
    }

    @Test func `A returning colleague has only the newly assigned posts`() async throws {
        try await withGuestAPI { api in
            let office = try await api.given.headOffice()
            let jo = try await jo(at: api.given.park(), by: office, api)
            #expect(try await api.send("DELETE", jo.path, as: office).status == 204)

            let back = try await add(api, StaffRequest(email: "jo@example.org", name: "Jo"), as: office)

            #expect(back.id == jo.member.id && back.posts.isEmpty && back.version > jo.member.version)
            #expect(try await signIn("jo@example.org", api).status == 201)
        }
    }

    @Test func `Head office always keeps at least one colleague`() async throws {
        try await withGuestAPI { api in
            let people = [try await api.given.headOffice(), try await api.given.headOffice()]
            let ids = try people.map { try #require($0.staff) }
            // Two colleagues end each other's account at the same time.
            async let first = api.send("DELETE", "/v1/admin/staff/\(ids[1])", as: people[0])
            async let second = api.send("DELETE", "/v1/admin/staff/\(ids[0])", as: people[1])
            let statuses = try await [first.status, second.status]
            #expect(statuses.count { $0 == 204 } == 1)
            #expect(try await api.count("SELECT count(*) FROM staff WHERE is_head_office AND left_at IS NULL") == 1)
            let left = statuses[0] == 204 ? 0 : 1
            let own = "/v1/admin/staff/\(ids[left])"
            #expect(try await api.send("DELETE", own, as: people[left]).code == "last_head_office")
            let less = StaffChange(name: "Staff")
            let version = try await api.get(own, as: people[left]).decode(StaffMember.self).version
            #expect(
                try await api.change("PUT", own, less, as: people[left], match: version).code == "last_head_office"
            )
        }
    }

    @Test func `A colleague removed on another node is locked out within a second`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let host = try await api.given.staff([.host], at: world.park.id)
            let path = "/v1/admin/parks/\(world.park.id)/day?date=2027-05-14"
            #expect(try await api.get(path, as: host).status == 200)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 {
                    group.addTask { _ = try await api.get(path, as: host) }
                }
                // Simulates another node: the change is made without this node's knowledge.
                let id = try #require(host.staff)
                try await api.transaction { tx in
                    try await tx.run(Command("UPDATE staff SET left_at = now() WHERE id = \(id)"))
                }
                // The service caches a principal for one second; a slow machine only waits longer.
                try await Task.sleep(for: .milliseconds(1050))
                for _ in 0..<10 {
                    group.addTask {
                        let answer = try await api.get(path, as: host)
                        #expect(answer.status == 401)
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
