import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct SystemCredentialTests {
    private func make(
        _ api: GuestAPITestService,
        _ purpose: SystemCredential.Purpose,
        at park: Park.ID,
        as office: Given.Person
    ) async throws -> GuestAPITestService.Response {
        let request = SystemCredentialRequest(name: "Books", purpose: purpose)
        return try await api.post("/v1/admin/parks/\(park)/credentials", request, as: office)
    }

    private func get(
        _ api: GuestAPITestService,
        _ path: String,
        _ token: String
    ) async throws -> GuestAPITestService.Response {
        try await api.send("GET", path, headers: ["authorization": "Bearer \(token)"])
    }

    @Test func `A system credential reads only the feed of its own park`() async throws {
        try await withGuestAPI { api in
            let (own, other) = (try await api.given.park(), try await api.given.park())
            let office = try await api.given.headOffice()
            let made = try await make(api, .feed, at: own.park.id, as: office)
            #expect(made.status == 201)
            let token = try made.decode(NewSystemCredential.self).token
            #expect(try await get(api, "/v1/admin/changes?park=\(own.park.id)", token).status == 200)
            #expect(try await get(api, "/v1/admin/changes?park=\(other.park.id)", token).status == 404)
            let journals = "/v1/admin/parks/\(own.park.id)/journals?from=2027-01-01&to=2027-02-01"
            #expect(try await get(api, journals, token).status == 403)
            #expect(try await get(api, "/v1/me", token).status == 403)
        }
    }

    @Test func `A system credential reports reservations only to its own park`() async throws {
        try await withGuestAPI { api in
            let (own, other) = (try await api.given.park(), try await api.given.park())
            let system = try await api.given.system(.reports, at: own.park.id)
            let report = Data(
                """
                {"stay": {"arrival": "2027-05-14", "departure": "2027-05-17"}, "state": "confirmed",
                "type": "\(own.type.code)", "adults": 2, "children": 0, "babies": 0, "nightlyRate": 9900}
                """.utf8
            )
            func put(_ park: Park.ID) async throws -> Int {
                let path = "/v1/admin/parks/\(park)/reservations/R-1"
                return try await api.send("PUT", path, raw: report, as: system).status
            }
            #expect(try await put(own.park.id) == 200)
            #expect(try await put(own.park.id) == 200)
            #expect(try await put(other.park.id) == 404)
            let path = "/v1/admin/parks/\(own.park.id)/reservations/R-1"
            #expect(try await api.send("DELETE", path, as: system).status == 204)
        }
    }

    @Test func `Parallel requests make at most two credentials of one system`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let world = try await api.given.park()
            let office = try await api.given.headOffice()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for _ in 0..<4 { tasks.addTask { try await make(api, .feed, at: world.park.id, as: office).status } }
                return try await tasks.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [201: 2, 409: 2])
        }
    }

    @Test func `A system has at most two credentials of one purpose`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let office = try await api.given.headOffice()
            let first = try await make(api, .books, at: world.park.id, as: office).decode(NewSystemCredential.self)
            let second = try await make(api, .books, at: world.park.id, as: office).decode(NewSystemCredential.self)
            #expect(try await make(api, .books, at: world.park.id, as: office).code == "two_credentials")
            #expect(try await make(api, .feed, at: world.park.id, as: office).status == 201)
            let books = "/v1/admin/parks/\(world.park.id)/tourist-tax?from=2027-01-01&to=2027-02-01"
            for token in [first.token, second.token] { #expect(try await get(api, books, token).status == 200) }
            let path = "/v1/admin/parks/\(world.park.id)/credentials"
            #expect(try await api.send("DELETE", "\(path)/\(first.credential.id)", as: office).status == 204)
            #expect(try await get(api, books, first.token).status == 401)
            #expect(try await get(api, books, second.token).status == 200)
            #expect(try await make(api, .books, at: world.park.id, as: office).status == 201)
            struct Page: Decodable { let items: [SystemCredential] }
            let items = try await api.get(path, as: office).decode(Page.self).items
            #expect(items.count == 3)
            #expect(items.first { $0.id == second.credential.id }?.lastUsedAt == api.now)
            #expect(!(try await api.get(path, as: office).text.contains(second.token)))
        }
    }
}
