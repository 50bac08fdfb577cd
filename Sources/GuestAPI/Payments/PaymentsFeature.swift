import GuestModels
import Postgres

extension Feature {
    /// Collecting, giving back, the till, invoices and the books.
    static let payments = Feature(
        name: "payments",
        handlers: [
            AttemptRoutes.handlers, CoverRoutes.handlers, DebtRoutes.handlers, GoodwillRoutes.handlers,
            InvoiceRoutes.handlers, LedgerRoutes.handlers, PayLinkRoutes.handlers, TillRoutes.handlers,
        ],
        jobs: [
            RemindPayers.self, Overpaid.self, EndPayments.self, LapseDeposit.self, LapseShares.self, LeftOwing.self,
            ReconcileAttempt.self, ReconcileRefund.self, ReviewCharge.self, ReadEvent.self, ReadBooks.self,
            EarnRevenue.self, CheckLedger.self,
        ],
        schedules: [
            .hourly(CheckLedger(pass: .recent), key: "recent"),
            .daily(CheckLedger(pass: .all), key: "all"),
            .everyFiveMinutes(ReadBooks(), key: "now") { $0.payments != nil },
            .dailyAtPark(LocalTime(constant: "04:00")) { park, today in
                EarnRevenue(parkId: park, day: today.adding(days: -1))
            },
            .dailyAtPark(LocalTime(constant: "10:00")) { park, today in RemindPayers(parkId: park, day: today) },
        ],
        retention: [Retention("events", running: { [ProviderEventSQL.deleteOldEvents(now: $0)] })],
        personalData: [.payments],
        regroupings: [.shares]
    )
}
