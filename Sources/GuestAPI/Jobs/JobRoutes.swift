import GuestModels
import Postgres

/// Dead letters, for head office.
enum JobRoutes {
    static let handlers: [String: RouteTable.Handler] = ["listDeadJobs": listDead, "retryJob": retry]

    private static func listDead(_ call: Call) async throws -> Answer {
        try .json(Page(items: await call.read { try await Job.listDead($0) }, next: nil))
    }

    private static func retry(_ call: Call) async throws -> Answer {
        let id: Job.ID = try call.id("job")
        return try await call.write { act in
            try await Job.retry(id, act)
            return .noContent
        }
    }
}
