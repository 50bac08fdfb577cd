import Foundation
import GuestModels
import Logging
import Postgres

/// The actor, the time, the environment and the transaction of one action.
///
/// Verbs take an act as their last argument and pass it on. So verbs can call each other, and routes, phones and jobs
/// can call the same verb. All of it commits together or not at all.
struct Act: Sendable {
    let principal: Principal
    /// The time at which everything in the act happens.
    let now: Date
    let app: AppEnvironment
    let tx: Transaction

    /// A logger that adds the request or the job to each line.
    var logger: Logger { app.logger }

    /// A new identifier.
    func id<Subject>() -> Identifier<Subject> { app.ids.next(at: now) }

    /// The same act as another principal, such as the job that carries out a consequence of a guest's action.
    func `as`(_ principal: Principal) -> Act { Act(principal: principal, now: now, app: app, tx: tx) }

    /// The same act at another time, such as the time at which a phone recorded the action.
    func at(_ instant: Date) -> Act { Act(principal: principal, now: instant, app: app, tx: tx) }
}

/// The principal, the time, the environment and the reader of one read.
struct Look: Sendable {
    let principal: Principal
    let now: Date
    let app: AppEnvironment
    let reader: Reader
}

extension AppEnvironment {
    /// An act in a transaction that is open already.
    func act(in tx: Transaction, as principal: Principal, at instant: Date? = nil) -> Act {
        Act(principal: principal, now: instant ?? now(), app: self, tx: tx)
    }

    /// Runs a verb in a transaction of its own, for work that no request asked for.
    @discardableResult
    func act<Value>(
        as principal: Principal,
        within seconds: TimeInterval = 5,
        _ verb: (Act) async throws -> Value
    ) async throws -> Value {
        try await database.transaction(as: principal.setting, within: seconds) { tx in
            try await verb(act(in: tx, as: principal))
        }
    }

    /// Runs a verb that only reads, for work that no request asked for.
    func look<Value>(
        as principal: Principal,
        at pace: Database.Pace = .quick,
        _ verb: (Look) async throws -> Value
    ) async throws -> Value {
        try await database.read(as: principal.setting, at: pace) { reader in
            try await verb(Look(principal: principal, now: now(), app: self, reader: reader))
        }
    }
}
