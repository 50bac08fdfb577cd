import GuestModels
import Postgres

/// Dead letters, for head office.
enum JobRoutes {
    static let handlers: [String: RouteTable.Handler] = ["listDeadJobs": listDead, "retryJob": retry]

    private static func listDead(_ call: Call) async throws -> Answer {
        try .json(
            Page(items: await call.read { try await $0.reader.all(JobSQL.list(onlyDead: true, limit: 500)) }, next: nil)
        )
    }

    private static func retry(_ call: Call) async throws -> Answer {
        let id: Job.ID = try call.id("job")
        return try await call.write { act in
            guard try await act.tx.run(JobSQL.retry(id, at: call.now)) == 1 else { throw Refusal.notFound }
            try Audit.record("job.retry", target: id.uuid, act)
            return .noContent
        }
    }
}
