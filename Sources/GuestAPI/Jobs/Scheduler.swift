import Foundation
import GuestModels
import Logging
import Postgres
import ServiceLifecycle

/// Queues the jobs that the clock makes due.
///
/// Every process runs a scheduler. A row in `job_run` lets only one of them queue each run.
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

    /// Queues the jobs that are due by the features' schedules.
    func tick() async throws {
        let now = app.now()
        let (hour, slot) = (now.beginning(of: 3600), now.beginning(of: 300))
        let day = LocalDate(daysSince1970: Int((now.timeIntervalSince1970 / 86400).rounded(.down)))
        try await app.act(as: .job("schedule")) { act in
            let isNewHour = try await isFirst(CleanUp.kind, hour.rfc3339, act)
            for schedule in app.features.schedules {
                switch schedule {
                case .hourly(let work, let key):
                    if isNewHour { try Job.enqueue(work, key: key, at: now, act) }
                case .daily(let work, let key):
                    if try await isFirst(work, "\(day)", act) { try Job.enqueue(work, key: key, at: now, act) }
                case .everyFiveMinutes(let work, let key, let isWanted):
                    if isWanted(app), try await isFirst(work, slot.rfc3339, act) {
                        try Job.enqueue(work, key: key, at: now, act)
                    }
                case .once(let work, let key, let version):
                    if try await isFirst(work, version, act) { try Job.enqueue(work, key: key, at: now, act) }
                case .dailyAtPark: continue
                }
            }
            for park in try await act.tx.all(JobSQL.parkZones) {
                // Skip a park with an unknown time zone, so that the other parks' jobs are still queued.
                guard let clock = app.clock(of: park.timeZone) else { continue }
                let today = clock.date(at: now)
                for case .dailyAtPark(let time, let make) in app.features.schedules
                where now >= clock.instant(today, time) {
                    let work = make(park.id, today)
                    if try await isFirst(work, "\(park.id) \(today)", act) { try Job.enqueue(work, at: now, act) }
                }
            }
        }
    }

    /// Whether no process has queued this kind of work for this time.
    private func isFirst(_ work: any Work, _ due: String, _ act: Act) async throws -> Bool {
        try await isFirst(type(of: work).kind, due, act)
    }

    private func isFirst(_ kind: String, _ due: String, _ act: Act) async throws -> Bool {
        try await act.tx.first(JobSQL.beginRun(kind, due: due, at: act.now)) != nil
    }
}

extension Date {
    /// The start of the span in which this date lies; spans of `seconds` are counted from 1970.
    fileprivate func beginning(of seconds: Double) -> Date {
        Date(timeIntervalSince1970: (timeIntervalSince1970 / seconds).rounded(.down) * seconds)
    }
}

/// Deletes old data, as the features' retention says.
///
/// Each retention has its own job and deletes in portions; another portion follows a full one at once. So rows are
/// locked only briefly, and an error in one retention stops no other.
struct CleanUp: Work {
    static let kind = "cleanUp"
    static let queue = Job.Queue.effects

    /// The name of the retention to apply; nil queues one job for each retention.
    var part: String?

    func finish(_ act: Act) async throws {
        guard let part else {
            for part in act.app.features.retention.keys.sorted() {
                try Job.enqueue(CleanUp(part: part), at: act.now, act)
            }
            return
        }
        guard let retention = act.app.features.retention[part] else {
            throw Inconsistency("no feature forgets \(part)")
        }
        // Queue the next portion without a key: a key would replace this running job.
        if try await retention.forget(act) { try Job.enqueue(self, at: act.now, act) }
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
        let before = app.now().addingTimeInterval(-86400)
        try await Files.forgetUnfinished(in: URL(filePath: app.settings.stateFolder), before: before)
    }
}
