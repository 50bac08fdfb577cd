import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct JobTests {
    private func enqueueMails(_ count: Int, _ api: GuestAPITestService) async throws {
        try await api.transaction { tx in
            for number in 0..<count {
                let mail = Mail(
                    to: "m@example.org",
                    language: .english,
                    letter: .holdExpired(number: "N-\(number)", park: "P")
                )
                try Job.enqueue(mail, key: "\(number)", at: api.now, api.app.act(in: tx, as: .job("test")))
            }
        }
    }

    @Test func `Eight workers do each of 300 jobs once`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            try await enqueueMails(300, api)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<8 { tasks.addTask { try await api.work() } }
                try await tasks.waitForAll()
            }
            #expect(try api.mails(to: "m@example.org").count == 300)
            #expect(try await api.count("SELECT count(*) FROM job") == 0)
        }
    }

    @Test func `A dead worker's jobs are done after its lease ends`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            try await enqueueMails(5, api)
            let lease = UUID()
            let taken = try await api.transaction { tx in
                try await tx.all(
                    JobSQL.claim(.mail, api.app.features.jobKinds, lease: lease, seconds: 1, limit: 5, now: api.now)
                )
            }
            #expect(taken.count == 5)
            try await api.work()
            #expect(try api.mails(to: "m@example.org").isEmpty)
            try await Task.sleep(for: .milliseconds(1100))
            try await api.work()
            #expect(try api.mails(to: "m@example.org").count == 5)
            // The dead worker comes back, and its lease no longer counts.
            let completed = try await api.transaction { try await $0.run(JobSQL.complete(taken[0].id, lease: lease)) }
            #expect(completed == 0)
        }
    }

    @Test func `Staff can revive a job that has failed too often`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            _ = try await api.given.booking(of: group, by: organiser, in: world)
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE cottage SET nights = nights || B'1'"))
                try Job.enqueue(
                    CheckOccupancy(parkId: world.park.id),
                    at: api.now,
                    api.app.act(in: tx, as: .job("test"))
                )
            }
            for _ in 0..<CheckOccupancy.patience.tries {
                try await api.work()
                api.clock.advance(by: 700)
            }
            let office = try await api.given.headOffice()
            struct Listed: Decodable {
                struct Row: Decodable {
                    let id: String
                    let kind: String
                    let attempts: Int
                }
                let items: [Row]
            }
            let dead = try await api.get("/v1/admin/jobs", as: office).decode(Listed.self)
            #expect(dead.items.map(\.kind) == ["checkOccupancy"])
            #expect(dead.items.first?.attempts == CheckOccupancy.patience.tries)
            // The hold ended long ago, so no night is taken.
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE cottage SET nights = B''"))
            }
            let id = try #require(dead.items.first?.id)
            #expect(try await api.post("/v1/admin/jobs/\(id)/retry", as: office).status == 204)
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM job WHERE kind = 'checkOccupancy'") == 0)
        }
    }

    @Test func `A schedule runs once even with several schedulers`() async throws {
        // It is 01:30 at night in Amsterdam; only in Tokyo is it past 03:00.
        let clock = TestClock(try #require(ISO8601DateFormatter().date(from: "2027-03-28T00:30:00Z")))
        try await withGuestAPI(clock: clock) { api in
            _ = try await api.given.park()
            _ = try await api.given.park(timeZone: "Asia/Tokyo")
            func scheduled() async throws -> Int {
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for _ in 0..<4 { tasks.addTask { try await Scheduler(app: api.app).tick() } }
                    try await tasks.waitForAll()
                }
                return try await api.count("SELECT count(*) FROM job_run WHERE kind = 'checkOccupancy'")
            }
            #expect(try await scheduled() == 1)
            // In this night Amsterdam's clock jumps from 02:00 to 03:00, at 01:00 UTC.
            clock.advance(by: 1799)
            #expect(try await scheduled() == 1)
            clock.advance(by: 1)
            #expect(try await scheduled() == 2)
            #expect(try await api.count("SELECT count(*) FROM job WHERE kind = 'checkOccupancy'") == 2)
        }
    }

    @Test func `A sleeping worker wakes only for due jobs of its queue`() async throws {
        try await withGuestAPI { api in
            let bell = api.app.bell
            struct Undone: Error {}
            await #expect(throws: Undone.self) {
                try await api.transaction { tx in
                    try Job.enqueue(EraseSpool(folder: "none"), at: api.now, api.app.act(in: tx, as: .job("test")))
                    throw Undone()
                }
            }
            try await api.transaction { tx in
                try Job.enqueue(
                    EraseSpool(folder: "none"),
                    at: api.now.addingTimeInterval(60),
                    api.app.act(in: tx, as: .job("test"))
                )
            }
            try await api.transaction { tx in
                try Job.enqueue(CleanUp(), at: api.now, api.app.act(in: tx, as: .job("test")))
            }
            // The jobs queued here are no due mail, so they wake no worker early.
            let started = ContinuousClock.now
            await bell.sleep(for: .mail, atMost: .milliseconds(300))
            #expect(ContinuousClock.now - started >= .milliseconds(300))
            // The bell rings once before a worker sleeps and once while it sleeps. The time counts from here, not from
            // when the test began to wait for its turn.
            let longest = Duration.seconds(120)
            let rung = ContinuousClock.now
            try await enqueueMails(1, api)
            await bell.sleep(for: .mail, atMost: longest)
            let sleeper = Task { await bell.sleep(for: .mail, atMost: longest) }
            try await enqueueMails(2, api)
            await sleeper.value
            #expect(ContinuousClock.now - rung < longest)
        }
    }

    @Test func `Expired rows are deleted in portions`() async throws {
        try await withGuestAPI { api in
            try await api.transaction { tx in
                try await tx.run(
                    Command(
                        """
                        INSERT INTO known_device (email, device_hash, seen_at)
                        SELECT 'a@example.org', sha256(n::text::bytea), \(api.now.addingTimeInterval(-500 * 86400))
                        FROM generate_series(1, 4100) AS n
                        """
                    )
                )
                try Job.enqueue(CleanUp(part: "tokens"), at: api.now, api.app.act(in: tx, as: .job("test")))
            }
            let worker = Worker(app: api.app, queue: .effects)
            for left in [2100, 100, 0] {
                #expect(try await worker.round() == 1)
                #expect(try await api.count("SELECT count(*) FROM known_device") == left)
            }
            #expect(try await worker.round() == 0)
        }
    }

    @Test func `Every part of the clean-up job runs on a filled database`() async throws {
        try await withGuestAPI { api in
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            _ = try await api.given.booking(of: group, by: organiser, in: try await api.given.park())
            api.clock.advance(by: 4000 * 86400)
            try await api.transaction { tx in
                try Job.enqueue(CleanUp(), at: api.now, api.app.act(in: tx, as: .job("test")))
            }
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM job WHERE attempts > 0 OR dead_at IS NOT NULL") == 0)
            #expect(try await api.count("SELECT count(*) FROM audit") == 0)
        }
    }

    @Test func `A spool forgets mails after thirty days`() async throws {
        try await withGuestAPI { api in
            let spool = Spool(api.app.settings, "mail")
            let old: Job.ID = api.app.ids.next(at: api.now)
            api.clock.advance(by: 2 * 86400)
            let new: Job.ID = api.app.ids.next(at: api.now)
            try await spool.put(Data("old".utf8), to: "a@example.org", as: "\(old).eml")
            try await spool.put(Data("new".utf8), to: "b@example.org", as: "\(new).eml")
            api.clock.advance(by: 29 * 86400)
            for _ in 0..<2 {
                try await api.transaction { tx in
                    try Job.enqueue(ForgetSpool(), at: api.now, api.app.act(in: tx, as: .job("test")))
                }
                try await api.work()
            }
            let root = URL(filePath: api.app.settings.stateFolder).appending(path: "mail")
            let left = try FileManager.default.contentsOfDirectory(atPath: root.path())
            #expect(left == [Spool.folder(of: "b@example.org")])
        }
    }

    @Test func `A job of an unknown kind waits untouched`() async throws {
        try await withGuestAPI { api in
            try await api.transaction { tx in
                try await tx.run(
                    Command(
                        """
                        INSERT INTO job (id, queue, kind, run_at)
                        VALUES (gen_random_uuid(), 'effects', 'ofTheNextVersion', \(api.now))
                        """
                    )
                )
            }
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM job WHERE attempts = 0 AND dead_at IS NULL") == 1)
        }
    }
}
