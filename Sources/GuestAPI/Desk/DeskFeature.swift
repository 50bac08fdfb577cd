import GuestModels
import Postgres

extension Feature {
    /// What reception does, for guests and for the park, and what other systems hear of it.
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
