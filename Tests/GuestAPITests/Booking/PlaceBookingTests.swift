import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@Suite struct PlaceBookingTests {
    @Test func `A confirmed booking sends the organiser one mail`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)

            let placed = try await api.post("/v1/bookings", api.given.request(group, world), as: organiser, key: "k1")
            #expect(placed.status == 201, "\(placed.text)")
            let booking = try placed.decode(Booking.self)
            #expect(booking.state == .held)
            #expect(booking.holdUntil == api.now.addingTimeInterval(20 * 60))
            // Friday and Saturday cost the weekend rate, Sunday the other rate; the cleaning is added.
            #expect(booking.total == Money(2 * 12000 + 10000 + 5000, "EUR"))

            let confirmed = try await api.post("/v1/bookings/\(booking.id)/confirm", as: organiser, key: "k2")
            #expect(confirmed.status == 200, "\(confirmed.text)")
            #expect(try confirmed.decode(Booking.self).state == .confirmed)
            try await api.work()
            let mails = try api.mails(to: organiser.email)
            #expect(mails.count == 1)
            #expect(mails.first?.contains(booking.number) == true)
        }
    }

    @Test func `A cottage wanted by 1,000 bookers goes to exactly one`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let world = try await api.given.park(cottages: 1)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let request = try api.given.request(group, world)
            let outcomes = try await withThrowingTaskGroup(of: String.self) { tasks in
                for number in 0..<1000 {
                    tasks.addTask {
                        let response = try await api.post("/v1/bookings", request, as: organiser, key: "race-\(number)")
                        return "\(response.status) \(response.code ?? "")"
                    }
                }
                return try await tasks.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(outcomes == ["201 ": 1, "409 cottage_taken": 999])
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE is_live") == 1)
            #expect(try await api.count("SELECT count(*) FROM booking") == 1)
        }
    }

    @Test func `Parallel bookings of several cottages cause no deadlock`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let world = try await api.given.park(cottages: 10)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let before = try await deadlocks(api)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for number in 0..<200 {
                    let wanted = Array(world.cottages.shuffled().prefix(5))
                    let request = try api.given.request(group, world, cottages: wanted)
                    tasks.addTask {
                        try await api.post("/v1/bookings", request, as: organiser, key: "five-\(number)").status
                    }
                }
                return try await tasks.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(Set(statuses.keys) == [201, 409])
            let winners = statuses[201] ?? 0
            #expect((1...2).contains(winners))
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE is_live") == 5 * winners)
            #expect(try await deadlocks(api) == before)
        }
    }

    private func deadlocks(_ api: GuestAPITestService) async throws -> Int {
        try await api.count(
            "SELECT deadlocks::bigint AS count FROM pg_stat_database WHERE datname = current_database()"
        )
    }
}
