"""Measures of finding, holding, changing and reading bookings."""

import asyncio
import http.client
import itertools
import json
import os
import random
import re
import subprocess
import time
import uuid

from machinery import (
    BINARY, PORT, ROOT, SCRATCH, Service, ask, booking, burst, crowd, pgbench, pgbench_p99, pipeline, post, progress, psql, report, office_token, with_demo, wrk,
)


def group_read():
    def measure(service, token, park, own, cottages):
        group = next(item["groupId"] for item in ask("GET", "/v1/groups", token=token)["items"] if item["groupId"] != own["id"])
        guest = ask("GET", "/v1/me", token=token)["id"]
        wrk("/docs", token, seconds=2)
        empty, _ = wrk("/docs", token)
        path = f"/v1/groups/{group}"
        wrk(path, token, seconds=2)
        rate, failed = wrk(path, token)
        script = pipeline(service, "group-read", "--guest", guest, "--group", group)
        statements = pgbench("demo", script, 32)
        floor = 1 / (1 / empty + 1 / statements)
        report("group-read", round(rate), "requests/s", round(floor), note=f"H {empty:.0f}, D {statements:.0f}, {failed} failed, peak {service.peak_mib()} MiB")

    with_demo(measure)


def book_race():
    def measure(service, token, park, group, cottages):
        bodies = [booking(park, group, cottages[:1], 100)] * 1000
        answers = asyncio.run(burst("/v1/bookings", bodies, token))
        statuses = {status: sum(1 for answer in answers if answer[0] == status) for status in {answer[0] for answer in answers}}
        seconds = sorted(answer[1] for answer in answers)
        report("book-race", round(seconds[989], 3), "p99 s", note=f"{statuses}, peak {service.peak_mib()} MiB")

    with_demo(measure)


def book_groups():
    def measure(service, token, park, group, cottages):
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'demo'"
        before = psql("demo", deadlocks)
        bodies = [booking(park, group, random.sample(cottages[:10], 5), 140) for _ in range(200)]
        started = time.monotonic()
        answers = asyncio.run(burst("/v1/bookings", bodies, token))
        seconds = time.monotonic() - started
        statuses = {status: sum(1 for answer in answers if answer[0] == status) for status in {answer[0] for answer in answers}}
        more = int(psql("demo", deadlocks)) - int(before)
        report("book-groups", round(seconds, 3), "s", note=f"{statuses}, {more} deadlocks, peak {service.peak_mib()} MiB")

    with_demo(measure)


