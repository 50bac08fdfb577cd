import Foundation
import GuestModels
import Postgres
import Sync
import TestKit
import Testing

@testable import GuestAPI

@Suite struct PublishingTests {
    @Test func `A scope's versions have no gaps and are in commit order, under eight writers`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let scope = "group:\(group.id)"
            let before = try await api.count("SELECT version AS count FROM scope WHERE name = \(scope)")
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for writer in 0..<8 {
                    tasks.addTask {
                        for number in 0..<20 {
                            let request = TravellerRequest(name: "T\(writer)-\(number)")
                            let path = "/v1/groups/\(group.id)/travellers"
                            let key = "\(writer)-\(number)"
                            let status = try await api.post(path, request, as: organiser, key: key).status
                            #expect(status == 201)
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            #expect(try await api.count("SELECT version AS count FROM scope WHERE name = \(scope)") == before + 160)
            let distinct = try await api.count(
                "SELECT count(DISTINCT version) FROM scope_entity WHERE scope = \(scope) AND kind = 'traveller'"
            )
            #expect(distinct == 161)
        }
    }

    @Test func `A savepoint's rollback publishes nothing, and an entity is marked once per transaction`() async throws {
        try await withGuestAPI { api in
            let group = TravelGroup.ID(UUID())
            let entity = Traveller.ID(UUID())
            try await api.transaction { tx in
                tx.publish(entity, "traveller", to: .group(group))
                tx.publish(entity, "traveller", to: .group(group))
                try? await tx.savepoint { tx in
                    tx.publish(entity, "traveller", to: .organiser(group))
                    throw CancellationError()
                }
                tx.publish(entity, "traveller", to: .group(group), isDeleted: true)
            }
            #expect(try await api.count("SELECT count(*) FROM scope") == 1)
            #expect(try await api.count("SELECT version AS count FROM scope_entity WHERE is_deleted") == 1)
        }
    }
}
