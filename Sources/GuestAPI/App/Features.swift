public import Foundation
public import GuestModels
public import Logging

/// All features of the service; each feature comes after the features that it calls.
enum Features {
    static let all: [Feature] = [
        .service, .identity, .notifications, .uploads, .parks, .groups, .booking, .arrival, .guestBook, .desk,
        .payments,
        .importing, .planning, .albums, .messages, .sync,
    ]
}

extension Feature {
    /// The feature for parts that belong to no other feature: dead jobs, mail and documentation.
    fileprivate static let service = Feature(
        name: "service",
        handlers: [JobRoutes.handlers, DocsRoutes.handlers],
        jobs: [Mail.self, EraseSpool.self, ForgetSpool.self, NoteErasure.self, CleanUp.self],
        schedules: [.hourly(CleanUp()), .hourly(ForgetSpool())],
        retention: [
            Retention("answers", running: { [IdempotencySQL.deleteExpired(now: $0)] }),
            Retention("runs", running: { [JobSQL.deleteOldRuns(now: $0)] }),
        ]
    )
}

extension AppEnvironment {
    /// Makes the environment of the service with all its features.
    ///
    /// - Throws: if the database address cannot be read, or if two features declare the same name.
    public init(
        settings: Settings,
        now: @escaping @Sendable () -> Date = { Date() },
        ids: IdentifierSource = .random,
        secret: ServerSecret,
        logger: Logger
    ) throws {
        try self.init(
            features: FeatureTable(Features.all),
            settings: settings,
            now: now,
            ids: ids,
            secret: secret,
            logger: logger
        )
    }
}
