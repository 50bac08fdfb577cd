import GuestModels
import Postgres

extension Feature {
    /// The work of reception for guests and for the park, and the change feed for other systems.
    static let desk = Feature(
        name: "desk",
        handlers: [DeskRoutes.handlers, TaskRoutes.handlers],
        retention: [
            Retention(
                "feed",
                running: { [DeskSQL.forgetChanges(before: $0.earlier(days: 90), at: $0)] }
            )
        ]
    )
}
