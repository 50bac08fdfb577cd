import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import Synchronization
import TestKit
import Testing

@testable import GuestAPI

/// The real executable in a process of its own, so that it can be killed.
@Suite(.serialized) struct CrashTests {
    @Test func `A kill -9 of the service loses no acknowledged booking`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park(cottages: 40)
            // Each worker has its own group, because one group may not hold many stays.
            var groups: [(organiser: Given.Person, group: TravelGroup)] = []
            for _ in 0..<8 {
                let organiser = try await api.given.guest()
                groups.append((organiser, try await api.given.group(of: organiser)))
            }
            let people = groups
            let acknowledged = Seen<String>()
            for round in 0..<3 {
                let service = try await ServiceProcess.start(api)
                let before = acknowledged.all.count
                await withTaskGroup(of: Void.self) { tasks in
                    for worker in 0..<8 {
                        tasks.addTask {
                            for number in 0..<200 where !service.isKilled {
                                let cottage = world.cottages[(worker * 5 + number) % 40]
                                let start = 20 + round * 120 + number / 4 * 2
                                guard
                                    let request = try? api.given.request(
                                        people[worker].group,
                                        world,
                                        cottages: [cottage],
                                        from: day("2027-01-01").adding(days: start).description,
                                        to: day("2027-01-01").adding(days: start + 2).description
                                    )
                                else { return }
                                let key = "\(round)-\(worker)-\(number)"
                                guard let id = await service.book(request, as: people[worker].organiser, key: key)
                                else { continue }
                                acknowledged.insert(id)
                            }
                        }
                    }
                    // Wait until all eight workers are busy and some bookings are acknowledged, however slow the
                    // machine is.
                    let patience = ContinuousClock.now + .seconds(30)
                    while acknowledged.all.count < before + 10, ContinuousClock.now < patience {
                        try? await Task.sleep(for: .milliseconds(10))
                    }
                    try? await Task.sleep(for: .milliseconds(Int.random(in: 0...500)))
                    service.kill()
                    await tasks.waitForAll()
                }
            }
            let ids = Array(acknowledged.all)
            #expect(ids.count > 20, "only \(ids.count) were acknowledged")
            let kept = try await api.count("SELECT count(*) FROM booking WHERE id = ANY(\(ids)::uuid[])")
            #expect(kept == ids.count)
            // Every booking is complete: it has its cottage, its traveller, its price and its expiry job.
            #expect(
                try await api.count(
                    """
                    SELECT count(*) FROM booking WHERE NOT EXISTS (SELECT FROM allocation WHERE booking_id = booking.id)
                        OR NOT EXISTS (SELECT FROM booking_traveller WHERE booking_id = booking.id)
                        OR NOT EXISTS (SELECT FROM charge_line WHERE booking_id = booking.id)
                        OR NOT EXISTS (SELECT FROM job WHERE kind = 'expireHold' AND key = booking.id::text)
                    """
                ) == 0
            )
            #expect(
                try await api.app.database.read(as: "test") {
                    try await $0.all(AvailabilitySQL.wrongOccupancy(of: nil))
                }
                .isEmpty
            )
        }
    }

    @Test func `Every job is done exactly once although its workers are killed`()
        async throws
    {
        try await withGuestAPI(turn: .alone) { api in
            let world = try await api.given.park(cottages: 60)
            var organisers: [Given.Person] = []
            for number in 0..<3 {
                let organiser = try await api.given.guest()
                let group = try await api.given.group(of: organiser)
                for cottage in world.cottages[number * 20..<number * 20 + 20] {
                    _ = try await api.given.booking(of: group, by: organiser, in: world, cottages: [cottage])
                }
                organisers.append(organiser)
            }
            // All holds ended long ago on the real clock, so the workers of a real process take them at once.
            for _ in 0..<4 {
                let process = try await ServiceProcess.start(api, workers: 2)
                try await Task.sleep(for: .milliseconds(Int.random(in: 20...150)))
                process.kill()
            }
            let last = try await ServiceProcess.start(api, workers: 2)
            let deadline = ContinuousClock.now + .seconds(6)
            while try await api.count("SELECT count(*) FROM job") > 0, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(try await api.count("SELECT count(*) FROM job") == 0)
            last.kill()
            #expect(try await api.count("SELECT count(*) FROM booking WHERE state = 'expired' AND version = 2") == 60)
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE is_live") == 0)
            // Each line is reversed once, and each organiser gets one mail per booking.
            #expect(try await api.count("SELECT coalesce(sum(amount), 0)::bigint AS count FROM charge_line") == 0)
            for organiser in organisers {
                let mails = try api.mails(to: organiser.email)
                #expect(mails.count == 20, "\(mails.count)")
            }
        }
    }

    @Test func `The service recovers from a database outage without a restart`()
        async throws
    {
        try await withGuestAPI(turn: .alone, adjust: { $0.databasePatience = 2 }) { api in
            let organiser = try await api.given.guest()
            #expect(try await api.get("/v1/groups", as: organiser).status == 200)
            let statuses = Seen<Int>()
            let load = Task {
                while !Task.isCancelled {
                    let response = try await api.get("/v1/groups", as: organiser)
                    statuses.insert(response.status)
                }
            }
            // Simulates a restart: every session ends, and new sessions are refused for a while.
            let name = api.test.name
            try await Script.run("ALTER DATABASE \(name) ALLOW_CONNECTIONS false", on: testCluster())
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'"
            try await Script.run(kill, on: testCluster())
            let away = try await api.get("/v1/groups", as: organiser)
            #expect(away.status == 503)
            #expect(away.headers["retry-after"] == "1")
            try await Script.run("ALTER DATABASE \(name) ALLOW_CONNECTIONS true", on: testCluster())
            let deadline = ContinuousClock.now + .seconds(5)
            var status = 0
            while status != 200, ContinuousClock.now < deadline {
                status = try await api.get("/v1/groups", as: organiser).status
            }
            #expect(status == 200)
            load.cancel()
            _ = try? await load.value
            #expect(statuses.all.isSubset(of: [200, 503]))
        }
    }

    @Test func `A restored backup has the original's tables, mails and photos`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            _ = try await api.post("/v1/bookings/\(booking.id)/confirm", as: organiser, key: "c")
            try await api.work()
            let photo = SamplePhoto.baseline
            let name = try #require(PhotoName(of: photo))
            let path = "/v1/groups/\(group.id)/photos/\(name)"
            let jpeg = ["content-type": "image/jpeg"]
            #expect(try await api.send("PUT", path, raw: photo, as: organiser, headers: jpeg).status == 201)
            try await api.work()
            let stored = try #require(
                try await api.transaction { try await $0.first(PhotoSQL.stored(name, in: group.id)) }
            )
            let gone = try await api.given.guest("Gone")
            let goneID = try gone.id()
            let host = try await api.given.staff([.host], at: world.park.id)
            let folder = api.stateFolder + "-backup"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let bytes = Data((0..<32).map { UInt8($0) })
            try bytes.write(to: SecretFolder(api.stateFolder).file(1))
            let before = ServerSecret(bytes)
            let cottage = world.cottages[0].id
            let sealed = try before.seal(Data("code".utf8), for: "access", context: cottage.description)
            try await api.app.database.transaction(as: "test") {
                try await $0.run(ArrivalSQL.setAccess(cottage, sealed: sealed, at: api.now))
            }
            #expect(
                try await ServiceProcess.run(
                    ["backup", folder],
                    database: api.test.connectionString,
                    state: api.stateFolder
                ) == 0
            )
            try await withTestDatabase(turn: .mine) { empty in
                let state = api.stateFolder + "-restored"
                defer { try? FileManager.default.removeItem(atPath: state) }
                // A guest is erased after the backup; the list outside the backup names the guest.
                #expect(try await api.send("DELETE", "/v1/me", as: gone).status == 204)
                try await api.work()
                let list = api.stateFolder + "/" + ErasedGuests.folder
                #expect(ErasedGuests.ids(in: list) == [goneID])
                #expect(
                    try await ServiceProcess.run(
                        ["restore", folder, "--erased", list],
                        database: empty.connectionString,
                        state: state
                    ) == 0
                )
                for table in [
                    "booking", "charge_line", "allocation", "traveller", "schema_version", "message_photo",
                ] {
                    let before = try await digest(table, try api.test.open(readers: 1))
                    let after = try await digest(table, try empty.open(readers: 1))
                    #expect(before == after, "\(table)")
                }
                let mails = try FileManager.default.subpathsOfDirectory(atPath: state + "/mail").filter {
                    $0.hasSuffix(".eml")
                }
                #expect(mails.count == 1)
                let object = "objects/" + MessagePhoto.object(stored.object, of: name, in: group.id)
                #expect(FileManager.default.fileExists(atPath: "\(state)/\(object)"))
                try await expectLinked(object, since: folder, api)
                try await expectSettled(empty, state, gone: goneID, host: host, sealed: cottage, by: before)
                // Only the owner may read a backup.
                for path in [folder, folder + "/database.dump"] {
                    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                    #expect((mode ?? 0o777) & 0o077 == 0, "\(path)")
                }
                #expect(!FileManager.default.fileExists(atPath: folder + "/files/" + ErasedGuests.folder))
            }
        }
    }

    /// Checks that the next backup shares an object with the one before.
    private func expectLinked(_ object: String, since folder: String, _ api: GuestAPITestService) async throws {
        let next = folder + "-next"
        defer { try? FileManager.default.removeItem(atPath: next) }
        let arguments = ["backup", next, "--since", folder]
        let status = try await ServiceProcess.run(
            arguments,
            database: api.test.connectionString,
            state: api.stateFolder
        )
        #expect(status == 0)
        let inodes = try [folder, next].map { folder in
            try FileManager.default.attributesOfItem(atPath: "\(folder)/files/\(object)")[.systemFileNumber] as? Int
        }
        #expect(inodes[0] != nil && inodes[0] == inodes[1])
    }

    /// Checks that a restore signs staff out, ends signed links, seals data anew, and erases the guests on the list
    /// again.
    private func expectSettled(
        _ restored: TestDatabase,
        _ state: String,
        gone: Guest.ID,
        host: Given.Person,
        sealed cottage: Cottage.ID,
        by before: ServerSecret
    ) async throws {
        let database = try restored.open(readers: 1)
        func number(_ sql: SQL) async throws -> Int? {
            let query = Query(sql) { try $0.decode("number", as: Int.self) }
            return try await database.read(as: "test") { try await $0.first(query) }
        }
        #expect(try await number("SELECT count(*) AS number FROM guest WHERE id = \(gone) AND erased_at IS NULL") == 0)
        let alive: SQL = "SELECT count(*) AS number FROM session WHERE staff_id IS NOT NULL AND revoked_at IS NULL"
        #expect(host.staff != nil)
        #expect(try await number(alive) == 0)
        let open: SQL = "SELECT count(*) AS number FROM invitation WHERE revoked_at IS NULL"
        #expect(try await number(open) == 0)
        let secret = try await ServerSecret.of(SecretFolder(state), for: database, at: Date())
        let query = Query("SELECT sealed FROM cottage_access") { try $0.decode("sealed", as: Data.self) }
        let now = try #require(try await database.read(as: "test") { try await $0.first(query) })
        #expect(try secret.open(now, for: "access", context: cottage.description) == Data("code".utf8))
        let id = UUID()
        #expect(secret.ids(in: before.pass([id], for: "payLink"), count: 1, for: "payLink") == nil)
        await database.close()
    }

    private func digest(_ table: String, _ database: Database) async throws -> String? {
        var text = ""
        try await database.transaction(as: "test") { tx in
            try await tx.copyOut("COPY (SELECT * FROM \(table) ORDER BY 1, 2) TO STDOUT") {
                text += String(decoding: $0, as: UTF8.self)
            }
        }
        await database.close()
        return text
    }

    @Test func `Migrations that run twice or in parallel are applied only once`() async throws {
        // Version 1 is the first version, so there is no migration yet. The test checks that a second run, and two runs
        // at the same time, change nothing.
        try await withTestDatabase { test in
            let migrator = Migrator(connectionString: test.connectionString, folder: projectFolder)
            async let first = migrator.run()
            async let second = migrator.run()
            _ = try await (first, second)
            let database = try test.open()
            let version = Query("SELECT count(*) AS count, max(number) AS newest FROM schema_version") {
                (try $0.decode("count", as: Int.self), try $0.decode("newest", as: Int.self))
            }
            let found = try await database.read(as: "test") { try await $0.first(version) }
            #expect(found?.0 == Migrator.expectedVersion && found?.1 == Migrator.expectedVersion)
            #expect(try await migrator.run() == [])
            await database.close()
        }
    }
}

private final class Seen<Element: Hashable & Sendable>: Sendable {
    private let elements = Mutex<Set<Element>>([])
    var all: Set<Element> { elements.withLock { $0 } }
    func insert(_ element: Element) { elements.withLock { _ = $0.insert(element) } }
}
