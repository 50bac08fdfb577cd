import Foundation
import Postgres
import TestKit
import Testing

@Suite struct CopyAndListenTests {
    /// Rows that are made on demand, so that the test's own memory stays small.
    private struct Rows: AsyncSequence {
        typealias Failure = any Error
        let count: Int
        let broken: Bool
        struct Iterator: AsyncIteratorProtocol {
            var next = 0
            let count: Int
            let broken: Bool
            mutating func next() async throws -> [UInt8]? {
                guard next < count else { return nil }
                let end = Swift.min(next + 2000, count)
                var text = ""
                for row in next..<end { text += "\(row)\trow number \(row)\n" }
                if broken { text += "not a number\tx\n" }
                next = end
                return Array(text.utf8)
            }
        }
        func makeAsyncIterator() -> Iterator { Iterator(count: count, broken: broken) }
    }

    private func residentKiB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.split(separator: " ").dropLast().last ?? ""))
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/status")))
    func `COPY moves a million rows in and out in constant memory`() async throws {
        try await withTestDatabase(turn: .alone) { test in
            try await Script.run("CREATE TABLE big (id int, text text)", on: test.connectionString)
            let database = try test.open()
            let before = try residentKiB()
            let count = try await database.transaction(as: "test", within: 120) { tx in
                try await tx.copyIn("COPY big (id, text) FROM STDIN", Rows(count: 1_000_000, broken: false))
            }
            #expect(count == 1_000_000)
            var lines = 0
            var largest = 0
            try await database.transaction(as: "test", within: 120) { tx in
                try await tx.copyOut("COPY big (id, text) TO STDOUT") { bytes in
                    largest = max(largest, bytes.count)
                    for byte in bytes where byte == 10 { lines += 1 }
                }
                // After the copy the connection works as before.
                #expect(
                    try await tx.first(Query("SELECT count(*) AS n FROM big") { try $0.decode("n", as: Int.self) })
                        == 1_000_000
                )
            }
            #expect(lines == 1_000_000)
            #expect(largest < 1 << 20)
            // The rows are 30 MB; other tests run beside this one, so some growth is theirs.
            #expect(try residentKiB() - before < 200_000)
            await database.close()
        }
    }

    @Test func `A bad row fails the whole COPY command`() async throws {
        try await withTestDatabase { test in
            try await Script.run("CREATE TABLE big (id int, text text)", on: test.connectionString)
            let database = try test.open()
            do {
                try await database.transaction(as: "test") { tx in
                    _ = try await tx.copyIn("COPY big (id, text) FROM STDIN", Rows(count: 10, broken: true))
                }
                Issue.record("the row was accepted")
            } catch PostgresError.server(let error) {
                #expect(error.sqlState == "22P02")
            }
            let count = Query("SELECT count(*) AS n FROM big") { try $0.decode("n", as: Int.self) }
            #expect(try await database.read(as: "test") { try await $0.first(count) } == 0)
            await database.close()
        }
    }

    @Test func `A listener hears again after its backend was killed`() async throws {
        try await withTestDatabase { test in
            var events = Listener(connectionString: test.connectionString, channels: ["woods"]).events
                .makeAsyncIterator()
            #expect(await events.next() == .connected)
            try await Script.run("NOTIFY woods, 'one'", on: test.connectionString)
            #expect(await events.next() == .notification(channel: "woods", payload: "one"))
            let kill = """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = '\(test.name)' AND query LIKE 'LISTEN%'
                """
            try await Script.run(kill, on: testCluster())
            #expect(await events.next() == .connected)
            try await Script.run("NOTIFY woods, 'two'", on: test.connectionString)
            #expect(await events.next() == .notification(channel: "woods", payload: "two"))
        }
    }
}
