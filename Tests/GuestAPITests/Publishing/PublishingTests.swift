import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

@Suite struct PublishingTests {
    @Test func `A scope's versions have no gaps under eight parallel writers`() async throws {
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
                "SELECT count(DISTINCT version) FROM scope_row WHERE scope = \(scope) AND kind = 'traveller'"
            )
            #expect(distinct == 161)
        }
    }

    @Test func `A savepoint's rollback publishes nothing`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let version = try await api.count(
                "SELECT version AS count FROM scope WHERE name = 'group:' || \(group.id)::text"
            )
            let rename: (String) -> Command = { Command("UPDATE travel_group SET name = \($0) WHERE id = \(group.id)") }
            try await api.transaction { tx in
                tx.publish(group.id, .group, to: .group(group.id))
                try await tx.run(rename("First"))
                tx.publish(group.id, .group, to: .group(group.id))
                try? await tx.savepoint { tx in
                    tx.publish(group.id, .group, to: .organiser(group.id))
                    throw CancellationError()
                }
                try await tx.run(rename("Last"))
            }
            #expect(try await api.count("SELECT count(*) FROM scope WHERE name LIKE 'organiser:%'") == 0)
            #expect(
                try await api.count(
                    """
                    SELECT count(*) FROM scope_row
                    WHERE scope = 'group:' || \(group.id)::text AND kind = 'group' AND version = \(version + 1)
                        AND body::json ->> 'name' = 'Last'
                    """
                ) == 1
            )
            // A published row that has not changed gets no new version; a deleted row leaves a tombstone.
            try await api.transaction { $0.publish(group.id, .group, to: .group(group.id)) }
            #expect(try await api.count("SELECT version AS count FROM scope_row WHERE kind = 'group'") == version + 1)
        }
    }

    @Test func `The sync check finds scope rows that differ from the tables`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let office = Office(api.app)
            #expect(try await office.checkSync() == [])
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE travel_group SET name = 'Altered' WHERE id = \(group.id)"))
            }
            #expect(
                try await office.checkSync() == [
                    "group \(group.id) in group:\(group.id) looks otherwise than it was published"
                ]
            )
            try await api.transaction { $0.publish(group.id, .group, to: .group(group.id)) }
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE scope_row SET body = NULL, hash = NULL WHERE kind = 'traveller'"))
            }
            #expect(try await office.checkSync().count == 2)
        }
    }
}
