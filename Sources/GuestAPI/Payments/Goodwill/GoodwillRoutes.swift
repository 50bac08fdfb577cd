import GuestModels
import HTTPTypes
import Postgres

/// Goodwill within and above the mandates.
enum GoodwillRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "giveGoodwill": giveGoodwill, "approveGoodwill": approveGoodwill, "refuseGoodwill": refuseGoodwill,
        "listGoodwill": listGoodwill,
    ]

    private static func giveGoodwill(_ call: Call) async throws -> Answer {
        let request = try call.body(GoodwillRequest.self)
        let share = try call.path(Paths.adminShareGoodwill)
        return try await call.write { act in
            let given = try await Goodwill.give(request, for: share, act)
            return try .json(given, given.state == .given ? .created : .accepted)
        }
    }

    private static func approveGoodwill(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminGoodwillApproval)
        return try await call.write { act in
            try .json(await Goodwill.approve(id, act))
        }
    }

    private static func refuseGoodwill(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminGoodwillRefusal)
        let reason = try call.bytes.isEmpty ? nil : call.body(ReasonRequest.self).reason
        return try await call.write { act in
            try .json(await Goodwill.refuse(id, for: reason, act))
        }
    }

    private static func listGoodwill(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkGoodwill)
        var query = QueryReader(call)
        let cursor = query.optional("cursor", as: Goodwill.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        return try await .json(call.read { try await Goodwill.listAsked(at: park, after: cursor, limit: limit, $0) })
    }
}
