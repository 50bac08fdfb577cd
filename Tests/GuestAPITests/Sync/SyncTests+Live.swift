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
    @Test func `A waiting phone hears at once of changes on any node`()
        async throws
    {
        try await withGuestAPI(turn: .alone) { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api)
            let other = try AppEnvironment(
                settings: api.app.settings,
                now: api.app.now,
                secret: ServerSecret(Data("a secret for tests only, of 32 b.".utf8)),
                logger: api.log.logger
            )
            // A waiting phone asks again after 25 seconds by itself, so what comes within 20 seconds came by the bell.
            let patience = Duration.seconds(20)
            func named(_ name: String) async throws -> Bool {
                let deadline = ContinuousClock.now + patience
                while ContinuousClock.now < deadline {
                    if try phone.store.entities("group").contains(where: { $0.body.contains(name) }) { return true }
                    try await Task.sleep(for: .milliseconds(5))
                }
                return false
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await phone.engine.run() }
                group.addTask { try await Herald(app: other).run() }
                #expect(try await named(stage.group.name))
                for (round, app) in [api.app, other, api.app, other].enumerated() {
                    // The phone waits by now; for 25 seconds only the bell can wake it.
                    try await Task.sleep(for: .milliseconds(300))
                    try await app.database.transaction(as: "test") { tx in
                        try await tx.run(
                            Command("UPDATE travel_group SET name = \("Round \(round)") WHERE id = \(stage.group.id)")
                        )
                        tx.publish(stage.group.id, .group, to: .group(stage.group.id))
                    }
                    #expect(try await named("Round \(round)"))
                }
                struct Arrival: Encodable {
                    let bookingId: Booking.ID
                    let time: String
                }
                let arrival = Arrival(bookingId: stage.booking.id, time: "17:00")
                try phone.store.perform("booking.setArrivalTime@1", arrival, at: api.now)
                let deadline = ContinuousClock.now + patience
                while try !phone.store.pending().isEmpty, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(try phone.store.pending().isEmpty)
                group.cancelAll()
            }
            await other.database.close()
        }
    }

    @Test func `A phone can sync over URLSession`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let address = try #require(URL(string: "http://127.0.0.1:\(api.port)"))
            let path = api.stateFolder + "-\(UUID().uuidString).sqlite"
            let store = try LocalStore(path: path, of: stage.member.id(), mutators: Mutator.all)
            let member = stage.member
            let engine = SyncEngine(store, over: URLSessionTransport(service: address) { member.token })
            try await engine.sync()
            #expect(try store.entities("group").count == 1)
            let said = GroupArguments(
                groupId: stage.group.id,
                request: MessageRequest(id: .init(UUID()), text: "Überall")
            )
            try store.perform("message.write@1", said, at: api.now)
            try await engine.sync()
            #expect(try store.pending().isEmpty && store.refused().isEmpty)
            #expect(try store.entities("message").count == 1)
            let expired = SyncEngine(store, over: URLSessionTransport(service: address) { "of yesterday" })
            await #expect(throws: SyncEngine.Failure.status(401, code: "sign_in_needed")) { try await expired.sync() }
            let nowhere = try #require(URL(string: "http://127.0.0.1:9"))
            let offline = SyncEngine(store, over: URLSessionTransport(service: nowhere) { member.token })
            await #expect(throws: URLError.self) { try await offline.sync() }
        }
    }

    @Test func `A live stream reports only changes in its guest's scopes`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let stranger = try await api.given.guest()
            let theirs = try await api.given.group(of: stranger)
            let heard = Heard()
            let listener = Task {
                try await api.listen("/v1/sync/live", as: stage.member) { heard.add($0) }
            }
            func hears(_ text: String) async throws -> Bool {
                // A machine may be slow; the test waits for the event.
                let deadline = ContinuousClock.now + .seconds(60)
                while ContinuousClock.now < deadline {
                    if heard.all.contains(where: { $0.contains(text) }) { return true }
                    try await Task.sleep(for: .milliseconds(5))
                }
                return false
            }
            let group = "group:\(stage.group.id)"
            #expect(try await hears(group))
            heard.forget()
            try await api.transaction { tx in
                for (id, name) in [(theirs.id, "Theirs"), (stage.group.id, "Ours")] {
                    try await tx.run(Command("UPDATE travel_group SET name = \(name) WHERE id = \(id)"))
                    tx.publish(id, .group, to: .group(id))
                }
            }
            #expect(try await hears(group))
            #expect(heard.all.allSatisfy { !$0.contains("\(theirs.id)") })
            // After this it is quiet until the next beat.
            try await Task.sleep(for: .milliseconds(300))
            #expect(heard.all.count == 1)
            // After the member has left, the group is no longer among the member's scopes.
            #expect(try await api.post("/v1/groups/\(stage.group.id)/leave", as: stage.member).status == 204)
            #expect(try await hears("guest:"))
            // The phone is told its remaining scopes.
            try await Task.sleep(for: .milliseconds(200))
            heard.forget()
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE travel_group SET name = 'Quiet' WHERE id = \(stage.group.id)"))
                tx.publish(stage.group.id, .group, to: .group(stage.group.id))
            }
            try await Task.sleep(for: .milliseconds(200))
            #expect(heard.all.isEmpty)
            listener.cancel()
            _ = try? await listener.value
            #expect(try await api.get("/v1/sync/live?seconds=0").status == 401)
            #expect(try await api.get("/v1/sync/live?seconds=301", as: stranger).status == 400)
            let once = try await api.get("/v1/sync/live?seconds=0", as: stranger)
            #expect(once.headers["content-type"] == "text/event-stream" && once.text.hasPrefix("data: {\"scopes\":["))
            #expect(once.headers["x-accel-buffering"] == "no")
        }
    }

    @Test func `A phone misses no change of eight parallel writers`()
        async throws
    {
        try await withGuestAPI(turn: .alone) { api in
            let stage = try await stage(api)
            let scope = "group:\(stage.group.id)"
            let before = try await api.count("SELECT version AS count FROM scope WHERE name = \(scope)")
            // A reader that needs the oldest transaction of the cluster to end would wait for this one.
            try await withTestDatabase(turn: .mine) { other in
                let neighbour = try other.open()
                let isOver = Heard()
                async let long: Void = neighbour.transaction(as: "test") { tx in
                    try await tx.run(Command("CREATE TABLE held (id int)"))
                    while isOver.all.isEmpty { try await tx.run(Command("SELECT pg_sleep(0.02)")) }
                }
                let phone = try Phone(of: stage.member, api, rows: 5)
                let writers = Task {
                    try await withThrowingTaskGroup(of: Void.self) { tasks in
                        for writer in 0..<8 {
                            tasks.addTask {
                                for number in 0..<15 {
                                    try await api.transaction { tx in
                                        // The writers wait for each other, however slow the machine is.
                                        try await tx.run(Command("SET LOCAL lock_timeout = '60s'"))
                                        let request = TravellerRequest(name: "W\(writer)-\(number)")
                                        _ = try await Traveller.add(
                                            request,
                                            to: stage.group.id,
                                            api.app.act(in: tx, as: .guest(stage.organiser.id()))
                                        )
                                        let pause = Double.random(in: 0...0.02)
                                        try await tx.run(Command("SELECT pg_sleep(\(pause)::float8)"))
                                    }
                                }
                            }
                        }
                        try await tasks.waitForAll()
                    }
                }
                var seen = 0
                let polling = Task {
                    var polls = 0
                    while !Task.isCancelled {
                        try await phone.engine.sync()
                        polls += 1
                    }
                    return polls
                }
                try await writers.value
                polling.cancel()
                _ = try? await polling.value
                try await phone.engine.sync()
                seen = try phone.store.entities("traveller").filter { $0.body.contains("\"W") }.count
                isOver.add("over")
                try await long
                await neighbour.close()
                #expect(seen == 120)
            }
            let version = try await api.count("SELECT version AS count FROM scope WHERE name = \(scope)")
            #expect(version == before + 120)
        }
    }
}
