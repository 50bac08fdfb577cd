import GuestModels
import Postgres

/// The overdue shares of a park's stays.
enum Debts {
    static func list(
        at park: Park.ID,
        after cursor: Share.ID?,
        limit: Int,
        _ look: Look
    ) async throws -> Page<DebtSQL.Debt> {
        try look.principal.require([.reception, .finance], at: park)
        let today = try await Park.today(at: park, look)
        let rows = try await look.reader.all(DebtSQL.debts(of: park, on: today, after: cursor, limit: limit + 1))
        return Page(rows, limit: limit) { $0.shareId.description }
    }
}