def hold_confirm():
    def measure(service, token, park, group, cottages):
        clients, seconds = 16, 8
        slots = iter([(cottage, day) for day in range(10, 500, 2) for cottage in cottages])

        # Guests of one group wait for each other's changes to be published, so each has a group. A guest may have at
        # most twenty unpaid stays, so the client then goes on with the next guest.
        own = [(ask("GET", f"/v1/groups/{id}", token=people[0]), people[0]) for id, people in crowd(service, clients * 10, 1)]

        async def client(end, number):
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            done, guests = 0, itertools.cycle(own[number::clients])
            for tried in itertools.count():
                if time.monotonic() >= end:
                    return done
                if tried % 20 == 0:
                    group, token = next(guests)
                cottage, day = next(slots)
                id = str(uuid.uuid4())
                body = booking(park, group, [cottage], day) | {"id": id}
                status, _ = await post(reader, writer, "/v1/bookings", token, body, uuid.uuid4().hex)
                if status == 201:
                    status, _ = await post(reader, writer, f"/v1/bookings/{id}/confirm", token, {}, uuid.uuid4().hex)
                    done += status == 200

        async def all_clients():
            end = time.monotonic() + seconds
            return sum(await asyncio.gather(*[client(end, number) for number in range(clients)]))

        rate = asyncio.run(all_clients()) / seconds
        peak = service.peak_mib()
        psql("demo", "CREATE SEQUENCE IF NOT EXISTS slot; CREATE TABLE IF NOT EXISTS lot AS SELECT row_number() OVER (ORDER BY day, id) AS n, id, (current_date + day) AS day FROM cottage, generate_series(600, 1500, 2) AS day; CREATE INDEX IF NOT EXISTS lot_n ON lot (n); ANALYZE lot")
        traveller, rules = group["travellers"][0]["id"], "{}"
        script = f"""
            SELECT nextval('slot') AS n, gen_random_uuid() AS b, gen_random_uuid() AS k \\gset
            SELECT id AS c, day AS d FROM lot WHERE n = :n::bigint \\gset
            BEGIN;
            SELECT set_config('app.principal', 'bench', true), set_config('statement_timeout', '5000', true);
            INSERT INTO idempotency_key (principal, key, fingerprint, expires_at) VALUES ('bench', :n::text, '\\x00', now() + '48h') ON CONFLICT (principal, key) DO NOTHING;
            SAVEPOINT s1;
            SELECT * FROM traveller WHERE group_id = '{group["id"]}' AND left_at IS NULL;
            SELECT * FROM park WHERE id = '{park}';
            SELECT * FROM cottage_type WHERE park_id = '{park}' ORDER BY code, id;
            SELECT * FROM rate WHERE season && daterange(:d::date, :d::date + 2) AND type_id IN (SELECT id FROM cottage_type WHERE park_id = '{park}') ORDER BY season, id;
            SELECT id FROM cottage WHERE id = :c::uuid ORDER BY id FOR NO KEY UPDATE;
            SELECT id, type_id FROM cottage WHERE park_id = '{park}' AND is_open AND id = :c::uuid;
            SELECT cottage_id FROM allocation LEFT JOIN booking ON booking.id = booking_id WHERE cottage_id = :c::uuid AND is_live AND allocation.stay && daterange(:d::date, :d::date + 2);
            INSERT INTO booking (id, number, park_id, group_id, stay, state, hold_until, adults, children, babies, pets, currency, policy, deposit, source, placed_at) VALUES (:b::uuid, :b::text, '{park}', '{group["id"]}', daterange(:d::date, :d::date + 2), 'held', now() + '20 min', 1, 0, 0, 0, 'GBP', '{rules}', 0, 'guest', now());
            INSERT INTO allocation (id, cottage_id, stay, booking_id) VALUES (gen_random_uuid(), :c::uuid, daterange(:d::date, :d::date + 2), :b::uuid);
            INSERT INTO booking_traveller VALUES (:b::uuid, '{traveller}');
            INSERT INTO charge_line (id, booking_id, kind, quantity, unit_amount, amount, at) VALUES (gen_random_uuid(), :b::uuid, 'night', 2, 100, 200, now());
            INSERT INTO charge_line (id, booking_id, kind, quantity, unit_amount, amount, at) VALUES (gen_random_uuid(), :b::uuid, 'cleaning', 1, 100, 100, now());
            INSERT INTO job (id, queue, kind, key, run_at) VALUES (gen_random_uuid(), 'bench', 'expireHold', :b::text, now() + '20 min');
            RELEASE SAVEPOINT s1;
            UPDATE idempotency_key SET status = 201, headers = '{{}}', body = '\\x00' WHERE principal = 'bench' AND key = :n::text;
            INSERT INTO scope (name, version) VALUES ('bench', 2), (:b::text, 1) ON CONFLICT (name) DO UPDATE SET version = scope.version + EXCLUDED.version;
            INSERT INTO scope_row (scope, kind, id, version, body, hash) SELECT :b::text, 'booking', id, 1, body, row_hash('booking', id, body) FROM shown_booking WHERE id = :b::uuid ON CONFLICT (scope, kind, id) DO UPDATE SET version = EXCLUDED.version, body = EXCLUDED.body, hash = EXCLUDED.hash; UPDATE scope SET count = 1, digest = digest # 1 WHERE name = :b::text;
            INSERT INTO park_change SELECT '{park}', version + 1000000000 - n, now(), kind, :b::uuid, CASE kind WHEN 'booking' THEN (SELECT body FROM told_booking WHERE id = :b::uuid) END FROM scope, (VALUES (0, 'booking'), (1, 'guest')) AS told (n, kind) WHERE name = 'bench';
            COMMIT;
            BEGIN;
            SELECT set_config('app.principal', 'bench', true), set_config('statement_timeout', '5000', true);
            INSERT INTO idempotency_key (principal, key, fingerprint, expires_at) VALUES ('bench', :k::text, '\\x00', now() + '48h') ON CONFLICT (principal, key) DO NOTHING;
            SAVEPOINT s1;
            SELECT id FROM cottage WHERE id IN (SELECT cottage_id FROM allocation WHERE booking_id = :b::uuid) ORDER BY id FOR NO KEY UPDATE;
            SELECT * FROM booking WHERE id = :b::uuid FOR UPDATE;
            SELECT * FROM allocation JOIN cottage ON cottage.id = cottage_id WHERE booking_id = :b::uuid;
            SELECT * FROM booking_traveller WHERE booking_id = :b::uuid;
            SELECT * FROM charge_line WHERE booking_id = :b::uuid ORDER BY id;
            SELECT * FROM traveller WHERE group_id = '{group["id"]}' AND left_at IS NULL;
            UPDATE booking SET state = 'confirmed', hold_until = NULL, version = 2 WHERE id = :b::uuid;
            SELECT policy, time_zone, name FROM booking JOIN park ON park.id = park_id WHERE booking.id = :b::uuid;
            SELECT email, language FROM traveller JOIN guest ON guest.id = guest_id WHERE group_id = '{group["id"]}' AND role = 'organiser';
            INSERT INTO job (id, queue, kind, key, run_at) VALUES (gen_random_uuid(), 'bench', 'mail', :b::text, now() + '20 min');
            RELEASE SAVEPOINT s1;
            UPDATE idempotency_key SET status = 200, headers = '{{}}', body = '\\x00' WHERE principal = 'bench' AND key = :k::text;
            INSERT INTO scope (name, version) VALUES ('bench', 1), (:b::text, 1) ON CONFLICT (name) DO UPDATE SET version = scope.version + EXCLUDED.version;
            INSERT INTO scope_row (scope, kind, id, version, body, hash) SELECT :b::text, 'booking', id, 1, body, row_hash('booking', id, body) FROM shown_booking WHERE id = :b::uuid ON CONFLICT (scope, kind, id) DO UPDATE SET version = EXCLUDED.version, body = EXCLUDED.body, hash = EXCLUDED.hash; UPDATE scope SET count = 1, digest = digest # 1 WHERE name = :b::text;
            INSERT INTO park_change SELECT '{park}', version + 1000000000, now(), 'booking', :b::uuid, (SELECT body FROM told_booking WHERE id = :b::uuid) FROM scope WHERE name = 'bench';
            COMMIT;
        """
        floor = pgbench("demo", script, clients)
        report("hold-confirm", round(rate), "holds + confirmations/s", round(floor), note=f"{clients} clients, peak {peak} MiB")

    with_demo(measure)


