import Foundation
import Postgres
import Synchronization
import TestKit
import Testing

@Suite struct TransactionTests {
    private static let table = "CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL)"
    private func insert(_ id: Int, _ text: String = "") -> Command {
        Command("INSERT INTO note (id, text) VALUES (\(id), \(text))")
    }
    private let ids = Query("SELECT id FROM note ORDER BY id") { try $0.decode("id", as: Int.self) }

    private func withNotes(
        flush: @escaping Database.Flush = { _ in [] },
        _ body: (Database, TestDatabase) async throws -> Void
    ) async throws {
        try await withTestDatabase { test in
            try await Script.run(Self.table, on: test.connectionString)
            let database = try test.open(flush: flush)
            try await body(database, test)
            #expect(await database.census().leased == 0)
            await database.close()
        }
    }

    @Test func `A transaction commits on return and rolls back on an error`() async throws {
        try await withNotes { database, _ in
            struct Refused: Error {}
            await #expect(throws: Refused.self) {
                try await database.transaction(as: "test") { tx in
                    try await tx.run(insert(1))
                    throw Refused()
                }
            }
            try await database.transaction(as: "test") { tx in
                try await tx.run([insert(2), insert(3)])
            }
            #expect(try await database.read(as: "test") { try await $0.all(ids) } == [2, 3])
        }
    }

    @Test func `The connection pool's thread sleeps while all connections are in use`() async throws {
        try await withTestDatabase { test in
            let database = try test.open(writers: 1, patience: 0.3)
            try await database.transaction(as: "test") { tx in
                _ = try await tx.all(Query("SELECT 1 AS one") { try $0.decode("one", as: Int.self) })
                let before = await database.census().turns
                await #expect(throws: PostgresError.self) {
                    try await database.transaction(as: "test") { try await $0.run(Command("SELECT 1")) }
                }
                #expect(await database.census().turns - before < 20)
            }
            await database.close()
        }
    }

    @Test func `An unsendable text does not harm the rest of the transaction`() async throws {
        try await withNotes { database, _ in
            struct Refused: Error {}
            await #expect(throws: Refused.self) {
                try await database.transaction(as: "test") { tx in
                    _ = try? await tx.run(insert(1, "a\0b"))
                    try await tx.run(insert(2))
                    throw Refused()
                }
            }
            try await database.transaction(as: "test") { tx in
                _ = try? await tx.savepoint { try await $0.run(insert(3, "a\0b")) }
                try await tx.run(insert(4))
            }
            #expect(try await database.read(as: "test") { try await $0.all(ids) } == [4])
        }
    }

    @Test func `A savepoint's rollback drops its rows and its records`() async throws {
        let flushed = Mutex<[Int]>([])
        let record: Database.Flush = { notes in
            flushed.withLock { $0 = notes.compactMap { $0 as? Int } }
            return []
        }
        try await withNotes(flush: record) { database, _ in
            try await database.transaction(as: "test") { tx in
                try await tx.run(insert(1))
                tx.record(1)
                try? await tx.savepoint { tx in
                    try await tx.run(insert(2))
                    tx.record(2)
                    try await tx.savepoint { tx in
                        try await tx.run(insert(3))
                        tx.record(3)
                    }
                    try await tx.run(insert(1))
                }
                // The error comes before anything was sent, so the savepoint was never sent either.
                try? await tx.savepoint { tx in
                    tx.record(4)
                    throw CancellationError()
                }
                try await tx.savepoint { tx in
                    try await tx.run(insert(5))
                    tx.record(5)
                }
            }
            #expect(try await database.read(as: "test") { try await $0.all(ids) } == [1, 5])
            #expect(flushed.withLock { $0 } == [1, 5])
        }
    }

    @Test func `Rows written by the flush commit or fail with the transaction`() async throws {
        let flush: Database.Flush = { notes in
            notes.compactMap { $0 as? Int }.map { Command("INSERT INTO note (id, text) VALUES (\($0), 'flushed')") }
        }
        try await withNotes(flush: flush) { database, _ in
            try await database.transaction(as: "test") { $0.record(7) }
            await #expect(throws: PostgresError.self) {
                try await database.transaction(as: "test") { tx in
                    try await tx.run(insert(8))
                    tx.record(7)
                }
            }
            #expect(try await database.read(as: "test") { try await $0.all(ids) } == [7])
        }
    }

    @Test func `Deferred commands are undone with their savepoint`() async throws {
        try await withNotes { database, _ in
            try await database.transaction(as: "test") { $0.later([insert(1)]) }
            try await database.transaction(as: "test") { tx in
                tx.later([insert(2)])
                try? await tx.savepoint { tx in
                    tx.later([insert(3)])
                    throw CancellationError()
                }
                try? await tx.savepoint { tx in
                    try await tx.run(insert(4))
                    // The command would fail if it were ever sent.
                    tx.later([insert(1)])
                    throw CancellationError()
                }
                try await tx.savepoint { $0.later([insert(5)]) }
            }
            #expect(try await database.read(as: "test") { try await $0.all(ids) } == [1, 2, 5])
            await #expect(throws: PostgresError.self) {
                try await database.transaction(as: "test") { $0.later([insert(6), insert(1)]) }
            }
            #expect(try await database.read(as: "test") { try await $0.all(ids) } == [1, 2, 5])
        }
    }

    @Test func `Quick statements that take too long together are stopped and undone`() async throws {
        try await withNotes { database, _ in
            let started = ContinuousClock.now
            await #expect(throws: PostgresError.self) {
                try await database.transaction(as: "test", within: 0.3) { tx in
                    for number in 0..<100 { try await tx.run([insert(number), Command("SELECT pg_sleep(0.05)")]) }
                }
            }
            #expect(ContinuousClock.now - started < .seconds(3))
            let left = try await database.read(as: "test") { try await $0.all(ids) }
            #expect(left.isEmpty)
        }
    }

    @Test func `An error names the violated constraint but no row content`() async throws {
        try await withNotes { database, _ in
            do {
                try await database.transaction(as: "test") { tx in
                    try await tx.run(Command("ALTER TABLE note ADD CONSTRAINT short CHECK (length(text) < 5)"))
                    try await tx.run(insert(1, "what Anna wrote"))
                }
                Issue.record("the row was accepted")
            } catch let error as PostgresError {
                #expect(error.violatedConstraint == "short")
                // Texts that people wrote must not reach logs.
                #expect(!String(reflecting: error).contains("Anna"))
            }
        }
    }

    @Test func `Two transactions that deadlock both finish`() async throws {
        try await withNotes { database, _ in
            try await database.transaction(as: "test") { try await $0.run([insert(1), insert(2)]) }
            func touch(_ first: Int, _ second: Int) async throws {
                try await database.transaction(as: "test") { tx in
                    try await tx.run(Command("SET LOCAL lock_timeout = '10s'"))
                    try await tx.run(Command("UPDATE note SET text = text || 'x' WHERE id = \(first)"))
                    try await Task.sleep(for: .milliseconds(100))
                    try await tx.run(Command("UPDATE note SET text = text || 'x' WHERE id = \(second)"))
                }
            }
            async let left: Void = touch(1, 2)
            async let right: Void = touch(2, 1)
            _ = try await (left, right)
            let texts = try await database.read(as: "test") {
                try await $0.all(Query("SELECT text FROM note ORDER BY id") { try $0.decode("text", as: String.self) })
            }
            #expect(texts == ["xx", "xx"])
        }
    }

    @Test func `A serialisation failure is retried three times and then reported`() async throws {
        try await withNotes { database, _ in
            let runs = Mutex(0)
            await #expect(throws: PostgresError.self) {
                try await database.transaction(as: "test") { tx in
                    runs.withLock { $0 += 1 }
                    try await tx.run(Command("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$"))
                }
            }
            #expect(runs.withLock { $0 } == 4)
        }
    }

    private func backend(of tx: Transaction) async throws -> Int {
        try await tx.first(Query("SELECT pg_backend_pid() AS pid") { try $0.decode("pid", as: Int.self) }) ?? 0
    }

    @Test func `A backend killed between statements leaves nothing written`() async throws {
        try await withNotes { database, _ in
            do {
                try await database.transaction(as: "test") { tx in
                    try await tx.run(insert(1))
                    try await Script.run("SELECT pg_terminate_backend(\(try await backend(of: tx)))", on: testCluster())
                    try await tx.run(insert(2))
                }
                Issue.record("the transaction committed")
            } catch let error as PostgresError {
                #expect(error.isUnavailability)
            }
            #expect(try await database.read(as: "test") { try await $0.all(ids) } == [])
        }
    }

    @Test func `A backend killed during a statement counts as a lost connection`() async throws {
        try await withNotes { database, _ in
            do {
                try await database.transaction(as: "test") { tx in
                    let pid = try await backend(of: tx)
                    Task {
                        try await Task.sleep(for: .milliseconds(100))
                        try await Script.run("SELECT pg_terminate_backend(\(pid))", on: testCluster())
                    }
                    try await tx.run(Command("SELECT pg_sleep(3)"))
                }
                Issue.record("the transaction committed")
            } catch let error as PostgresError {
                #expect(error.isUnavailability)
            }
            try await database.transaction(as: "test") { try await $0.run(insert(1)) }
        }
    }

    @Test func `A backend killed during COMMIT leaves the outcome unknown`() async throws {
        // A deferred trigger makes COMMIT itself take long enough to be hit.
        let slowCommit = """
            CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER nap AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION nap()
            """
        try await withNotes { database, test in
            try await Script.run(slowCommit, on: test.connectionString)
            do {
                try await database.transaction(as: "test") { tx in
                    try await tx.run(insert(1))
                    let pid = try await backend(of: tx)
                    Task {
                        try await Task.sleep(for: .milliseconds(200))
                        try await Script.run("SELECT pg_terminate_backend(\(pid))", on: testCluster())
                    }
                }
                Issue.record("the transaction committed")
            } catch let error as PostgresError {
                // The server may give its reason before it closes, so both errors are right.
                switch error {
                case .outcomeUnknown: break
                case .server(let reason): #expect(reason.sqlState == "57P01")
                default: Issue.record("\(error)")
                }
            }
        }
    }

    @Test func `A full connection pool refuses a transaction at its deadline`() async throws {
        try await withTestDatabase(turn: .alone) { test in
            let database = try test.open(writers: 2, patience: 0.3)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        _ = try await database.transaction(as: "test") { tx in
                            try await tx.run(Command("SELECT pg_sleep(1)"))
                        }
                    }
                }
                try await Task.sleep(for: .milliseconds(200))
                let before = ContinuousClock.now
                do {
                    try await database.transaction(as: "test") { try await $0.run(Command("SELECT 1")) }
                    Issue.record("there was a third connection")
                } catch PostgresError.poolExhausted {
                    #expect(ContinuousClock.now - before < .milliseconds(800))
                }
                try await group.waitForAll()
            }
            try await database.transaction(as: "test") { try await $0.run(Command("SELECT 1")) }
            await database.close()
        }
    }

    @Test func `Cancelling a task never undoes another task's commit`() async throws {
        try await withNotes { database, _ in
            let victim = Task {
                try await database.transaction(as: "test") { tx in
                    try await tx.run(insert(1))
                    try await Task.sleep(for: .seconds(5))
                }
            }
            let neighbour = Task {
                try await database.transaction(as: "test") { tx in
                    try await tx.run(insert(2))
                    try await tx.run(Command("SELECT pg_sleep(0.3)"))
                    try await tx.run(insert(3))
                }
            }
            try await Task.sleep(for: .milliseconds(100))
            victim.cancel()
            _ = try? await victim.value
            try await neighbour.value
            #expect(try await database.read(as: "test") { try await $0.all(ids) } == [2, 3])
        }
    }

    @Test func `A connection stays usable after a statement exceeds its time limit`() async throws {
        try await withNotes { database, _ in
            do {
                try await database.transaction(as: "test", within: 0.1) {
                    try await $0.run(Command("SELECT pg_sleep(2)"))
                }
                Issue.record("it took its time")
            } catch let error as PostgresError {
                #expect(error.isUnavailability)
            }
            try await database.transaction(as: "test") { try await $0.run(insert(1)) }
        }
    }
}
