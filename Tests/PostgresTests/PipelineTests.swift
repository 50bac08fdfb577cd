import Foundation
import Postgres
import Synchronization
import TestKit
import Testing

@Suite struct PipelineTests {
    @Test func `1,000 concurrent queries of the database each get their own answer`() async throws {
        try await withTestDatabase { test in
            let database = try test.open(readers: 2)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        let answer = try await database.read(as: "p\(number)") { reader in
                            try await reader.first(
                                Query(
                                    """
                                    SELECT \(number)::int + 1 AS sum, current_setting('app.principal') AS principal,
                                    repeat('x', \(number)) AS text
                                    """
                                ) { row in
                                    (
                                        try row.decode("sum", as: Int.self),
                                        try row.decode("principal", as: String.self),
                                        try row.decode("text", as: String.self).count
                                    )
                                }
                            )
                        }
                        return answer?.0 == number + 1 && answer?.1 == "p\(number)" && answer?.2 == number
                    }
                }
                var right = 0
                for try await matched in group where matched { right += 1 }
                #expect(right == 1000)
            }
            await database.close()
        }
    }

    @Test func `An error in the pipeline reaches only its own query`() async throws {
        try await withTestDatabase { test in
            let database = try test.open(readers: 1)
            let outcomes = await withTaskGroup(of: (Int, Int?).self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let divisor = number % 3
                        let value = try? await database.read(as: "test") { reader in
                            try await reader.first(
                                Query("SELECT \(number)::int / \(divisor)::int AS value") {
                                    try $0.decode("value", as: Int.self)
                                }
                            )
                        }
                        return (number, value ?? nil)
                    }
                }
                return await group.reduce(into: [Int: Int?]()) { $0[$1.0] = $1.1 }
            }
            for number in 0..<200 {
                #expect(outcomes[number] == .some(number % 3 == 0 ? nil : number / (number % 3)))
            }
            await database.close()
        }
    }

    @Test func `Two queries in one pipeline segment share a transaction`() async throws {
        try await withTestDatabase { test in
            let database = try test.open()
            let (left, right) = try await database.read(as: "test") { reader in
                try await reader.all(
                    Query("SELECT now()::text AS at, 1 AS one") { try $0.decode("at", as: String.self) },
                    Query("SELECT now()::text AS at FROM generate_series(1, 2)") {
                        try $0.decode("at", as: String.self)
                    }
                )
            }
            #expect(left.count == 1)
            #expect(right == [left[0], left[0]])
            await database.close()
        }
    }

    @Test func `A slow read does not delay fast reads`() async throws {
        try await withTestDatabase(turn: .alone) { test in
            let database = try test.open(readers: 1, slowReaders: 1)
            let isOver = Mutex(false)
            let slow = Task {
                defer { isOver.withLock { $0 = true } }
                // The query takes longer than the statement timeout.
                _ = try await database.read(as: "test", at: .slow) { reader in
                    try await reader.first(
                        Query("SELECT pg_sleep(30)::text AS s") { try $0.decode("s", as: String.self) }
                    )
                }
            }
            for number in 0..<5 {
                let answer = try await database.read(as: "test") { reader in
                    try await reader.first(Query("SELECT \(number)::int AS n") { try $0.decode("n", as: Int.self) })
                }
                #expect(answer == number)
            }
            #expect(!isOver.withLock { $0 })
            slow.cancel()
            _ = await slow.result
            await database.close()
        }
    }

    @Test func `A cancelled read stops waiting without disturbing other reads`() async throws {
        try await withTestDatabase(turn: .alone) { test in
            let database = try test.open(readers: 1)
            func slow(_ number: Int) -> Task<Int?, any Error> {
                Task {
                    try await database.read(as: "test") { reader in
                        try await reader.first(
                            Query("SELECT \(number)::int AS n, pg_sleep(0.3)::text AS s") {
                                try $0.decode("n", as: Int.self)
                            }
                        )
                    }
                }
            }
            let first = slow(1)
            let victim = slow(2)
            let third = slow(3)
            try await Task.sleep(for: .milliseconds(100))
            let before = ContinuousClock.now
            victim.cancel()
            await #expect(throws: CancellationError.self) { _ = try await victim.value }
            #expect(ContinuousClock.now - before < .milliseconds(200))
            #expect(try await first.value == 1)
            #expect(try await third.value == 3)
            await database.close()
        }
    }

    @Test func `A killed read connection is replaced without an error`() async throws {
        try await withTestDatabase { test in
            let database = try test.open(readers: 2)
            for _ in 0..<5 {
                let before = try await database.read(as: "test") { reader in
                    try await reader.first(
                        Query("SELECT pg_backend_pid() AS pid") { try $0.decode("pid", as: Int.self) }
                    )
                }
                try await Script.run("SELECT pg_terminate_backend(\(before ?? 0))", on: testCluster())
                let after = try await database.read(as: "test") { reader in
                    try await reader.first(
                        Query("SELECT pg_backend_pid() AS pid") { try $0.decode("pid", as: Int.self) }
                    )
                }
                #expect(after != before)
            }
            await database.close()
        }
    }

    @Test func `A query still works after its table gets a new column`() async throws {
        try await withTestDatabase { test in
            let database = try test.open(readers: 1)
            try await Script.run("CREATE TABLE tent (id int); INSERT INTO tent VALUES (1)", on: test.connectionString)
            let query = Query("SELECT * FROM tent") { try $0.decode("id", as: Int64.self) }
            #expect(try await database.read(as: "test") { try await $0.all(query) } == [1])
            try await Script.run("ALTER TABLE tent ADD COLUMN colour text", on: test.connectionString)
            #expect(try await database.read(as: "test") { try await $0.all(query) } == [1])
            #expect(try await database.transaction(as: "test") { try await $0.all(query) } == [1])
            try await Script.run("ALTER TABLE tent ADD COLUMN pegs int", on: test.connectionString)
            #expect(try await database.transaction(as: "test") { try await $0.all(query) } == [1])
            await database.close()
        }
    }

    @Test func `A query on a frozen backend is repeated on another connection`() async throws {
        try await withTestDatabase { test in
            let database = try test.open(readers: 2)
            let pid = try await database.read(as: "test") { reader in
                try await reader.first(Query("SELECT pg_backend_pid() AS pid") { try $0.decode("pid", as: Int32.self) })
            }
            let frozen = try #require(pid)
            #expect(kill(frozen, SIGSTOP) == 0)
            defer { _ = kill(frozen, SIGCONT) }
            let answers = try await withThrowingTaskGroup(of: Int?.self) { tasks in
                for number in 0..<8 {
                    tasks.addTask {
                        try await database.read(as: "test") { reader in
                            try await reader.first(
                                Query("SELECT \(number)::int AS n") { try $0.decode("n", as: Int.self) }
                            )
                        }
                    }
                }
                return try await tasks.reduce(into: Set<Int?>()) { $0.insert($1) }
            }
            #expect(answers == Set((0..<8).map(Optional.some)))
            await database.close()
        }
    }

    @Test func `A closed pool refuses readers and writers at once`() async throws {
        try await withTestDatabase { test in
            let database = try test.open()
            let one = Query("SELECT 1 AS one") { try $0.decode("one", as: Int.self) }
            #expect(try await database.read(as: "test") { try await $0.first(one) } == 1)
            await database.close()
            // The pool also answers after its thread has ended.
            for _ in 0..<3 {
                await #expect(throws: PostgresError.self) {
                    _ = try await database.read(as: "test") { try await $0.first(one) }
                }
                await #expect(throws: PostgresError.self) {
                    _ = try await database.transaction(as: "test") { try await $0.first(one) }
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