def change():
    """A change told and made: 8 clients, each lengthening and shortening a held stay of its own."""
    def measure(service, token, park, group, cottages):
        clients, each, seconds = 8, 6, 8

        def stays(day):
            """Some for each client, so that no booking is changed a hundred times."""
            made = []
            for number, (id, people) in enumerate(crowd(service, clients * each, 1)):
                token = people[0]
                body = booking(park, ask("GET", f"/v1/groups/{id}", token=token), cottages[number:number + 1], day)
                placed = ask("POST", "/v1/bookings", body, token)
                ask("POST", f"/v1/bookings/{placed['id']}/confirm", {}, token)
                made.append((placed["id"], body["stay"]["arrival"], token))
            return made

        failed = []

        async def client(end, own):
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            times, nights = [], 2
            while time.monotonic() < end:
                id, arrival, token = own[len(times) % each]
                nights = nights if len(times) % each else 5 - nights
                first = time.mktime(time.strptime(arrival, "%Y-%m-%d"))
                departure = time.strftime("%Y-%m-%d", time.localtime(first + nights * 86400 + 43200))
                started = time.monotonic()
                path = f"/v1/bookings/{id}"
                status, raw = await post(reader, writer, f"{path}/quotes", token, {"stay": {"arrival": arrival, "departure": departure}}, uuid.uuid4().hex)
                quote = json.loads(raw)
                if status == 201:
                    status, raw = await post(reader, writer, f"{path}/changes", token, {"quoteId": quote["id"]}, uuid.uuid4().hex, f'If-Match: "{quote["bookingVersion"]}"\r\n')
                times.append(time.monotonic() - started)
                if status != 200:
                    failed.append((status, raw))
                    break
            return times

        ours, others = stays(200), stays(220)

        async def all_clients():
            end = time.monotonic() + seconds
            return sum(await asyncio.gather(*[client(end, ours[n * each:(n + 1) * each]) for n in range(clients)]), [])

        times = sorted(asyncio.run(all_clients()))
        peak = service.peak_mib()
        ids = "{" + ",".join(id for id, _, _ in others) + "}"
        found = """
            SELECT * FROM booking WHERE id = :b::uuid {lock};
            SELECT cottage_id, number, is_chosen, priced_as FROM allocation JOIN cottage ON cottage.id = cottage_id WHERE booking_id = :b::uuid;
            SELECT * FROM booking_traveller WHERE booking_id = :b::uuid;
            SELECT * FROM charge_line WHERE booking_id = :b::uuid ORDER BY id;
            SELECT * FROM extra_order WHERE booking_id = :b::uuid AND cancelled_at IS NULL;
            SELECT role FROM booking JOIN traveller USING (group_id) WHERE booking.id = :b::uuid AND left_at IS NULL;
        """
        priced = f"""
            SELECT cottage_id FROM allocation WHERE cottage_id = :c::uuid AND is_live AND stay && daterange(current_date + 220, current_date + 223);
            SELECT policy, fees, time_zone FROM booking JOIN park ON park.id = park_id WHERE booking.id = :b::uuid;
            SELECT * FROM cottage_type WHERE park_id = '{park}' ORDER BY code, id;
            SELECT id, type_id, is_open FROM cottage WHERE id = :c::uuid;
            SELECT * FROM rate WHERE season && daterange(current_date + 220, current_date + 223) AND type_id IN (SELECT id FROM cottage_type WHERE park_id = '{park}') ORDER BY season, id;
            SELECT * FROM traveller WHERE group_id = '{group["id"]}' AND left_at IS NULL;
            SELECT * FROM charge_line AS line WHERE booking_id = :b::uuid AND reverses_id IS NULL AND NOT EXISTS (SELECT FROM charge_line WHERE reverses_id = line.id);
        """
        begin = """
            BEGIN;
            SELECT set_config('app.principal', 'bench', true), set_config('statement_timeout', '5000', true);
            INSERT INTO idempotency_key (principal, key, fingerprint, expires_at) VALUES ('bench', gen_random_uuid()::text, '\\x00', now() + '48h') ON CONFLICT (principal, key) DO NOTHING;
            SAVEPOINT s1;
        """
        end = """
            RELEASE SAVEPOINT s1;
            UPDATE idempotency_key SET status = 200, headers = '{}', body = '\\x00' WHERE principal = 'bench' AND key = :b::text;
        """
        script = f"""
            \\set own :client_id * {each} + random(1, {each})
            SELECT ('{ids}'::uuid[])[:own] AS b, gen_random_uuid() AS q, gen_random_uuid() AS l \\gset
            SELECT cottage_id AS c FROM allocation WHERE booking_id = :b::uuid \\gset
            {begin} {found.format(lock="")} {priced}
            INSERT INTO quote (id, booking_id, booking_version, plan, difference, expires_at) VALUES (:q::uuid, :b::uuid, 1, '{{}}', 0, now() + '15 min');
            {end} COMMIT;
            {begin}
            SELECT * FROM quote WHERE id = :q::uuid;
            SELECT id FROM cottage WHERE id = :c::uuid ORDER BY id FOR NO KEY UPDATE;
            {found.format(lock="FOR UPDATE")} {priced}
            SELECT policy FROM booking WHERE id = :b::uuid;
            DELETE FROM allocation WHERE booking_id = :b::uuid AND cottage_id <> :c::uuid;
            UPDATE allocation SET stay = daterange(lower(stay), lower(stay) + 5 - (upper(stay) - lower(stay))) WHERE booking_id = :b::uuid;
            DELETE FROM booking_traveller WHERE booking_id = :b::uuid AND traveller_id IS NULL;
            UPDATE booking SET version = version + 1 WHERE id = :b::uuid;
            INSERT INTO charge_line (id, booking_id, kind, quantity, unit_amount, amount, at) VALUES (:l::uuid, :b::uuid, 'night', 2, 100, 200, now());
            INSERT INTO charge_line (id, booking_id, kind, quantity, unit_amount, amount, reverses_id, at) VALUES (gen_random_uuid(), :b::uuid, 'night', 2, -100, -200, :l::uuid, now());
            UPDATE quote SET used_at = now() WHERE id = :q::uuid;
            {found.format(lock="")} {end}
            INSERT INTO scope (name, version) VALUES ('bench', 1), (:b::text, 1) ON CONFLICT (name) DO UPDATE SET version = scope.version + EXCLUDED.version;
            INSERT INTO scope_row (scope, kind, id, version, body, hash) SELECT :b::text, 'booking', id, 1, body, row_hash('booking', id, body) FROM shown_booking WHERE id = :b::uuid ON CONFLICT (scope, kind, id) DO UPDATE SET version = EXCLUDED.version, body = EXCLUDED.body, hash = EXCLUDED.hash; UPDATE scope SET count = 1, digest = digest # 1 WHERE name = :b::text;
            INSERT INTO park_change SELECT '{park}', version + 1000000000, now(), 'booking', :b::uuid, (SELECT body FROM told_booking WHERE id = :b::uuid) FROM scope WHERE name = 'bench';
            COMMIT;
        """
        lines = psql("demo", "SELECT max(n) FROM (SELECT count(*) AS n FROM charge_line GROUP BY booking_id) AS lines")
        floor = pgbench_p99("demo", script, clients)
        report("change", round(times[int(len(times) * 0.99)] * 1000, 2), "p99 ms of quote + change", round(floor, 2), True, f"p50 {times[len(times) // 2] * 1000:.1f} ms, {len(times) / seconds:.0f}/s at {clients} clients, {len(failed)} failed {failed[:1]}, up to {lines} charge lines, peak {peak} MiB")

    with_demo(measure)


