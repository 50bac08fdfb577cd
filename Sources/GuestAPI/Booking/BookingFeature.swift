import GuestModels
import Postgres
import SyncMessages

extension Feature {
    /// The booking feature: holding, confirming, changing and cancelling stays, with their extras and shares.
    static let booking = Feature(
        name: "booking",
        handlers: [BookingRoutes.handlers, ExtraRoutes.handlers, ShareRoutes.handlers],
        jobs: [ExpireHold.self, ExpireChange.self, Republish.self],
        schedules: [.once(Republish(), key: "all", version: Republish.version)],
        retention: [Retention("quotes", running: { [QuoteSQL.deleteOldQuotes(now: $0)] })]
    )
}
