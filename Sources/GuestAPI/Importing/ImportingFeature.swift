import GuestModels
import Postgres

extension Feature {
    /// Reservations of a property system.
    static let importing = Feature(
        name: "importing",
        handlers: [ReservationRoutes.handlers],
        retention: [
            Retention(
                "reports",
                running: { [ImportSQL.forgetForestalled(before: $0.earlier(days: 400))] }
            )
        ]
    )
}