def day_view():
    """The desk's day of a park with 600 cottages that all change hands."""
    def measure(service, token, park, group, cottages):
        count = 600
        psql("demo", f"""
            INSERT INTO park SELECT (jsonb_populate_record(NULL::park, to_jsonb(park) || '{{"id": "00000000-0000-4000-8000-000000000001", "slug": "wide"}}')).* FROM park WHERE id = '{park}';
            INSERT INTO cottage_type SELECT (jsonb_populate_record(NULL::cottage_type, to_jsonb(t) || '{{"id": "00000000-0000-4000-8000-000000000002", "park_id": "00000000-0000-4000-8000-000000000001"}}')).* FROM (SELECT * FROM cottage_type LIMIT 1) AS t;
            INSERT INTO cottage (id, park_id, type_id, number, longitude, latitude) SELECT gen_random_uuid(), '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', n, 5, 52 FROM generate_series(1, {count}) AS n;
            INSERT INTO extra (id, park_id, code, names, is_daily, price, stock) SELECT gen_random_uuid(), '00000000-0000-4000-8000-000000000001', 'E' || n, '{{"en": "E"}}', true, 100, 1000 FROM generate_series(1, 10) AS n;
            INSERT INTO booking (id, number, park_id, group_id, stay, state, adults, children, babies, pets, currency, policy, deposit, source, placed_at, arrival_time)
            SELECT gen_random_uuid(), 'W' || week + 100 || '-' || n, '00000000-0000-4000-8000-000000000001', '{group["id"]}', daterange(current_date + week * 7, current_date + week * 7 + 7), 'confirmed', 2, 1, 0, 0, 'EUR', '{{}}', 0, 'guest', now(), '15:00'::time + n % 6 * interval '1 hour'
            FROM generate_series(-26, 26) AS week, generate_series(1, {count}) AS n;
            INSERT INTO allocation (id, cottage_id, stay, booking_id) SELECT gen_random_uuid(), cottage.id, stay, booking.id FROM booking JOIN cottage ON cottage.park_id = booking.park_id AND cottage.number = split_part(booking.number, '-', 2) WHERE booking.park_id = '00000000-0000-4000-8000-000000000001';
            INSERT INTO extra_order (id, booking_id, extra_id, dates, quantity, unit_amount, ordered_at) SELECT gen_random_uuid(), booking.id, extra.id, daterange(lower(stay), lower(stay) + 1), 1, 100, now() FROM booking, extra WHERE booking.park_id = '00000000-0000-4000-8000-000000000001' AND extra.park_id = booking.park_id AND lower(stay) BETWEEN current_date - 30 AND current_date + 30;
            INSERT INTO house_note (id, park_id, dates, note) SELECT gen_random_uuid(), '00000000-0000-4000-8000-000000000001', daterange(current_date, current_date + 3), 'The pool is closed' FROM generate_series(1, 5);
            ANALYZE;
        """)
        staff = office_token(service)
        today = time.strftime("%Y-%m-%d", time.gmtime())
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        times = []
        for number in range(1020):
            started = time.monotonic()
            connection.request("GET", f"/v1/admin/parks/00000000-0000-4000-8000-000000000001/day?date={today}", headers={"Authorization": f"Bearer {staff}"})
            answer = connection.getresponse()
            raw = answer.read()
            assert answer.status == 200, raw
            if number >= 20:
                times.append(time.monotonic() - started)
        times.sort()
        arriving = sum(hour["bookings"] for hour in json.loads(raw)["arrivals"])
        where = "park_id = '00000000-0000-4000-8000-000000000001'"
        script = f"""\\startpipeline
            SELECT set_config('app.principal', 'bench', true);
            SELECT extract(hour FROM arrival_time)::int, count(*), sum(adults + children + babies)::bigint FROM booking WHERE {where} AND lower(stay) = current_date AND state IN ('confirmed', 'checkedIn', 'checkedOut') GROUP BY 1 ORDER BY 1 NULLS LAST;
            SELECT count(*), sum(adults + children + babies), count(*) FILTER (WHERE state = 'checkedOut') FROM booking WHERE {where} AND upper(stay) = current_date AND state IN ('confirmed', 'checkedIn', 'checkedOut');
            SELECT readiness, count(*) FROM cottage WHERE {where} GROUP BY readiness ORDER BY readiness;
            SELECT code, slot, sum(quantity) FROM extra JOIN extra_order ON extra_id = extra.id JOIN booking ON booking.id = booking_id WHERE extra.{where} AND cancelled_at IS NULL AND lower(dates) = current_date AND state IN ('confirmed', 'checkedIn') GROUP BY code, slot ORDER BY slot, code;
            SELECT id, lower(dates), upper(dates), note FROM house_note WHERE {where} AND dates @> current_date AND ended_at IS NULL ORDER BY id;
            SELECT count(*) FROM task WHERE {where} AND state = 'open' AND due <= current_date;
        \\endpipeline
        """
        floor = pgbench_p99("demo", script, 1)
        report("day-view", round(times[int(len(times) * 0.99)] * 1000, 2), "p99 ms", round(floor, 2), True, f"aim 20 ms; p50 {times[len(times) // 2] * 1000:.2f} ms, {arriving} arrivals, 600 cottages, peak {service.peak_mib()} MiB")

    with_demo(measure)


