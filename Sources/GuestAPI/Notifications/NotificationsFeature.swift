import GuestModels
import Postgres

extension Feature {
    /// The notifications feature: phones show their person a notice of something that happened.
    static let notifications = Feature(
        name: "notifications",
        handlers: [NoticeRoutes.handlers],
        jobs: [Notify.self, SendNotice.self],
        retention: [Retention("pushTokens", running: { [NoticeSQL.forgetTokens(now: $0)] })],
        personalData: [.notices]
    )
}
