import GuestModels
import HTTPTypes
import Postgres

/// Routes for the debts of households to a park.
enum DebtRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listDebts": listDebts
    ]

    private static func listDebts(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkDebts)
        var query = QueryReader(call)
        let cursor = query.optional("cursor", as: Share.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        return try await .json(call.read { try await Debts.list(at: park, after: cursor, limit: limit, $0) })
    }
}