def search():
    psql("voorpret", "DROP DATABASE IF EXISTS wide WITH (FORCE)")
    psql("voorpret", "CREATE DATABASE wide")
    service = Service("wide")
    try:
        progress("search: making 10,000 cottages and a year of stays")
        rules = json.dumps({
            "checkInFrom": "15:00", "checkOutBy": "10:30", "arrivals": [], "minimumNights": 1, "maximumNights": 60,
            "bookableDaysAhead": 540, "holdMinutes": 20, "extensionMinutes": 10, "depositPercent": 0, "chosenCottageFee": 0,
            "petNight": 0, "cancellation": [],
        })
        psql("wide", f"""
            INSERT INTO park (id, slug, name, time_zone, currency, country, longitude, latitude, rules)
            SELECT gen_random_uuid(), 'park-' || n, 'Park ' || n, 'Europe/Amsterdam', 'EUR', 'NL', 5, 52, '{rules}' FROM generate_series(1, 20) AS n;
            INSERT INTO cottage_type (id, park_id, code, name, capacity, bedrooms, pets, cleaning_fee)
            SELECT gen_random_uuid(), id, 'T' || n, 'Type ' || n, 2 + 2 * n, n, 1, 5000 FROM park, generate_series(1, 5) AS n;
            INSERT INTO rate (id, type_id, season, night, weekend_night)
            SELECT gen_random_uuid(), id, daterange(current_date - 10, current_date + 800), 10000, 12000 FROM cottage_type;
            INSERT INTO cottage (id, park_id, type_id, number, longitude, latitude)
            SELECT gen_random_uuid(), park_id, id, code || '-' || n, 5 + n / 1e4, 52 FROM cottage_type, generate_series(1, 100) AS n;
            INSERT INTO booking (id, number, park_id, stay, state, adults, children, babies, pets, currency, policy, deposit, source, placed_at)
            SELECT gen_random_uuid(), 'N-' || row_number() OVER (), id, daterange(current_date, current_date + 365), 'confirmed', 2, 0, 0, 0, 'EUR', '{{}}', 0, 'import', now() FROM park;
            SELECT setseed(0.5);
            INSERT INTO allocation (id, cottage_id, stay, booking_id)
            SELECT gen_random_uuid(), cottage.id, daterange(current_date + week * 7 + offs, current_date + week * 7 + offs + len), booking.id
            FROM cottage JOIN booking ON booking.park_id = cottage.park_id,
                LATERAL (SELECT week, (random() * 3)::int AS offs, 1 + (random() * 3)::int AS len FROM generate_series(0, 51) AS week WHERE random() < 0.8 AND cottage.id IS NOT NULL) AS stays;
            ANALYZE;
        """)
        # One transaction wrote every cottage forty times over, which no real day does; and VACUUM runs in none.
        psql("wide", "VACUUM FULL ANALYZE cottage")
        psql("wide", "CHECKPOINT")
        stays = psql("wide", "SELECT count(*) FROM allocation")
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        times, wrong = [], 0
        for number in range(520):
            day, nights = random.randint(5, 340), random.randint(2, 10)
            first, last = (time.strftime("%Y-%m-%d", time.gmtime(time.time() + d * 86400)) for d in (day, day + nights))
            started = time.monotonic()
            connection.request("GET", f"/v1/availability?from={first}&to={last}&adults=4")
            answer = connection.getresponse()
            raw = answer.read()
            if number >= 20:
                times.append(time.monotonic() - started)
            if number % 26 == 0:
                found = sum(offer["free"] for park in json.loads(raw)["items"] for offer in park["offers"])
                truth = psql("wide", f"SELECT count(*) FROM cottage JOIN cottage_type ON cottage_type.id = type_id WHERE capacity >= 4 AND NOT EXISTS (SELECT FROM allocation WHERE cottage_id = cottage.id AND is_live AND stay && daterange('{first}', '{last}'))")
                wrong += found != int(truth)
        times.sort()
        lua = """
            request = function()
                local day = os.time() + math.random(5, 340) * 86400
                local to = day + math.random(2, 10) * 86400
                return wrk.format("GET", "/v1/availability?adults=4&from=" .. os.date("!%Y-%m-%d", day) .. "&to=" .. os.date("!%Y-%m-%d", to))
            end
        """
        rate, failed = wrk("/v1/availability", connections=16, lua=lua)
        report("search", round(times[int(len(times) * 0.99)] * 1000, 2), "p99 ms", 15, True, f"p50 {times[len(times) // 2] * 1000:.2f} ms, {stays} stays, {wrong} of 20 differ from the truth, {rate:.0f}/s at 16 clients ({failed} failed), peak {service.peak_mib()} MiB")
    finally:
        service.stop()


