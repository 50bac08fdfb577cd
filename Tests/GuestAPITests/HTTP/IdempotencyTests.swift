import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@Suite struct IdempotencyTests {
    @Test func `Fifty parallel requests with one idempotency key have one effect`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let request = try api.given.request(group, world)
            let answers = try await withThrowingTaskGroup(of: (Int, Data).self) { tasks in
                for _ in 0..<50 {
                    tasks.addTask {
                        let response = try await api.post("/v1/bookings", request, as: organiser, key: "one-key")
                        return (response.status, response.body)
                    }
                }
                return try await tasks.reduce(into: [(Int, Data)]()) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.0 == 201 })
            #expect(Set(answers.map(\.1)).count == 1)
            #expect(try await api.count("SELECT count(*) FROM booking") == 1)
        }
    }

    @Test func `An idempotency key with another body is refused with 422`() async throws {
        try await withGuestAPI { api in
            let first = try await api.given.guest()
            let second = try await api.given.guest()
            let request = GroupRequest(name: "One", myName: "M")
            #expect(try await api.post("/v1/groups", request, as: first, key: "k").status == 201)
            let other = GroupRequest(name: "Two", myName: "M")
            let reused = try await api.post("/v1/groups", other, as: first, key: "k")
            #expect(reused.status == 422)
            #expect(reused.code == "idempotency_key_reused")
            #expect(try await api.post("/v1/groups", other, as: second, key: "k").status == 201)
            #expect(try await api.count("SELECT count(*) FROM travel_group") == 2)
        }
    }

    @Test func `A refusal is repeated for the same idempotency key`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            let request = try api.given.request(group, world)
            let no = try await api.post("/v1/bookings", request, as: organiser, key: "k")
            #expect(no.code == "cottage_taken")
            _ = try await api.post("/v1/bookings/\(booking.id)/cancel", as: organiser, key: "c")
            let again = try await api.post("/v1/bookings", request, as: organiser, key: "k")
            #expect(again.body == no.body)
            #expect(try await api.post("/v1/bookings", request, as: organiser).code == "idempotency_key_required")
            #expect(try await api.post("/v1/bookings", request, as: organiser, key: "k2").status == 201)
        }
    }

    @Test func `An idempotency key is free again after two days`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            let request = GroupRequest(name: "One", myName: "M")
            #expect(try await api.post("/v1/groups", request, as: guest, key: "k").status == 201)
            api.clock.advance(by: 48 * 3600 + 1)
            let later = try await api.given.guest(email: "again@example.org")
            #expect(try await api.post("/v1/groups", request, as: later, key: "k").status == 201)
            #expect(try await api.count("SELECT count(*) FROM travel_group") == 2)
        }
    }
}
