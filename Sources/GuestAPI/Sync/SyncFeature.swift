import GuestModels
import Postgres

extension Feature {
    /// The sync feature: phones pull what they show, and push what was done on them offline.
    static let sync = Feature(
        name: "sync",
        handlers: [SyncRoutes.handlers],
        retention: [
            Retention("deletions") { act in
                let deletions = SyncSQL.forgetDeletions(before: act.now.earlier(days: 90))
                try await act.tx.run(deletions.lock)
                return try await act.tx.first(deletions.forget) == Command.portion
            },
            Retention("devices", running: { SyncSQL.deleteOld(before: $0.earlier(days: 400)) }),
        ],
        personalData: [.sync]
    )
}
