import Foundation
import GuestModels
import Logging
import Postgres
import ServiceLifecycle
import Sync

/// Enqueues what is due by the clock.
///
/// Every process runs one; `job_run` lets one of them win each time.
struct Scheduler: Service {
    let app: AppEnvironment

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await tick()
                } catch {
                    app.logger.warning("schedule failed", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: .seconds(30))
            }
        }
    }

    /// Every hour: cleaning up, and checking what has changed in the ledger.
    ///
    /// Every day: checking all of the ledger.
    ///
    /// Every five minutes: reading the provider's books.
    ///
    /// Every day on the park's own clock: checking its occupancy at three, writing down what the day
    /// before has earned at four, reminding who has to pay at ten.
    func tick() async throws {
        let now = app.now()
        try await app.database.transaction(as: Principal.job("schedule").setting) { tx in
            let hour = Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 3600).rounded(.down) * 3600)
            if try await tx.first(JobSQL.beginRun(CleanUp.kind, due: hour.rfc3339, at: now)) != nil {
                try Job.enqueue(CleanUp(), at: now, app, in: tx)
                try Job.enqueue(ForgetRegister(), at: now, app, in: tx)
                try Job.enqueue(ForgetPhotos(), at: now, app, in: tx)
                try Job.enqueue(CheckLedger(pass: .recent), key: "recent", at: now, app, in: tx)
            }
            // Once for each version that shows bookings otherwise than the one before.
            if try await tx.first(JobSQL.beginRun(Republish.kind, due: Republish.version, at: now)) != nil {
                try Job.enqueue(Republish(), key: "all", at: now, app, in: tx)
            }
            let day = LocalDate(daysSince1970: Int((now.timeIntervalSince1970 / 86400).rounded(.down)))
            if try await tx.first(JobSQL.beginRun(CheckLedger.kind, due: "\(day)", at: now)) != nil {
                try Job.enqueue(CheckLedger(pass: .all), key: "all", at: now, app, in: tx)
            }
            let slot = Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 300).rounded(.down) * 300)
            if app.payments != nil,
                try await tx.first(JobSQL.beginRun(ReadBooks.kind, due: slot.rfc3339, at: now)) != nil
            {
                try Job.enqueue(ReadBooks(), key: "now", at: now, app, in: tx)
            }
            for park in try await tx.all(JobSQL.parkZones) {
                guard let clock = ParkClock(timeZone: park.timeZone) else { continue }
                let today = clock.date(at: now)
                func daily(_ work: some Work, at time: LocalTime?) async throws {
                    guard let time, now >= clock.instant(today, time) else { return }
                    let kind = type(of: work).kind
                    if try await tx.first(JobSQL.beginRun(kind, due: "\(park.id) \(today)", at: now)) != nil {
                        try Job.enqueue(work, at: now, app, in: tx)
                    }
                }
                try await daily(CheckOccupancy(parkId: park.id), at: LocalTime("03:00"))
                try await daily(EarnRevenue(parkId: park.id, day: today.adding(days: -1)), at: LocalTime("04:00"))
                try await daily(RemindPayers(parkId: park.id, day: today), at: LocalTime("10:00"))
            }
        }
    }
}

/// Deletes register entries on the day the law says.
///
/// A job of its own, so that an error in `CleanUp` cannot delay it.
struct ForgetRegister: Work {
    static let kind = "forgetRegister"
    static let queue = Job.Queue.effects

    func finish(_ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        try await tx.run(ArrivalSQL.forgetRegister(now: now))
    }
}

/// Deletes what has served its time: tokens, attempts, idempotency keys, the record of old runs.
struct CleanUp: Work {
    static let kind = "cleanUp"
    static let queue = Job.Queue.effects

    func finish(_ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        for row in try await tx.all(GroupSQL.forgetTravellers(before: now.addingTimeInterval(-400 * 86400))) {
            tx.publish(row.traveller, .traveller, to: .group(row.group))
        }
        try await tx.run(
            IdentitySQL.deleteOldTokens(now: now) + [
                IdempotencySQL.deleteExpired(now: now), JobSQL.deleteOldRuns(now: now),
                BookingSQL.deleteOldQuotes(now: now), AttemptSQL.deleteOldEvents(now: now),
                NoticeSQL.forgetTokens(now: now),
            ] + SyncSQL.forgetDeletions(before: now.addingTimeInterval(-90 * 86400))
                + SyncSQL.deleteOld(before: now.addingTimeInterval(-400 * 86400))
                + [
                    PlanningSQL.deleteOld(before: now.addingTimeInterval(-90 * 86400)),
                    SystemCredentialSQL.deleteEnded(before: now.addingTimeInterval(-400 * 86400)),
                    ImportSQL.forgetForestalled(before: now.addingTimeInterval(-400 * 86400)),
                ]
        )
    }
}
