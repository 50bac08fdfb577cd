import Foundation
import GuestModels
import Postgres
import Sync
import SyncFaults
import SyncMessages
import Synchronization
import TestKit
import Testing

@testable import GuestAPI

extension SyncTests {
    @Test func `A foreign or damaged sync cursor is refused`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.organiser, api)
            try await phone.engine.sync()
            let answer = try SyncEngine.lines(of: try #require(phone.line.answers.last))
            guard case .complete(let cursor, _)? = answer.last else { throw CancellationError() }
            let device = UUID()
            func ask(_ request: SyncRequest, as who: Given.Person) async throws -> GuestAPITestService.Response {
                try await api.change("POST", "/v1/sync", request, as: who)
            }
            for wrong in [cursor + "x", String(cursor.dropLast(8)), "", "AAAA", String(cursor.reversed())] {
                let response = try await ask(SyncRequest(deviceId: device, cursor: wrong), as: stage.organiser)
                #expect(response.code == "cursor_invalid", "\(wrong)")
            }
            #expect(
                try await ask(SyncRequest(deviceId: device, cursor: cursor), as: stage.member).code == "cursor_invalid"
            )
            func mutation(_ sequence: Int64, id: UUID = UUID()) -> Mutation {
                Mutation(sequence: sequence, id: id, name: "nothing@1", arguments: "{}", at: api.now)
            }
            let first = mutation(1)
            let unregistered = SyncRequest(deviceId: device, mutations: [first])
            #expect(try await ask(unregistered, as: stage.member).code == "device_unknown")
            struct Device: Encodable {
                let id: UUID
            }
            #expect(try await api.post("/v1/sync/devices", Device(id: device), as: stage.member).status == 204)
            #expect(
                try await api.post("/v1/sync/devices", Device(id: device), as: stage.organiser).code == "device_taken"
            )
            // The service reports a gap in the numbers, and the phone still reads new rows.
            let gap = try await ask(SyncRequest(deviceId: device, mutations: [mutation(7)]), as: stage.member)
            #expect(try SyncEngine.lines(of: gap.body).first == .expected(1))
            let jump = try await ask(SyncRequest(deviceId: device, mutations: [first, mutation(3)]), as: stage.member)
            #expect(jump.status == 400)
            let many = (1...51).map { mutation(Int64($0)) }
            #expect(try await ask(SyncRequest(deviceId: device, mutations: many), as: stage.member).status == 400)
            #expect(try await api.count("SELECT count(*) FROM sync_outcome") == 0)
            // A repetition gets the same bytes. Another mutation under the same number means another phone; under the
            // same id it is a lie.
            let request = SyncRequest(deviceId: device, mutations: [first])
            let done = try SyncEngine.lines(of: try await ask(request, as: stage.member).body).first
            guard case .outcome(1, let outcome)? = done else { throw CancellationError() }
            #expect(outcome.result == .rejected && outcome.code == "mutation_unknown")
            #expect(try SyncEngine.lines(of: try await ask(request, as: stage.member).body).first == done)
            let other = try await ask(SyncRequest(deviceId: device, mutations: [mutation(1)]), as: stage.member)
            #expect(try SyncEngine.lines(of: other.body).first == .forked)
            var lie = first
            lie.arguments = "[]"
            let told = try await ask(SyncRequest(deviceId: device, mutations: [lie]), as: stage.member)
            guard case .outcome(1, let refusal)? = try SyncEngine.lines(of: told.body).first else {
                throw CancellationError()
            }
            #expect(refusal.result == .rejected && refusal.code == "mutation_reused")
            #expect(try await api.count("SELECT last_sequence AS count FROM sync_device") == 1)
        }
    }

    /// A size from the environment, which a longer run may set; otherwise `usual`.
    func size(_ name: String, _ usual: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? usual
    }

    /// `VOORPRET_ROWS` sets the number of rows; 50,000 take half a minute.
    @Test func `A damaged row on a phone is repaired with little traffic`() async throws {
        let count = size("VOORPRET_ROWS", 5_000)
        try await withGuestAPI(isTampering: true) { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let scope = "group:\(group.id)"
            for first in stride(from: 1, through: count, by: 5_000) {
                try await api.transaction { tx in
                    try await tx.run(
                        Command(
                            """
                            INSERT INTO scope_row (scope, kind, id, version, body, hash)
                            SELECT \(scope), 'woods', id, 1, body, row_hash('woods', id, body) FROM (
                                SELECT gen_random_uuid() AS id, '{"text":"' || repeat('x', 250) || n || '"}' AS body
                                FROM generate_series(\(first)::int, \(min(count, first + 4_999))::int) AS n
                            ) AS rows
                            """
                        )
                    )
                }
            }
            try await api.transaction { tx in
                try await tx.run(
                    Command(
                        """
                        UPDATE scope SET count = sums.count, digest = sums.digest
                        FROM (SELECT count(hash), bit_xor(hash) AS digest FROM scope_row WHERE scope = \(scope)) AS sums
                        WHERE name = \(scope)
                        """
                    )
                )
            }
            let phone = try Phone(of: organiser, api, rows: 5_000)
            try await phone.engine.sync()
            let right = try phone.shown()
            #expect(right.count > count)
            try phone.store.damage(kind: "woods")
            phone.store.checkEverything()
            #expect(try phone.shown() != right)
            let before = phone.line.traffic
            try await phone.engine.sync()
            #expect(try phone.shown() == right)
            #expect(phone.line.traffic - before < 64 * 1024)
        }
    }

    @Test func `A phone reads its scopes anew after a database restore`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.organiser, api)
            try await phone.engine.sync()
            let removed = try await api.post(
                "/v1/groups/\(stage.group.id)/travellers",
                TravellerRequest(name: "Short"),
                as: stage.organiser
            ).decode(Traveller.self)
            try await phone.engine.sync()
            let path = "/v1/groups/\(stage.group.id)/travellers/\(removed.id)"
            #expect(try await api.send("DELETE", path, as: stage.organiser).status == 204)
            // Ninety days later the service deletes its tombstones.
            try await api.transaction {
                let deletions = SyncSQL.forgetDeletions(before: Date().addingTimeInterval(60))
                try await $0.run(deletions.lock)
                _ = try await $0.first(deletions.forget)
            }
            #expect(try await api.count("SELECT count(*) FROM scope_row WHERE body IS NULL") == 0)
            try await phone.engine.sync()
            #expect(try phone.shown() == (try await truth(for: stage.organiser, api)))
            #expect(try !phone.shown().contains { $0.contains("Short") })
            try await api.app.database.transaction(as: "test") { try await $0.run(SyncSQL.newEpoch) }
            let before = phone.line.answers.count
            try await phone.engine.sync()
            let lines = try SyncEngine.lines(of: try #require(phone.line.answers.dropFirst(before).first))
            #expect(lines.contains(.reset("group:\(stage.group.id)")))
            #expect(try phone.shown() == (try await truth(for: stage.organiser, api)))
        }
    }

    @Test func `A phone restored from a backup repeats no mutation`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            struct Arrival: Encodable {
                let bookingId: Booking.ID
                let time: String
            }
            func arrive(_ phone: Phone, _ time: String) throws {
                let arrival = Arrival(bookingId: stage.booking.id, time: time)
                try phone.store.perform("booking.setArrivalTime@1", arrival, at: api.now)
            }
            let phone = try Phone(of: stage.member, api)
            try arrive(phone, "11:00")
            try await phone.engine.sync()
            try arrive(phone, "12:00")
            try phone.store.close()
            let copy = phone.path + "-copy"
            try FileManager.default.copyItem(atPath: phone.path, toPath: copy)
            let (first, second) = (
                try Phone(of: stage.member, api, path: phone.path), try Phone(of: stage.member, api, path: copy)
            )
            try await first.engine.sync()
            // The copy has the same mutation waiting, and makes another under a number that is taken.
            try arrive(second, "13:00")
            try arrive(first, "14:00")
            try await first.engine.sync()
            try await second.engine.sync()
            try await first.engine.sync()
            #expect(try first.store.pending().isEmpty && second.store.pending().isEmpty)
            #expect(try first.shown() == second.shown())
            #expect(try await api.count("SELECT count(*) FROM sync_outcome") == 4)
            #expect(try await api.count("SELECT count(*) FROM sync_device") == 2)
        }
    }

    @Test func `A phone removes rows that its scope does not contain`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api)
            try await phone.engine.sync()
            let right = try phone.shown()
            try phone.store.forge(kind: "traveller", in: "group:\(stage.group.id)")
            try phone.store.forge(kind: "traveller", in: "group:\(UUID().uuidString.lowercased())")
            phone.store.checkEverything()
            #expect(try phone.shown().count == right.count + 2)
            try await phone.engine.sync()
            #expect(try phone.shown() == right)
            // The service's secret has changed, so no cursor is valid; meanwhile the guest has left.
            try phone.store.spoilCursor()
            #expect(try await api.post("/v1/groups/\(stage.group.id)/leave", as: stage.member).status == 204)
            try await phone.engine.sync()
            #expect(try phone.shown().count == 1)
            try phone.store.close()
            let other = try Phone(of: stage.organiser, api, path: phone.path)
            #expect(try other.shown().isEmpty)
            try await other.engine.sync()
            #expect(try other.shown() == (try await truth(for: stage.organiser, api)))
        }
    }
}
