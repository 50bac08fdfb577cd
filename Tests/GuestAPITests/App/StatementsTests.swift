import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// The statements that the service prints for benchmarks.
@Suite struct StatementsTests {
    @Test func `The SQL printed for a group's page runs without parameters`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest("O'Brien")
            let group = try await api.given.group(of: organiser)

            let statements = try await Office(api.app)
                .statements(of: .groupRead, by: organiser.id(), group: group.id)

            #expect(statements.contains { $0.contains("FROM travel_group") && $0.contains("'\(group.id)'") })
            #expect(!statements.contains { $0.contains("$1") })
            for statement in statements { try await Script.run(statement, on: api.test.connectionString) }
        }
    }

    @Test func `The SQL printed for an idle pull contains the guest's id`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()

            let id = try guest.id()
            let statements = try await Office(api.app).statements(of: .pullIdle, by: id, group: nil)

            #expect(statements.contains { $0.contains("'\(id)'") })
            for statement in statements { try await Script.run(statement, on: api.test.connectionString) }
        }
    }

    @Test func `Printing the SQL of a group's page requires a group`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            await #expect(throws: Office.BadArgument.self) {
                _ = try await Office(api.app).statements(of: .groupRead, by: guest.id(), group: nil)
            }
        }
    }
}
