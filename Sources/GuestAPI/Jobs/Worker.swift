import Foundation
import GuestModels
import Logging
import Postgres
import ServiceLifecycle

/// Takes jobs of a queue under a lease and does them.
///
/// Any number of workers may run, in any number of processes.
///
/// If a worker dies, its lease runs out within `leaseSeconds`, and another worker takes its jobs over. A worker that
/// has lost its lease cannot end the job, so the job's effects are rolled back.
struct Worker: Service {
    static let leaseSeconds = 4.0
    private static let batch = 20

    let app: AppEnvironment
    let queue: Job.Queue

    /// The workers of this process: as many as the settings say for effects, and one for each other queue.
    static func all(_ app: AppEnvironment, queues: [Job.Queue]) -> [any Service] {
        queues.flatMap { queue in
            (0..<(queue.isOutside ? 1 : max(1, app.settings.workers))).map { _ in Worker(app: app, queue: queue) }
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await work() }
    }

    private func work() async {
        while !Task.isCancelled {
            do {
                if try await round() == 0 { await app.bell.sleep(for: queue, atMost: .milliseconds(200)) }
            } catch is CancellationError {
                return
            } catch {
                app.logger.warning("worker round failed", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// Does up to one batch that is due now; answers how many jobs there were.
    @discardableResult
    func round() async throws -> Int {
        let lease = UUID()
        let jobs = try await app.act(as: .job("claim")) { act in
            try await act.tx.all(
                JobSQL.claim(
                    queue,
                    app.features.jobKinds,
                    lease: lease,
                    seconds: Self.leaseSeconds,
                    limit: Self.batch,
                    now: app.now()
                )
            )
        }
        guard !jobs.isEmpty else { return 0 }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await keepAlive(lease) }
            if queue.isOutside {
                await withTaskGroup(of: Void.self) { jobsOfBatch in
                    for job in jobs { jobsOfBatch.addTask { await perform(job, lease) } }
                }
            } else {
                for job in jobs where !Task.isCancelled { await perform(job, lease) }
            }
            group.cancelAll()
        }
        if Task.isCancelled {
            // The worker was stopped within a batch: release the other jobs, so that they may be taken at once.
            let app = app
            _ = await Task {
                try? await app.database.transaction(as: Principal.job("claim").setting) {
                    try await $0.run(JobSQL.release(lease))
                }
            }.value
        }
        return jobs.count
    }

    private func keepAlive(_ lease: UUID) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            guard !Task.isCancelled else { return }
            _ = try? await app.leases.transaction(as: Principal.job("claim").setting) { tx in
                try await tx.run(JobSQL.renew(lease, seconds: Self.leaseSeconds))
            }
        }
    }

    private struct LeaseLost: Error {}

    private func perform(_ job: Job, _ lease: UUID) async {
        let app = app.logging(["job": "\(job.id)", "kind": "\(job.kind)"])
        do {
            let work = try job.work(app.features)
            try await work.deliver(job.id, app)
            try await app.act(as: .job(job.kind), within: 60) { act in
                try await work.finish(act)
                let next = try await work.again(act)
                // Do this last, so that a new time set by others while the job runs is kept.
                let end =
                    next.map { JobSQL.again(job.id, lease: lease, at: $0) } ?? JobSQL.complete(job.id, lease: lease)
                guard try await act.tx.run(end) == 1 else { throw LeaseLost() }
            }
            app.metrics.worked(job.kind, "done")
        } catch is LeaseLost {
            app.metrics.worked(job.kind, "lost")
        } catch is CancellationError {
            return
        } catch {
            await fail(job, lease, error, app)
        }
    }

    private func fail(_ job: Job, _ lease: UUID, _ error: any Error, _ app: AppEnvironment) async {
        let patience = job.patience(app.features)
        let isDead = job.attempts + 1 >= patience.tries
        app.metrics.worked(job.kind, isDead ? "dead" : "failed")
        app.metrics.met(error)
        app.logger.log(
            level: isDead ? .error : .warning,
            "job failed",
            metadata: ["attempt": "\(job.attempts + 1)", "error": "\(error)"]
        )
        let now = app.now()
        let command = JobSQL.fail(
            job.id,
            lease: lease,
            error: String(String(reflecting: error).prefix(500)),
            retryAt: now.addingTimeInterval(job.backoff(atMost: patience.pause)),
            deadAt: isDead ? now : nil
        )
        _ = try? await app.database.transaction(as: Principal.job(job.kind).setting) { try await $0.run(command) }
    }
}
