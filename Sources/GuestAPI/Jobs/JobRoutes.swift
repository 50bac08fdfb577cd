import GuestModels
import Postgres

/// The routes of jobs that were given up, for head office.
enum JobRoutes {
    static let handlers: [String: RouteTable.Handler] = ["listDeadJobs": listDead, "retryJob": retry]

    private static func listDead(_ call: Call) async throws -> Answer {
        try .json(Page(items: await call.read { try await Job.listDead($0) }, next: nil))
    }

    private static func retry(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminJobRetry)
        return try await call.write { act in
            try await Job.retry(id, act)
            return .noContent
        }
    }
}

extension Paths {
    static let adminJobRetry = Path("/v1/admin/jobs/{job}/retry", Job.ID.self)
}
