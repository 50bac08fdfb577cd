"""Measures of the job queue."""

import time

from machinery import Service, pgbench, psql, report


def job_rate():
    psql("voorpret", "DROP DATABASE IF EXISTS jobs WITH (FORCE)")
    psql("voorpret", "CREATE DATABASE jobs")
    service = Service("jobs")
    service.stop()
    count = 20_000
    psql("jobs", f"INSERT INTO job (id, queue, kind, arguments, run_at) SELECT gen_random_uuid(), 'effects', 'eraseSpool', '{{\"folder\": \"none\"}}', now() FROM generate_series(1, {count}); ANALYZE job")
    service = Service("jobs", workers=4)
    started, first = time.monotonic(), int(psql("jobs", "SELECT count(*) FROM job WHERE kind = 'eraseSpool'"))
    left = first
    while left:
        time.sleep(0.1)
        left = int(psql("jobs", "SELECT count(*) FROM job WHERE kind = 'eraseSpool'"))
        if time.monotonic() - started > 120:
            break
    rate = (first - left) / (time.monotonic() - started)
    peak = service.peak_mib()
    service.stop()
    psql("jobs", "CREATE TABLE one (id bigserial PRIMARY KEY, at timestamptz)")
    floor = pgbench("jobs", "INSERT INTO one (at) VALUES (now());", 4)
    report("job-rate", round(rate), "jobs/s", round(floor), note=f"4 workers, peak {peak} MiB")
