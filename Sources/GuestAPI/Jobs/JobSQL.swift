import Foundation
import GuestModels
import Postgres

enum JobSQL {
    static func insert(
        _ id: Job.ID,
        queue: Job.Queue,
        kind: String,
        arguments: JSONText,
        key: String?,
        due: Date
    ) -> Command {
        Command(
            """
            INSERT INTO job (id, queue, kind, arguments, key, run_at)
            VALUES (\(id), \(queue.rawValue), \(kind), \(arguments), \(key), \(due))
            ON CONFLICT (kind, key) DO UPDATE
            SET arguments = EXCLUDED.arguments, run_at = EXCLUDED.run_at, attempts = 0, dead_at = NULL,
                lease = NULL, leased_until = NULL
            """
        )
    }

    /// Leases up to `limit` jobs for `seconds`.
    ///
    /// A job of an unknown kind waits for a version of the service that knows the kind. The lease is counted on the
    /// database's clock, which all workers share.
    static func claim(
        _ queue: Job.Queue,
        _ kinds: [String],
        lease: UUID,
        seconds: Double,
        limit: Int,
        now: Date
    ) -> Query<Job> {
        Query(
            """
            UPDATE job SET lease = \(lease), leased_until = clock_timestamp() + make_interval(secs => \(seconds)::float8)
            WHERE id IN (
                SELECT id FROM job
                WHERE queue = \(queue.rawValue) AND dead_at IS NULL AND run_at <= \(now)
                    AND kind = ANY(\(kinds)::text[])
                    AND (leased_until IS NULL OR leased_until < clock_timestamp())
                ORDER BY run_at, id
                LIMIT \(limit)
                FOR UPDATE SKIP LOCKED
            )
            RETURNING id, kind, arguments, attempts
            """
        ) { row in
            Job(
                id: try row.decode("id"),
                kind: try row.decode("kind"),
                arguments: try row.decode("arguments", as: JSONText.self).text,
                attempts: try row.decode("attempts")
            )
        }
    }

    static func renew(_ lease: UUID, seconds: Double) -> Command {
        Command(
            """
            UPDATE job SET leased_until = clock_timestamp() + make_interval(secs => \(seconds)::float8)
            WHERE lease = \(lease)
            """
        )
    }

    /// Ends a job under this lease; no row changes if another worker has the job by now.
    static func complete(_ id: Job.ID, lease: UUID) -> Command {
        Command("DELETE FROM job WHERE id = \(id) AND lease = \(lease)")
    }

    /// Sets the next run of a job under this lease; no row changes if another worker has the job by now.
    static func again(_ id: Job.ID, lease: UUID, at due: Date) -> Command {
        Command(
            """
            UPDATE job SET run_at = \(due), attempts = 0, last_error = NULL, lease = NULL, leased_until = NULL
            WHERE id = \(id) AND lease = \(lease)
            """
        )
    }

    static func fail(_ id: Job.ID, lease: UUID, error: String, retryAt: Date, deadAt: Date?) -> Command {
        Command(
            """
            UPDATE job SET attempts = attempts + 1, last_error = \(error), run_at = \(retryAt), dead_at = \(deadAt),
                lease = NULL, leased_until = NULL
            WHERE id = \(id) AND lease = \(lease)
            """
        )
    }

    static func release(_ lease: UUID) -> Command {
        Command("UPDATE job SET lease = NULL, leased_until = NULL WHERE lease = \(lease)")
    }

    static func list(onlyDead: Bool, limit: Int) -> Query<JobRow> {
        let condition: SQL = onlyDead ? "dead_at IS NOT NULL" : "true"
        return Query(
            """
            SELECT id, queue, kind, run_at, attempts, last_error, dead_at, leased_until > clock_timestamp() AS is_running
            FROM job WHERE \(condition)
            ORDER BY run_at, id LIMIT \(limit)
            """
        ) { row in
            JobRow(
                id: try row.decode("id"),
                queue: try row.decode("queue"),
                kind: try row.decode("kind"),
                runAt: try row.decode("run_at"),
                attempts: try row.decode("attempts"),
                lastError: try row.decodeIfPresent("last_error"),
                deadAt: try row.decodeIfPresent("dead_at"),
                isRunning: try row.decodeIfPresent("is_running") ?? false
            )
        }
    }

    static func retry(_ id: Job.ID, at now: Date) -> Command {
        Command("UPDATE job SET dead_at = NULL, attempts = 0, run_at = \(now) WHERE id = \(id) AND dead_at IS NOT NULL")
    }

    static func deleteMails(to email: String) -> Command {
        Command("DELETE FROM job WHERE kind = 'mail' AND arguments->>'to' = \(email)")
    }

    static let deleteAllMails = Command("DELETE FROM job WHERE kind = 'mail'")

    /// Claims a scheduled run; answers a row for the one process that may do it.
    static func beginRun(_ kind: String, due: String, at now: Date) -> Query<Bool> {
        Query(
            """
            INSERT INTO job_run (kind, due, at) VALUES (\(kind), \(due), \(now))
            ON CONFLICT (kind, due) DO NOTHING RETURNING true AS is_ours
            """
        ) { try $0.decode("is_ours") }
    }

    static func deleteOldRuns(now: Date) -> Command {
        .forget("job_run", where: "at < \(now.addingTimeInterval(-86400 * 400))")
    }

    static let parkZones = Query("SELECT id, time_zone FROM park ORDER BY id") { row in
        (id: try row.decode("id", as: Park.ID.self), timeZone: try row.decode("time_zone", as: String.self))
    }

    struct Backlog: Sendable {
        let queue: String
        /// The number of jobs that are due.
        let due: Int
        /// The number of seconds for which the oldest job has been due.
        let age: Int
        let dead: Int
    }

    static func backlog(at now: Date) -> Query<Backlog> {
        Query(
            """
            SELECT queue, count(*) FILTER (WHERE is_due) AS due, count(dead_at) AS dead,
                coalesce(extract(epoch FROM \(now)::timestamptz - min(run_at) FILTER (WHERE is_due)), 0)::int AS age
            FROM (SELECT queue, run_at, dead_at, dead_at IS NULL AND run_at <= \(now) AS is_due FROM job) AS jobs
            GROUP BY queue ORDER BY queue
            """
        ) { row in
            Backlog(
                queue: try row.decode("queue"),
                due: try row.decode("due"),
                age: try row.decode("age"),
                dead: try row.decode("dead")
            )
        }
    }
}

/// A job as staff see it.
struct JobRow: Encodable, Sendable {
    let id: Job.ID
    let queue: String
    let kind: String
    let runAt: Date
    let attempts: Int
    let lastError: String?
    let deadAt: Date?
    let isRunning: Bool
}
