import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// The statements that the service prints for benchmarks.
@Suite struct StatementsTests {
    @Test func `The printed statements of a group's page run without parameters`() async throws {
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

    @Test func `The statements of an idle pull name the guest's scopes`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()

            let id = try guest.id()
            let statements = try await Office(api.app).statements(of: .pullIdle, by: id, group: nil)

            #expect(statements.contains { $0.contains("'\(id)'") })
            for statement in statements { try await Script.run(statement, on: api.test.connectionString) }
        }
    }

    @Test func `A group's page without a group has no statements`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            await #expect(throws: Office.BadArgument.self) {
                _ = try await Office(api.app).statements(of: .groupRead, by: guest.id(), group: nil)
            }
        }
    }
}
