import GuestModels
import HTTPTypes
import Postgres

/// Head office's routes for the systems of a park.
enum SystemCredentialRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listCredentials": list, "makeCredential": make, "endCredential": end,
    ]

    private static func list(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkCredentials)
        let items = try await call.read { try await SystemCredential.list(at: park, $0) }
        return try .json(Page(items: items, next: nil))
    }

    private static func make(_ call: Call) async throws -> Answer {
        let request = try call.body(SystemCredentialRequest.self)
        let park = try call.path(Paths.adminParkCredentials)
        return try await call.write { act in
            try .json(await SystemCredential.make(request, at: park, act), .created)
        }
    }

    private static func end(_ call: Call) async throws -> Answer {
        let (park, id) = try call.path(Paths.adminParkCredential)
        let answer = try await call.write { act in
            try await SystemCredential.end(id, at: park, act)
            return .noContent
        }
        call.app.authenticator.forget()
        return answer
    }
}
