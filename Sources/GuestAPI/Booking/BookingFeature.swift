import GuestModels
import Postgres
import SyncMessages

extension Feature {
    /// Holding, confirming, changing and cancelling stays, their extras and who owes what of them.
    static let booking = Feature(
        name: "booking",
        handlers: [BookingRoutes.handlers, ExtraRoutes.handlers, ShareRoutes.handlers],
        jobs: [ExpireHold.self, ExpireChange.self, Republish.self],
        schedules: [.once(Republish(), key: "all", version: Republish.version)],
        retention: [Retention("quotes", running: { [QuoteSQL.deleteOldQuotes(now: $0)] })]
    )
}
