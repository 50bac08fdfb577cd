import GuestModels
import Postgres

/// What is still to be paid for stays of a park.
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
