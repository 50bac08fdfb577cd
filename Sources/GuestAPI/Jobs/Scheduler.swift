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
                    app.metrics.met(error)
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
        try await app.act(as: .job("schedule")) { act in
            let hour = Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 3600).rounded(.down) * 3600)
            if try await act.tx.first(JobSQL.beginRun(CleanUp.kind, due: hour.rfc3339, at: now)) != nil {
                try Job.enqueue(CleanUp(), at: now, act)
                try Job.enqueue(ForgetRegister(), at: now, act)
                try Job.enqueue(ForgetPhotos(), at: now, act)
                try Job.enqueue(ForgetSpool(), at: now, act)
                try Job.enqueue(CheckLedger(pass: .recent), key: "recent", at: now, act)
            }
            // Once for each version that shows bookings otherwise than the one before.
            if try await act.tx.first(JobSQL.beginRun(Republish.kind, due: Republish.version, at: now)) != nil {
                try Job.enqueue(Republish(), key: "all", at: now, act)
            }
            let day = LocalDate(daysSince1970: Int((now.timeIntervalSince1970 / 86400).rounded(.down)))
            if try await act.tx.first(JobSQL.beginRun(CheckLedger.kind, due: "\(day)", at: now)) != nil {
                try Job.enqueue(CheckLedger(pass: .all), key: "all", at: now, act)
            }
            let slot = Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 300).rounded(.down) * 300)
            if app.payments != nil,
                try await act.tx.first(JobSQL.beginRun(ReadBooks.kind, due: slot.rfc3339, at: now)) != nil
            {
                try Job.enqueue(ReadBooks(), key: "now", at: now, act)
            }
            for park in try await act.tx.all(JobSQL.parkZones) {
                // The other parks' days go on.
                guard let clock = app.clock(of: park.timeZone) else { continue }
                let today = clock.date(at: now)
                func daily(_ work: some Work, at time: LocalTime) async throws {
                    guard now >= clock.instant(today, time) else { return }
                    let kind = type(of: work).kind
                    if try await act.tx.first(JobSQL.beginRun(kind, due: "\(park.id) \(today)", at: now)) != nil {
                        try Job.enqueue(work, at: now, act)
                    }
                }
                try await daily(CheckOccupancy(parkId: park.id), at: LocalTime(constant: "03:00"))
                let yesterday = today.adding(days: -1)
                try await daily(EarnRevenue(parkId: park.id, day: yesterday), at: LocalTime(constant: "04:00"))
                try await daily(RemindPayers(parkId: park.id, day: today), at: LocalTime(constant: "10:00"))
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

    func finish(_ act: Act) async throws {
        try await act.tx.run(ArrivalSQL.forgetRegister(now: act.now))
    }
}

/// Deletes what has served its time: tokens, attempts, idempotency keys, old news, the record of old runs.
///
/// Each kind is a job of its own, in portions: while a portion was full, the next follows at once. So nothing is locked for
/// long, and an error with one kind stops no other.
struct CleanUp: Work {
    static let kind = "cleanUp"
    static let queue = Job.Queue.effects

    enum Part: String, Codable, CaseIterable, Sendable {
        case travellers, tokens, audit, answers, runs, quotes, events, pushTokens, feed, deletions, devices, plans,
            systems
        case reports
    }

    /// nil: one job for each.
    var part: Part?

    func finish(_ act: Act) async throws {
        guard let part else {
            for part in Part.allCases { try Job.enqueue(CleanUp(part: part), at: act.now, act) }
            return
        }
        guard try await forget(part, act) else { return }
        // Without a key: one of its own would be this very job.
        try Job.enqueue(self, at: act.now, act)
    }

    /// - Returns: whether there may be more.
    private func forget(_ part: Part, _ act: Act) async throws -> Bool {
        func ago(_ days: Double) -> Date { act.now.addingTimeInterval(-days * 86400) }
        func isFull(_ commands: [Command]) async throws -> Bool {
            var isFull = false
            for command in commands { isFull = try await act.tx.run(command) == Command.portion || isFull }
            return isFull
        }
        switch part {
        case .travellers:
            let travellers = try await act.tx.all(GroupSQL.forgetTravellers(before: ago(400)))
            for row in travellers { act.tx.publish(row.traveller, .traveller, to: .group(row.group)) }
            return travellers.count == GroupSQL.travellersForgotten
        case .deletions:
            let deletions = SyncSQL.forgetDeletions(before: ago(90))
            try await act.tx.run(deletions.lock)
            return try await act.tx.first(deletions.forget) == Command.portion
        case .tokens: return try await isFull(IdentitySQL.deleteOldTokens(now: act.now))
        case .audit: return try await isFull(IdentitySQL.forgetAudit(now: act.now))
        case .answers: return try await isFull([IdempotencySQL.deleteExpired(now: act.now)])
        case .runs: return try await isFull([JobSQL.deleteOldRuns(now: act.now)])
        case .quotes: return try await isFull([BookingSQL.deleteOldQuotes(now: act.now)])
        case .events: return try await isFull([AttemptSQL.deleteOldEvents(now: act.now)])
        case .pushTokens: return try await isFull([NoticeSQL.forgetTokens(now: act.now)])
        case .feed: return try await isFull([DeskSQL.forgetChanges(before: ago(90), at: act.now)])
        case .devices: return try await isFull(SyncSQL.deleteOld(before: ago(400)))
        case .plans: return try await isFull([PlanningSQL.deleteOld(before: ago(90))])
        case .systems: return try await isFull([SystemCredentialSQL.deleteEnded(before: ago(400))])
        case .reports: return try await isFull([ImportSQL.forgetForestalled(before: ago(400))])
        }
    }
}

/// Deletes mails and notices that have lain in the spool for thirty days.
struct ForgetSpool: Work {
    static let kind = "forgetSpool"
    static let queue = Job.Queue.mail

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        for kind in ["mail", "push"] {
            try await Spool(app.settings, kind).forget(before: app.now().addingTimeInterval(-30 * 86400))
        }
    }
}