def import_rate():
    psql("voorpret", "DROP DATABASE IF EXISTS imported WITH (FORCE)")
    psql("voorpret", "CREATE DATABASE imported")
    service = Service("imported", arguments=["--demo"], workers=0)
    service.stop()
    psql("imported", "TRUNCATE booking, travel_group CASCADE; TRUNCATE park_change")
    source = os.environ.get("RESERVATIONS")
    if not source:
        source = SCRATCH / "reservations.csv"
        months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
        rows = ["arrival_date_year,arrival_date_month,arrival_date_day_of_month,stays_in_weekend_nights,stays_in_week_nights,adults,children,babies,reserved_room_type,assigned_room_type,adr,reservation_status"]
        numbers = random.Random(1)
        for _ in range(10_000):
            status = numbers.choices(["Check-Out", "Canceled", "No-Show"], [70, 27, 3])[0]
            rows.append(f"{numbers.randint(2015, 2017)},{numbers.choice(months)},{numbers.randint(1, 28)},{numbers.randint(0, 2)},{numbers.randint(1, 5)},2,0,0,A,{numbers.choice('ABCDE')},{numbers.randint(40, 200)},{status}")
        source.write_text("\n".join(rows))
    command = [BINARY, "import", "reservations", str(source), "--park", "heidehof", "--create-cottages", "--rejects", str(SCRATCH / "rejects.csv")]
    environment = service.environment
    started = time.monotonic()
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    text, _ = child.communicate()
    elapsed = time.monotonic() - started
    rows, imported, rejected = map(int, re.search(r"(\d+) rows: (\d+) imported, (\d+) rejected", text).groups())
    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    # The floor: the same rows through COPY into the same tables, with their constraints and triggers.
    tables = ["booking", "allocation", "charge_line", "park_change"]
    for table in tables:
        psql("imported", f"COPY {table} TO '/tmp/bench-{os.getpid()}-{table}'")
    psql("imported", "TRUNCATE booking CASCADE; TRUNCATE park_change; UPDATE cottage SET nights = B''")
    started = time.monotonic()
    for table in tables:
        psql("imported", f"COPY {table} FROM '/tmp/bench-{os.getpid()}-{table}'")
    floor = imported / (time.monotonic() - started)
    report("import", round(rows / elapsed), "rows/s", round(floor), note=f"{rows} rows = {imported} + {rejected}; again: {again}")
