import Foundation
public import Postgres
import Testing

@testable import GuestAPI

extension GuestAPITestService {
    /// Erases a guest's account while a transaction has done some work and has not committed.
    ///
    /// The transaction commits once the erasure waits for it, or is over.
    public func erase(
        _ who: Given.Person,
        during work: @Sendable @escaping (Transaction) async throws -> Void
    ) async throws {
        let (done, hasDone) = AsyncStream.makeStream(of: Void.self)
        let erased = Heard()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { hasDone.finish() }
                try await transaction { tx in
                    try await work(tx)
                    try await tx.flushPending()
                    hasDone.yield()
                    let waiting: SQL = """
                        SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'
                        """
                    while erased.all.isEmpty, try await count(waiting) == 0 {
                        try await Task.sleep(for: .milliseconds(10))
                    }
                }
            }
            tasks.addTask {
                var waiting = done.makeAsyncIterator()
                await waiting.next()
                // A busy machine may refuse the request; then nothing is done, so try again.
                var status = 503
                for _ in 0..<10 where status == 503 {
                    status = try await send("DELETE", "/v1/me", as: who).status
                }
                erased.add("over")
                #expect([200, 204].contains(status))
            }
            try await tasks.waitForAll()
        }
    }
}
