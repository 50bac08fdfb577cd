"""Measures the service beside floors on the same machine, with fsync on.

    bench.py DATABASE SCRATCH [NAME]

Prints a table and writes .build/bench.jsonl, one object per line: name, value, unit, floor, ratio, note.
`ratio` is value/floor, or floor/value where lower is better, so that more is always better.
"""

import asyncio
import base64
import hashlib
import hmac
import http.client
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.parse
import uuid

sys.path.append(str(pathlib.Path(__file__).parent.parent / "scripts"))
import people as accounts

DATABASE, SCRATCH, ONLY = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""
PORT = 18090
ROOT = pathlib.Path(__file__).parent.parent
BINARY = ROOT / ".build-release/release/voorpret"
SANDBOX = ROOT / ".build-release/release/payment-sandbox"
SIMULATE = ROOT / ".build-release/release/voorpret-simulate"
PAYMENT_KEY, WEBHOOK_SECRET = "sk_test_bench", "whsec_bench"
RESULTS = []


def progress(text):
    print(f"… {text}", file=sys.stderr, flush=True)


def report(name, value, unit, floor=None, lower_is_better=False, note=""):
    ratio = None
    if floor and value:
        ratio = round(floor / value if lower_is_better else value / floor, 3)
    RESULTS.append({"name": name, "value": value, "unit": unit, "floor": floor, "ratio": ratio, "note": note})
    progress(f"{name}: {value} {unit}" + (f", floor {floor}, ratio {ratio}" if floor else "") + (f" ({note})" if note else ""))


# Machinery -------------------------------------------------------------------------------------


def database_url(name):
    return DATABASE.replace("/voorpret?", f"/{name}?")


def psql(name, sql):
    command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", database_url(name), "-c", sql]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"psql failed: {result.stderr}")
    return result.stdout.strip()


def pgbench(name, script, clients, seconds=6, prepare=None):
    """Transactions per second of a script, prepared."""
    if prepare:
        psql(name, prepare)
    path = SCRATCH / "script.sql"
    path.write_text(script)
    command = ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds), "-f", str(path), database_url(name)]
    result = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"tps = ([\d.]+)", result.stdout)
    if not found:
        raise SystemExit(f"pgbench failed: {result.stdout}{result.stderr}")
    return float(found[1])


def pgbench_p99(name, script, clients, seconds=6):
    """Milliseconds that 99 of 100 runs of a script take at most, prepared."""
    path, log = SCRATCH / "script.sql", SCRATCH / "latency"
    path.write_text(script)
    command = ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds), "-f", str(path), "-l", f"--log-prefix={log}", database_url(name)]
    result = subprocess.run(command, capture_output=True, text=True)
    logs = list(SCRATCH.glob("latency.*"))
    times = sorted(int(line.split()[2]) / 1000 for file in logs for line in file.read_text().splitlines())
    for file in logs:
        file.unlink()
    if not times:
        raise SystemExit(f"pgbench failed: {result.stdout}{result.stderr}")
    return times[int(len(times) * 0.99)]


def wrk(path, token=None, connections=32, seconds=6, lua=None):
    """Requests per second, and how many were not 2xx."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{PORT}{path}"]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    if lua:
        script = SCRATCH / "wrk.lua"
        script.write_text(lua)
        command += ["-s", str(script)]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), int(failed[1]) if failed else 0


class Service:
    def __init__(self, name, workers=0, arguments=(), capacity=64):
        self.state = SCRATCH / name
        # Old mails hold old codes.
        shutil.rmtree(self.state / "mail", ignore_errors=True)
        environment = os.environ | {
            "VOORPRET_DATABASE": database_url(name), "VOORPRET_STATE": str(self.state), "VOORPRET_PORT": str(PORT),
            "VOORPRET_ADMIN_PORT": str(PORT + 1), "VOORPRET_LOG_LEVEL": "error", "VOORPRET_WORKERS": str(workers),
            "VOORPRET_CAPACITY": str(capacity), "VOORPRET_PAYMENTS_URL": f"http://127.0.0.1:{PORT + 2}",
            "VOORPRET_PAYMENTS_KEY": PAYMENT_KEY, "VOORPRET_PAYMENTS_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        self.environment = environment
        self.process = subprocess.Popen([BINARY, "serve", *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        for _ in range(600):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", PORT + 1, timeout=1)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the service did not start")

    def peak_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status")
        return round(int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024) if status.exists() else None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=40)


def ask(method, path, body=None, token=None):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    response = connection.getresponse()
    raw = response.read()
    if response.status >= 300:
        raise SystemExit(f"{method} {path} answered {response.status}: {raw.decode()}")
    return json.loads(raw) if raw else None


def sign_in(state, address, audience="guest"):
    return accounts.Service(f"http://127.0.0.1:{PORT}", state).sign_in(address, audience)


async def post(reader, writer, path, token, body, key, more="", method="POST"):
    """One request on a raw connection: as little of the client's time as can be."""
    data = json.dumps(body).encode() if body is not None else b""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\n{more}Content-Length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + data)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"[Cc]ontent-[Ll]ength: (\d+)", answer)
    return int(answer[9:12]), await reader.readexactly(int(length[1]) if length else 0)


def demo_world(state):
    token = sign_in(state, "anna@example.org")
    park = next(park for park in ask("GET", "/v1/parks")["items"] if park["slug"] == "loch-ardroy")
    group = ask("POST", "/v1/groups", {"name": "Bench", "myName": "Anna"}, token)
    cottages = [feature["id"] for feature in ask("GET", f"/v1/parks/{park['id']}/map?from=2030-01-01&to=2030-01-02")["features"]]
    return token, park["id"], group, cottages


def booking(park, group, cottages, day, nights=2):
    arrival = time.strftime("%Y-%m-%d", time.gmtime(time.time() + day * 86400))
    departure = time.strftime("%Y-%m-%d", time.gmtime(time.time() + (day + nights) * 86400))
    return {
        "parkId": park, "groupId": group["id"], "stay": {"arrival": arrival, "departure": departure},
        "cottages": [{"cottageId": id} for id in cottages], "travellerIds": [group["travellers"][0]["id"]],
    }


async def burst(path, bodies, token, more=lambda body: ""):
    """All at once, each on a connection of its own; answers statuses and seconds."""
    connections = []
    for start in range(0, len(bodies), 100):
        connections += await asyncio.gather(*[asyncio.open_connection("127.0.0.1", PORT) for _ in bodies[start:start + 100]])
    started = time.monotonic()

    async def one(index):
        reader, writer = connections[index]
        status, _ = await post(reader, writer, path, token, bodies[index], uuid.uuid4().hex, more(bodies[index]))
        writer.close()
        return status, time.monotonic() - started

    return await asyncio.gather(*[one(index) for index in range(len(bodies))])


# What is measured ------------------------------------------------------------------------------


def staff_token(service, park, function):
    """Somebody of the park's staff, signed in."""
    slug = psql("demo", f"SELECT slug FROM park WHERE id = '{park}'")
    command = [BINARY, "staff", "add", "--email", f"{function}@staff.example.org", "--name", "Bench", "--function", f"{slug}:{function}"]
    subprocess.run(command, cwd=ROOT, env=service.environment, check=True, capture_output=True)
    return sign_in(service.state, f"{function}@staff.example.org", "staff")


def with_demo(measure):
    psql("voorpret", "DROP DATABASE IF EXISTS demo WITH (FORCE)")
    psql("voorpret", "CREATE DATABASE demo")
    service = Service("demo", workers=1, arguments=["--demo"])
    try:
        return measure(service, *demo_world(service.state))
    finally:
        service.stop()


def pipeline(service, *request):
    """What the service itself would ask the database for a request, as one segment."""
    command = [BINARY, "statements", *request]
    asked = subprocess.run(command, cwd=ROOT, env=service.environment, check=True, capture_output=True, text=True).stdout
    # pgbench knows :name as a variable, and has no comments within statements.
    asked = re.sub(r"--[^\n]*", "", asked)
    return f"\\startpipeline\n{asked}\n\\endpipeline\n"


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
        staff = staff_token(service, "00000000-0000-4000-8000-000000000001", "reception")
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


def feed():
    """Changes read from the beginning, as a property system does that starts anew."""
    def measure(service, token, park, group, cottages):
        changes = 20_000
        psql("demo", f"""
            UPDATE scope SET version = {changes} WHERE name = 'changes:{park}';
            DELETE FROM park_change WHERE park_id = '{park}';
            INSERT INTO park_change SELECT '{park}', n, now(), 'booking', told.id, told.body FROM generate_series(1, {changes}) AS n
            JOIN (SELECT id, body, row_number() OVER () - 1 AS place, count(*) OVER () AS size FROM told_booking) AS told ON n % size = place;
            ANALYZE park_change;
        """)
        staff = staff_token(service, park, "finance")
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        rates = []
        for _ in range(3):
            since, rows, size, started = 0, 0, 0, time.monotonic()
            while True:
                connection.request("GET", f"/v1/admin/changes?park={park}&since={since}&limit=1000", headers={"Authorization": f"Bearer {staff}"})
                raw = connection.getresponse().read()
                size += len(raw)
                tail = json.loads("{" + raw[raw.rindex(b'"next"'):].decode())
                rows += tail["next"] - since
                since = tail["next"]
                if tail["isComplete"]:
                    break
            assert rows == changes, rows
            rates.append(rows / (time.monotonic() - started))
        script = f"""
            \\set since random(0, 19) * 1000
            \\startpipeline
            SELECT set_config('app.principal', 'bench', true);
            SELECT id FROM park WHERE id = '{park}';
            SELECT version FROM scope WHERE name = 'changes:{park}';
            SELECT number, json_build_object('number', number, 'at', utc(at), 'kind', kind, 'id', id, 'body', body) FROM park_change WHERE park_id = '{park}' AND number > :since ORDER BY number LIMIT 1000;
            \\endpipeline
        """
        floor = pgbench("demo", script, 1) * 1000
        report("feed", round(statistics.median(rates)), "changes/s", round(floor), note=f"pages of 1,000, {size / changes:.0f} bytes each, one reader, peak {service.peak_mib()} MiB")

    with_demo(measure)


def sync():
    """A phone that reads everything from the start, and one that asks whether there is something new."""
    def measure(service, token, park, group, cottages):
        scope, rows = f"group:{group['id']}", 50_000
        guest = ask("GET", "/v1/me", token=token)["id"]
        psql("demo", f"""
            INSERT INTO scope_row (scope, kind, id, version, body, hash)
            SELECT '{scope}', 'bench', id, 1, body, row_hash('bench', id, body)
            FROM (SELECT gen_random_uuid() AS id, json_build_object('text', repeat('x', 240), 'n', n)::text AS body FROM generate_series(1, {rows}) AS n) AS made;
            UPDATE scope SET count = sums.count, digest = sums.digest FROM (SELECT count(hash), bit_xor(hash) AS digest FROM scope_row WHERE scope = '{scope}') AS sums WHERE name = '{scope}';
            ANALYZE scope_row;
        """)
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        device = {"deviceId": str(uuid.uuid4()), "schema": 1}
        rates = []
        for _ in range(3):
            cursor, lines, size, started = {}, 0, 0, time.monotonic()
            while True:
                connection.request("POST", "/v1/sync", json.dumps(device | cursor | {"limit": 5000}), headers)
                raw = connection.getresponse().read()
                size += len(raw)
                lines += raw.count(b"\n[")
                tail = json.loads(raw[raw.rindex(b"\n", 0, -1):] if b"\n" in raw[:-1] else raw)
                cursor = {"cursor": tail.get("page") or tail["complete"]}
                if "complete" in tail:
                    break
            assert lines >= rows, lines
            rates.append(lines / (time.monotonic() - started))
        copied = SCRATCH / "copied.sql"
        copied.write_text(f"COPY (SELECT kind, id, hash, body FROM scope_row WHERE scope = '{scope}' ORDER BY version, kind, id) TO STDOUT;")
        started = time.monotonic()
        subprocess.run(["psql", database_url("demo"), "-qf", str(copied)], stdout=subprocess.DEVNULL, check=True)
        floor = rows / (time.monotonic() - started)
        report("snapshot-serve", round(statistics.median(rates)), "rows/s", round(floor), note=f"pages of 5,000 rows, {size / lines:.0f} bytes each, one reader, peak {service.peak_mib()} MiB; floor COPY to psql")

        body = json.dumps(device | cursor)
        lua = f"wrk.method = 'POST'; wrk.body = '{body}'; wrk.headers['Content-Type'] = 'application/json'"
        wrk("/docs", token, seconds=2)
        empty, _ = wrk("/docs", token)
        wrk("/v1/sync", token, seconds=2, lua=lua)
        rate, failed = wrk("/v1/sync", token, lua=lua)
        script = pipeline(service, "pull-idle", "--guest", guest)
        statements = pgbench("demo", script, 32)
        floor = 1 / (1 / empty + 1 / statements)
        report("pull-idle", round(rate), "requests/s", round(floor), note=f"H {empty:.0f}, D {statements:.0f} (grants and versions), {failed} failed")

    with_demo(measure)


def crowd(service, groups, members):
    """Groups of guests who are signed in; answers (group, [token of each member]), the organiser first."""
    everybody = []
    statements = ["BEGIN;"]
    for _ in range(groups):
        group, people = str(uuid.uuid4()), []
        statements.append(f"INSERT INTO travel_group (id, name, created_at) VALUES ('{group}', 'Bench', now());")
        names = [f"group:{group}", f"organiser:{group}"]
        for index in range(members):
            guest, session, household, token = (str(uuid.uuid4()) for _ in range(4))
            role = "organiser" if index == 0 else "member"
            digest = hashlib.sha256(token.encode()).hexdigest()
            names += [f"guest:{guest}", f"household:{household}"]
            statements.append(f"""
                INSERT INTO guest (id, email, name, created_at) VALUES ('{guest}', '{guest}@example.org', 'B', now());
                INSERT INTO session (id, guest_id, device_hash, created_at, last_seen_at, ends_at)
                    VALUES ('{session}', '{guest}', '', now(), now(), now() + interval '1 day');
                INSERT INTO access_token (hash, session_id, expires_at) VALUES ('\\x{digest}', '{session}', now() + interval '1 day');
                INSERT INTO household (id, group_id, name) VALUES ('{household}', '{group}', 'B');
                INSERT INTO traveller (id, group_id, household_id, guest_id, role, name, joined_at)
                    VALUES ('{uuid.uuid4()}', '{group}', '{household}', '{guest}', '{role}', 'B', now());""")
            people.append(token)
        statements.append("INSERT INTO scope (name, version) VALUES " + ", ".join(f"('{name}', 1)" for name in names) + ";")
        everybody.append((group, people))
    script = SCRATCH / "crowd.sql"
    script.write_text("\n".join(statements) + "\nCOMMIT; ANALYZE;")
    subprocess.run(["psql", database_url("demo"), "-qf", str(script), "-v", "ON_ERROR_STOP=1"], stdout=subprocess.DEVNULL, check=True)
    return everybody


class Busy(Exception):
    """The service has no room just now: a phone asks again."""


async def pull(reader, writer, token, body):
    """One `POST /v1/sync`; answers its lines."""
    data = json.dumps(body).encode()
    writer.write((f"POST /v1/sync HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n").encode() + data)
    head = await reader.readuntil(b"\r\n\r\n")
    raw = await reader.readexactly(int(re.search(rb"[Cc]ontent-[Ll]ength: (\d+)", head)[1]))
    if head[9:12] == b"503":
        raise Busy
    if head[9:12] != b"200":
        raise SystemExit(f"sync answered {head[9:12]}: {raw[:300]}")
    return raw.splitlines()


def cursor_of(lines):
    last = json.loads(lines[-1])
    return last.get("page") or last["complete"]


def live():
    """Ten thousand phones that listen and hear nothing, beside some that ask."""
    count, rate, seconds = 10_000, 200, 10

    def measure(service, token, park, group, cottages):
        people = [person for _, members in crowd(service, 250, 4) for person in members]
        resting = service.peak_mib()

        async def go():
            streams = []
            for start in range(0, count, 200):
                opened = await asyncio.gather(*[asyncio.open_connection("127.0.0.1", PORT) for _ in range(200)])
                for index, (reader, writer) in enumerate(opened):
                    person = people[(start + index) % len(people)]
                    writer.write(f"GET /v1/sync/live HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {person}\r\n\r\n".encode())
                for reader, writer in opened:
                    await reader.readuntil(b"data: ")
                streams += opened
            resident = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{service.process.pid}/status").read_text())[1]) // 1024
            idle = {}
            connections = [(await asyncio.open_connection("127.0.0.1", PORT), people[index]) for index in range(16)]
            for index, ((reader, writer), person) in enumerate(connections):
                idle[index] = cursor_of(await pull(reader, writer, person, {"deviceId": str(uuid.uuid4()), "schema": 1}))
            times, began = [], time.monotonic()

            async def ask_at(index, moment):
                (reader, writer), person = connections[index]
                await asyncio.sleep(max(0, began + moment - time.monotonic()))
                started = time.monotonic()
                await pull(reader, writer, person, {"deviceId": str(uuid.uuid4()), "schema": 1, "cursor": idle[index]})
                times.append(time.monotonic() - started)

            async def phone(index):
                for turn in range(index, rate * seconds, len(connections)):
                    await ask_at(index, turn / rate)

            await asyncio.gather(*[phone(index) for index in range(len(connections))])
            # They are there still.
            alive = sum(1 for reader, _ in streams if not reader.at_eof())
            times.sort()
            return resident, alive, times[int(len(times) * 0.99)] * 1000, times[len(times) // 2] * 1000

        resident, alive, p99, p50 = asyncio.run(go())
        report("live-idle", resident, "MiB resident", note=f"{alive} of {count} streams of 1,000 guests open; {resting} MiB before; meanwhile {rate} pulls/s p99 {p99:.1f} ms, p50 {p50:.1f} ms")

    with_demo(measure)


def stays_at(park, groups):
    """Gives each group a firm stay at the park, so that its phones read along with the park."""
    rows = ", ".join(f"('{group}'::uuid, {index})" for index, (group, _) in enumerate(groups))
    psql("demo", f"""
        SET session_replication_role = replica;
        INSERT INTO booking (id, number, park_id, group_id, stay, state, adults, children, babies, pets, currency, policy, deposit,
            source, placed_at, confirmed_reason)
        SELECT gen_random_uuid(), 'H' || n, '{park}', own, daterange(current_date + 90, current_date + 93), 'confirmed', 1, 0, 0, 0,
            (SELECT currency FROM park WHERE id = '{park}'), (SELECT rules FROM park WHERE id = '{park}'), 0, 'guest', now(), 'bench'
        FROM (VALUES {rows}) AS told (own, n);
    """)


def ask_steadily(path, token, rate, seconds, began, results):
    """Another guest who reads meanwhile, in a process of their own; puts (seconds since it began, seconds it took)."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    times = []
    for turn in range(int(rate * seconds)):
        time.sleep(max(0, began + turn / rate - time.monotonic()))
        started = time.monotonic()
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"{path} answered {response.status}")
        times.append((started - began, time.monotonic() - started))
    results.put(times)


def herd():
    """Ten thousand phones of one park wait, and one of its rates changes."""
    count, rate, seconds, change_after = 10_000, 50, 20, 5.0

    def measure(service, token, park, group, cottages):
        groups = crowd(service, 250, 4)
        stays_at(park, groups)
        people = [person for _, members in groups for person in members]
        office = sign_in(service.state, "office@example.org", "staff")
        kind = ask("GET", f"/v1/parks/{park}")["cottageTypes"][0]["id"]
        price = ask("GET", f"/v1/admin/cottage-types/{kind}/rates", token=office)["items"][0]
        forks = multiprocessing.get_context("fork")
        results = forks.Queue()

        async def go():
            door = asyncio.Semaphore(32)

            async def first(person):
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                async with door:
                    body = {"deviceId": str(uuid.uuid4()), "schema": 1, "limit": 5000}
                    lines = await pull(reader, writer, person, body)
                    while "page" in json.loads(lines[-1]):
                        lines = await pull(reader, writer, person, body | {"cursor": cursor_of(lines)})
                writer.close()
                return cursor_of(lines)

            cursors = await asyncio.gather(*[first(person) for person in people])
            woken, refused = [], []

            async def phone(index, reader, writer):
                person = people[index % len(people)]
                body = {"deviceId": str(uuid.uuid4()), "schema": 1, "cursor": cursors[index % len(people)], "wait": 25}
                while True:
                    try:
                        lines = await pull(reader, writer, person, body)
                        break
                    except Busy:
                        refused.append(index)
                        await asyncio.sleep(random.uniform(1, 2))
                woken.append((time.monotonic(), any(line.startswith(b'["rate"') for line in lines)))

            phones = []
            for start in range(0, count, 200):
                opened = await asyncio.gather(*[asyncio.open_connection("127.0.0.1", PORT) for _ in range(200)])
                phones += [asyncio.create_task(phone(start + index, *pair)) for index, pair in enumerate(opened)]
                await asyncio.sleep(0.1)
            began = time.monotonic()
            # The reader is in a process of its own, because this one is busy with the phones.
            reader = forks.Process(target=ask_steadily, args=(f"/v1/groups/{group['id']}", token, rate, seconds, began, results))
            reader.start()
            await asyncio.sleep(change_after)
            waiting = sum(1 for task in phones if not task.done())
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
            body = {"season": price["season"], "night": price["night"] + 1, "weekendNight": price["weekendNight"]}
            connection.request("PUT", f"/v1/admin/rates/{price['id']}", json.dumps(body), {
                "Authorization": f"Bearer {office}", "Content-Type": "application/json", "If-Match": f'"{price["version"]}"',
            })
            changed = time.monotonic()
            answer = connection.getresponse()
            if answer.status != 200:
                raise SystemExit(f"the rate was not changed: {answer.read()}")
            await asyncio.gather(*phones)
            times = await asyncio.to_thread(results.get)
            reader.join()
            heard = [at - changed for at, has in woken if has and at > changed]
            last = max(heard) if heard else 0
            meanwhile = sorted(took for at, took in times if change_after <= at <= change_after + max(last, 1))
            before = sorted(took for at, took in times if at < change_after)
            return waiting, len(heard), last, meanwhile, before, len(refused)

        waiting, heard, last, meanwhile, before, refused = asyncio.run(go())
        p99 = lambda times: times[int(len(times) * 0.99)] * 1000
        report("herd", round(p99(meanwhile), 1), "p99 ms", 100, True, f"another guest's reads, {rate}/s, while {waiting} phones wait and a rate changes; {heard} heard within {last:.1f} s ({refused} had to ask again); p99 before {p99(before):.1f} ms; floor: what it may be; the phones are one Python process on the same machine")

    with_demo(measure)


def strangers():
    """Signed-in reads while four thousand codes are asked for from a hundred addresses."""
    count, addresses, rate, quiet = 4_000, 100, 50, 8

    def measure(service, token, park, group, cottages):
        forks = multiprocessing.get_context("fork")
        results = forks.Queue()

        async def go():
            numbers, statuses = iter(range(count)), {}

            async def stranger(index):
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                for number in numbers:
                    data = json.dumps({"email": f"x{number}@example.org", "deviceSecret": uuid.uuid4().hex}).encode()
                    writer.write((f"POST /v1/auth/codes HTTP/1.1\r\nHost: b\r\nX-Forwarded-For: 192.0.2.{index}\r\n"
                        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n").encode() + data)
                    head = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(int(re.search(rb"[Cc]ontent-[Ll]ength: (\d+)", head)[1]))
                    statuses[int(head[9:12])] = statuses.get(int(head[9:12]), 0) + 1
                writer.close()

            began = time.monotonic()
            reader = forks.Process(target=ask_steadily, args=(f"/v1/groups/{group['id']}", token, rate, quiet + 30, began, results))
            reader.start()
            await asyncio.sleep(quiet)
            await asyncio.gather(*[stranger(index) for index in range(addresses)])
            over = time.monotonic() - began
            times = await asyncio.to_thread(results.get)
            reader.join()
            return statuses, over - quiet, sorted(t for at, t in times if 1 < at < quiet), sorted(t for at, t in times if quiet <= at < over)

        statuses, lasted, before, meanwhile = asyncio.run(go())
        p99 = lambda times: times[int(len(times) * 0.99)] * 1000
        report("strangers", round(p99(meanwhile), 1), "p99 ms", round(p99(before), 1), True, f"a guest's reads, {rate}/s, none refused, while {count} codes are asked for from {addresses} addresses in {lasted:.1f} s: {statuses}; floor: the same reads before")

    with_demo(measure)


def sign_in_rate():
    """Signing in, with a million guests and four million sessions."""
    rate, seconds, guests = 20, 20, 1_000_000

    def measure(service, token, park, group, cottages):
        progress("a million guests with four sessions each")
        psql("demo", f"""
            SET session_replication_role = replica;
            INSERT INTO guest (id, email, name, created_at)
            SELECT gen_random_uuid(), 'g' || n || '@bench.example.org', 'B', now() FROM generate_series(1, {guests}) AS n;
            INSERT INTO session (id, guest_id, device_hash, created_at, last_seen_at, ends_at)
            SELECT gen_random_uuid(), guest.id, sha256(guest.id::text::bytea), now(), now(), now() + interval '1 year'
            FROM guest, generate_series(1, 4) WHERE email LIKE 'g%@bench.example.org';
            INSERT INTO known_device (email, device_hash, seen_at)
            SELECT email, sha256(id::text::bytea), now() FROM guest WHERE email LIKE 'g%@bench.example.org';
            ANALYZE guest; ANALYZE session; ANALYZE known_device;
        """)
        numbers = random.sample(range(1, guests + 1), rate * seconds)

        async def go():
            times, began = [], time.monotonic()

            async def send(reader, writer, path, body, number):
                data = json.dumps(body).encode()
                # Everybody from an address of their own, as a proxy tells it.
                writer.write((f"POST {path} HTTP/1.1\r\nHost: b\r\nX-Forwarded-For: 10.0.{number >> 8 & 255}.{number & 255}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n").encode() + data)
                head = await reader.readuntil(b"\r\n\r\n")
                raw = await reader.readexactly(int(re.search(rb"[Cc]ontent-[Ll]ength: (\d+)", head)[1]))
                if head[9:10] != b"2":
                    raise SystemExit(f"{path} answered {head[9:12]}: {raw}")
                return json.loads(raw)

            async def one(turn, number):
                await asyncio.sleep(max(0, began + turn / rate - time.monotonic()))
                address, secret = f"g{number}@bench.example.org", uuid.uuid4().hex
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                started = time.monotonic()
                sent = await send(reader, writer, "/v1/auth/codes", {"email": address, "deviceSecret": secret}, number)
                took = time.monotonic() - started
                folder = service.state / "mail" / hashlib.sha256(address.encode()).hexdigest()[:16]
                while not (mails := list(folder.glob("*.eml"))):
                    await asyncio.sleep(0.02)
                text = base64.b64decode(mails[0].read_text().partition("\n\n")[2]).decode()
                body = {"attemptId": sent["attemptId"], "code": re.search(r"\b\d{8}\b", text)[0], "deviceSecret": secret}
                started = time.monotonic()
                await send(reader, writer, "/v1/auth/sessions", body, number)
                times.append(took + time.monotonic() - started)
                writer.close()

            await asyncio.gather(*[one(turn, number) for turn, number in enumerate(numbers)])
            return sorted(times)

        times = asyncio.run(go())
        script = f"""
            \\set n random(1, {guests})
            SELECT id FROM guest WHERE email = 'g' || :n || '@bench.example.org';
            SELECT count(*) FROM known_device WHERE email = 'g' || :n || '@bench.example.org';
        """
        floor = pgbench_p99("demo", script, 1)
        report("sign-in", round(times[int(len(times) * 0.99)] * 1000, 1), "p99 ms", round(floor, 2), True, f"asking for a code and typing it, {rate}/s, {guests} guests, four sessions each; p50 {times[len(times) // 2] * 1000:.1f}; floor: two indexed statements by pgbench")

    with_demo(measure)


def latency():
    """From the moment a member writes until the others' phones have it, with a thousand that wait."""
    per_second, seconds = 20, 15

    def measure(service, token, park, group, cottages):
        groups = crowd(service, 250, 4)

        async def go():
            said, times = {}, []
            # Not all thousand at once: that is another measure.
            door = asyncio.Semaphore(32)
            waiting = 0

            async def phone(token):
                nonlocal waiting
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                body = {"deviceId": str(uuid.uuid4()), "schema": 1}
                async with door:
                    body["cursor"] = cursor_of(await pull(reader, writer, token, body))
                waiting += 1
                while True:
                    lines = await pull(reader, writer, token, body | {"wait": 25})
                    now = time.monotonic()
                    for line in lines:
                        if line.startswith(b'["message"') and (text := json.loads(line)[3:]):
                            times.append(now - said[text[0]["text"]])
                    body["cursor"] = cursor_of(lines)

            phones = [asyncio.create_task(phone(person)) for _, members in groups for person in members]
            while waiting < len(phones):
                for task in phones:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            writers = [await asyncio.open_connection("127.0.0.1", PORT) for _ in range(8)]
            began = time.monotonic()

            async def talk(index):
                reader, writer = writers[index]
                for turn in range(index, per_second * seconds, len(writers)):
                    await asyncio.sleep(max(0, began + turn / per_second - time.monotonic()))
                    group, members = groups[turn % len(groups)]
                    said[str(turn)] = time.monotonic()
                    status, _ = await post(reader, writer, f"/v1/groups/{group}/messages", members[0], {"text": str(turn)}, uuid.uuid4().hex)
                    assert status == 201, status

            await asyncio.gather(*[talk(index) for index in range(len(writers))])
            await asyncio.sleep(2)
            for task in phones:
                task.cancel()
            return sorted(times), per_second * seconds * 4

        times, expected = asyncio.run(go())
        report("sync-latency", round(times[int(len(times) * 0.99)] * 1000, 1), "p99 ms", note=f"from the request that writes to the row on each of 4 phones, p50 {times[len(times) // 2] * 1000:.1f}; {len(times)} of {expected} arrived; 1,000 phones wait, {per_second} commits/s; the client is one Python process")

    with_demo(measure)


def hot_group():
    """Everybody of one group writes at once: single commits, then batches of 50 mutations."""
    seconds = 8

    def measure(service, token, park, group, cottages):
        (group, people), = crowd(service, 1, 32)
        items = []
        for number in range(64):
            items.append(ask("POST", f"/v1/groups/{group}/plan-items", {"list": "plan", "title": f"Item {number}"}, people[0])["id"])

        async def single():
            done, end = 0, time.monotonic() + seconds

            async def one(index):
                nonlocal done
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                turn = 0
                while time.monotonic() < end:
                    turn += 1
                    status, raw = await post(reader, writer, f"/v1/groups/{group}/plan-items/{items[index]}", people[index], {"base": 1, "title": f"T{turn}"}, "", method="PATCH")
                    assert status == 200, raw
                    done += 1

            began = time.monotonic()
            await asyncio.gather(*[one(index) for index in range(len(people))])
            return done / (time.monotonic() - began)

        async def batches():
            done, end = 0, time.monotonic() + seconds

            async def one(index):
                nonlocal done
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                device = str(uuid.uuid4())
                status, _ = await post(reader, writer, "/v1/sync/devices", people[index], {"id": device}, "")
                assert status == 204, status
                cursor, sequence = cursor_of(await pull(reader, writer, people[index], {"deviceId": device, "schema": 1, "limit": 5000})), 0
                while time.monotonic() < end:
                    mutations = []
                    for _ in range(50):
                        sequence += 1
                        arguments = json.dumps({"groupId": group, "id": items[(index + sequence) % len(items)], "request": {"base": 1, "title": f"B{index}-{sequence}"}})
                        mutations.append({"sequence": sequence, "id": str(uuid.uuid4()), "name": "planItem.change@1", "arguments": arguments, "at": "2026-01-01T00:00:00.000Z"})
                    body = {"deviceId": device, "schema": 1, "cursor": cursor, "mutations": mutations}
                    lines = await pull(reader, writer, people[index], body)
                    results = sum(1 for line in lines if line.startswith(b'{"sequence"') and b"rejected" not in line)
                    if not results:
                        sequence -= 50
                    done += results
                    cursor = cursor_of(lines)

            began = time.monotonic()
            await asyncio.gather(*[one(index) for index in range(4)])
            return done / (time.monotonic() - began)

        commits = asyncio.run(single())
        mutations = asyncio.run(batches())
        script = f"""BEGIN;
            SELECT 1 FROM plan_item WHERE id = '{items[0]}';
            UPDATE scope SET version = version + 1 WHERE name = 'group' || chr(58) || '{group}';
            COMMIT;"""
        floor = pgbench("demo", script, 32)
        report("sync-hot-group", round(commits), "commits/s", round(floor), note=f"32 clients change plan items of one group; in batches of 50 from 4 phones {mutations:.0f} mutations/s; floor: the scope's row alone")

    with_demo(measure)


def apply():
    """The engine of a phone takes in what it has never seen."""
    rows = 50_000
    rates = [int(subprocess.run([SIMULATE, "apply", "--rows", str(rows), "--folder", str(SCRATCH)], capture_output=True, text=True, check=True).stdout) for _ in range(3)]
    data = [("guest:x", "bench", str(uuid.uuid4()), random.getrandbits(62), "x" * 270) for _ in range(rows)]
    floors = []
    for turn in range(3):
        database = sqlite3.connect(SCRATCH / f"floor-{turn}.sqlite")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE row (scope TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, hash INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (scope, kind, id)) WITHOUT ROWID")
        started = time.monotonic()
        database.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?)", data)
        database.commit()
        floors.append(rows / (time.monotonic() - started))
    report("snapshot-apply", int(statistics.median(rates)), "rows/s", round(statistics.median(floors)), note="parsed, checked, staged, shown and digested; floor: sqlite3 inserts of the same rows into one table")


def phone_idle():
    """What a phone costs that has everything and hears that there is nothing new."""
    rows = 20_000
    used = [int(subprocess.run([SIMULATE, "idle", "--rows", str(rows), "--folder", str(SCRATCH)], capture_output=True, text=True, check=True).stdout) for _ in range(3)]
    report("phone-idle", statistics.median(used), "µs CPU", 1_000, note=f"a cycle without news, with {rows} rows; floor: what it may take")


def ledger_post():
    """Journals of payments at one till of one park, by the statement the service posts with."""
    def measure(service, token, park, group, cottages):
        clients = 16
        psql("demo", "CREATE TABLE paid AS SELECT row_number() OVER () AS n, share.id AS share, booking_id AS booking FROM share; CREATE INDEX ON paid (n); ANALYZE paid; CREATE TABLE one (id uuid PRIMARY KEY, at timestamptz)")
        shares = int(psql("demo", "SELECT count(*) FROM paid"))
        script = f"""
            \\set n random(1, {shares})
            WITH posted AS (
                INSERT INTO journal (id, key, park_id, booking_id, reason, day, at)
                SELECT gen_random_uuid(), gen_random_uuid()::text, '{park}', booking, 'bench', current_date, now() FROM paid WHERE n = :n
                RETURNING id, booking_id
            )
            INSERT INTO entry (journal_id, place, account, share_id, amount, currency)
            SELECT posted.id, place, account, CASE account WHEN 'prepaid' THEN (SELECT share FROM paid WHERE n = :n) END, amount, 'GBP'
            FROM posted, unnest(ARRAY['cash', 'prepaid'], ARRAY[100, -100]) WITH ORDINALITY AS line (account, amount, place);
        """
        rate = pgbench("demo", script, clients)
        floor = pgbench("demo", "INSERT INTO one VALUES (gen_random_uuid(), now());", clients)
        wrong = psql("demo", "SELECT count(*) FROM (SELECT journal_id FROM entry GROUP BY journal_id HAVING sum(amount) <> 0) AS wrong")
        posted = psql("demo", "SELECT count(*) FROM journal")
        report("ledger-post", round(rate), "journals/s", round(floor), note=f"{clients} clients, {posted} journals on {shares} shares, {wrong} out of balance")

    with_demo(measure)


def reconcile():
    """What head office asks of a year's books: 50,000 stays of a park with 600 cottages, a million entries."""
    def measure(service, token, park, group, cottages):
        def timed():
            started = time.monotonic()
            answer = ask("GET", "/v1/admin/reconciliation", token=office)
            return time.monotonic() - started, answer

        office = sign_in(service.state, "office@example.org", "staff")
        guest = group["travellers"][0]
        progress("a year of stays, payments and earnings")
        psql("demo", f"""
            SET session_replication_role = replica;
            CREATE TABLE year AS SELECT n, gen_random_uuid() AS booking, gen_random_uuid() AS share, gen_random_uuid() AS till,
                current_date - 370 + (n % 360)::int AS day, now() - interval '370 days' + n * interval '10 minutes' AS at
            FROM generate_series(1, 50000) AS n;
            INSERT INTO booking (id, number, park_id, group_id, stay, state, adults, children, babies, pets, currency, policy,
                deposit, source, placed_at, confirmed_reason)
            SELECT booking, 'Y' || n, '{park}', '{group['id']}', daterange(day, day + 6), 'checkedOut', 1, 0, 0, 0, 'GBP',
                (SELECT rules FROM park WHERE id = '{park}'), 0, 'guest', at, 'bench' FROM year;
            INSERT INTO booking_traveller (booking_id, traveller_id) SELECT booking, '{guest['id']}' FROM year;
            INSERT INTO charge_line (id, booking_id, kind, quantity, unit_amount, amount, at)
            SELECT gen_random_uuid(), booking, 'night', 1, 39000, 39000, at FROM year;
            INSERT INTO share (id, booking_id, household_id, amount, paid, due, agreed)
            SELECT share, booking, '{guest['householdId']}', 39000, 39000, day, 39000 FROM year;
            INSERT INTO agreement (share_id, number, agreed, how, at, principal) SELECT share, 1, 39000, 'joined', at, 'bench' FROM year;
            INSERT INTO till_payment (id, park_id, share_id, kind, method, amount, day, at, principal)
            SELECT till, '{park}', share, 'payment', 'cash', 39000, day, at, 'bench' FROM year;
            CREATE TABLE told AS
            SELECT gen_random_uuid() AS id, 'till:' || till AS key, booking, share, day, at, 0 AS night FROM year
            UNION ALL SELECT gen_random_uuid(), 'earned:' || booking || ':' || night, booking, share, day + night, at, night
            FROM year, generate_series(1, 6) AS night;
            INSERT INTO journal (id, key, park_id, booking_id, reason, day, at)
            SELECT id, key, '{park}', booking, 'bench', day, at FROM told;
            INSERT INTO entry (journal_id, place, account, share_id, amount, currency, rate)
            SELECT id, place, account, CASE account WHEN 'prepaid' THEN share END, amount, 'GBP', CASE WHEN account IN ('revenue', 'vat') THEN 900 END
            FROM told, LATERAL (VALUES (1, 'cash', 39000), (2, 'prepaid', -39000)) AS line (place, account, amount) WHERE night = 0
            UNION ALL SELECT id, place, account, NULL, amount, 'GBP', CASE WHEN account IN ('revenue', 'vat') THEN 900 END
            FROM told, LATERAL (VALUES (1, 'receivable', 6500), (2, 'revenue', -6500 + CASE night WHEN 6 THEN 535 ELSE 537 END),
                (3, 'vat', -CASE night WHEN 6 THEN 535 ELSE 537 END)) AS line (place, account, amount) WHERE night > 0;
            ANALYZE;
        """)
        entries = int(psql("demo", "SELECT count(*) FROM entry"))
        _, before = wrk("/v1/parks", seconds=2), wrk("/v1/parks", connections=4)[0]
        psql("demo", "INSERT INTO job (id, queue, kind, arguments, key, run_at) VALUES (gen_random_uuid(), 'effects', 'checkLedger', '{\"pass\": \"all\"}', 'all', now())")
        started, asked = time.monotonic(), []
        during = wrk("/v1/parks", connections=4)[0]
        while psql("demo", "SELECT count(*) FROM ledger_check WHERE pass = 'all' AND stage IS NULL") == "0":
            asked.append(timed()[0])
            time.sleep(0.1)
        whole = time.monotonic() - started
        asked += [timed()[0] for _ in range(20)]
        found = len(timed()[1]["differences"])
        report("reconcile", round(max(asked), 3), "s", 0.5, True, f"{entries} entries, {found} differences; a pass over all {round(whole, 1)} s, other reads meanwhile at {round(during / before, 2)} of their rate")

    with_demo(measure)


def payments():
    """From the tap to the form of the provider, and a burst of webhooks until all they tell of is applied."""
    def provider(method, path, form=None):
        connection = http.client.HTTPConnection("127.0.0.1", PORT + 2, timeout=30)
        headers = {"Authorization": f"Bearer {PAYMENT_KEY}", "Content-Type": "application/x-www-form-urlencoded"}
        started = time.monotonic()
        connection.request(method, path, urllib.parse.urlencode(form) if form else None, headers)
        answer = json.loads(connection.getresponse().read())
        return answer, time.monotonic() - started

    def sign(body):
        now = int(time.time())
        told = hmac.new(WEBHOOK_SECRET.encode(), f"{now}.{json.dumps(body)}".encode(), hashlib.sha256).hexdigest()
        return f"Stripe-Signature: t={now},v1={told}\r\n"

    def measure(service, token, park, group, cottages):
        clients, households, count = 8, 2, 1000
        slots = iter([(cottage, day) for day in range(300, 330, 4) for cottage in cottages])
        shares = [[] for _ in range(clients)]
        # One guest has at most twenty unpaid stays: a group for each.
        for number, (id, people) in enumerate(crowd(service, count // households, households)):
            token = people[0]
            own = ask("GET", f"/v1/groups/{id}", token=token)
            everybody = {"travellerIds": [traveller["id"] for traveller in own["travellers"]]}
            for cottage, day in slots:
                try:
                    placed = ask("POST", "/v1/bookings", booking(park, own, [cottage], day) | everybody, token)
                    break
                except SystemExit:
                    # Somebody of the demo stays there.
                    continue
            ask("POST", f"/v1/bookings/{placed['id']}/confirm", {}, token)
            found = ask("GET", f"/v1/bookings/{placed['id']}/shares", token=token)["items"]
            shares[number % clients] += [(share["id"], token) for share in found]
        secrets, failed = [], []

        async def client(own):
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            times = []
            for share, token in own:
                started = time.monotonic()
                status, raw = await post(reader, writer, f"/v1/shares/{share}/payments", token, {"method": "card"}, uuid.uuid4().hex)
                if status == 202:
                    path = f"/v1/payments/{json.loads(raw)['id']}?wait=25"
                    status, raw = await post(reader, writer, path, token, None, uuid.uuid4().hex, method="GET")
                secret = json.loads(raw).get("clientSecret")
                if not secret:
                    failed.append((status, raw))
                    continue
                times.append(time.monotonic() - started)
                secrets.append(secret)
            return times

        async def taps():
            return sum(await asyncio.gather(*[client(own) for own in shares]), [])

        times = sorted(asyncio.run(taps()))
        alone = sorted(provider("POST", "/v1/payment_intents", {"amount": 1000, "currency": "gbp"})[1] for _ in range(200))
        report("tap-to-secret", round(times[int(len(times) * 0.99)] * 1000, 1), "p99 ms", round(alone[197] * 1000, 1), True, f"p50 {times[len(times) // 2] * 1000:.1f} ms, {clients} payers at once, {len(times)} taps, {len(failed)} failed {failed[:1]}; floor: the provider alone")
        intents = [secret.partition("_secret_")[0] for secret in secrets]
        for intent, secret in zip(intents, secrets):
            provider("POST", f"/v1/payment_intents/{intent}/confirm", {"client_secret": secret, "payment_method": "pm_card_visa"})
        events = [{"id": f"evt_{uuid.uuid4().hex}", "type": "payment_intent.succeeded", "data": {"object": {"id": intent}}} for intent in intents]
        started = time.monotonic()
        answers = asyncio.run(burst("/v1/webhooks/stripe", events, token, sign))
        statuses = {status: sum(1 for answer in answers if answer[0] == status) for status in {answer[0] for answer in answers}}
        while int(psql("demo", "SELECT (SELECT count(*) FROM attempt WHERE state <> 'succeeded') + (SELECT count(*) FROM provider_event WHERE state = 'new')")):
            if time.monotonic() - started > 120:
                break
            time.sleep(0.05)
        applied = time.monotonic() - started
        seconds = sorted(answer[1] for answer in answers)
        paid = psql("demo", "SELECT count(*) FROM attempt WHERE state = 'succeeded'")
        floor = pgbench("demo", "INSERT INTO one VALUES (gen_random_uuid(), now());", 16, prepare="CREATE TABLE one (id uuid PRIMARY KEY, at timestamptz)")
        report("webhook-burst", round(seconds[int(len(seconds) * 0.99)], 3), "p99 s", round(len(events) / floor, 3), True, f"{statuses} of {len(events)} at once, {paid} payments applied after {applied:.1f} s, peak {service.peak_mib()} MiB; floor: as many one-row transactions")

    sandbox = subprocess.Popen([SANDBOX, "--port", str(PORT + 2), "--file", str(SCRATCH / "payments.sqlite"), "--key", PAYMENT_KEY], stdout=subprocess.DEVNULL)
    try:
        with_demo(measure)
    finally:
        sandbox.terminate()
        sandbox.wait()


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


def hostile():
    """How much 300 slow sockets or a pipelining flood cost a well-behaved client."""
    forks = multiprocessing.get_context("fork")

    def measure(service, token, park, group, cottages):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)

        def p99(count=3000):
            times = []
            for _ in range(count):
                started = time.monotonic()
                connection.request("GET", "/v1/me", headers={"Authorization": f"Bearer {token}"})
                connection.getresponse().read()
                times.append(time.monotonic() - started)
            times.sort()
            return times[int(count * 0.99)] * 1000

        def opened(data):
            client = socket.create_connection(("127.0.0.1", PORT))
            client.sendall(data)
            return client

        def slow_sockets(stop):
            def open_all():
                return (
                    [opened(b"GET /v1/parks HTTP/1.1\r\nHost: b\r\nX-Slow: ") for _ in range(100)]
                    + [opened(b"POST /v1/auth/codes HTTP/1.1\r\nHost: b\r\nContent-Length: 5000\r\n\r\n{") for _ in range(100)]
                    # These never read the answers, which are more than the socket holds.
                    + [opened(b"GET /openapi.yaml HTTP/1.1\r\nHost: b\r\n\r\n" * 50) for _ in range(100)]
                )
            clients = open_all()
            while not stop.is_set():
                for index, client in enumerate(clients):
                    # Each a byte a second, evenly.
                    time.sleep(1 / len(clients))
                    try:
                        client.send(b"a")
                    except OSError:
                        clients[index] = opened(b"GET /v1/parks HTTP/1.1\r\nHost: b\r\nX-Slow: ")
            for client in clients:
                client.close()

        def flood(stop):
            client = opened(b"")
            client.setblocking(False)
            while not stop.is_set():
                try:
                    client.send(b"GET /v1/parks HTTP/1.1\r\nHost: b\r\n\r\n" * 1000)
                except BlockingIOError:
                    time.sleep(0.01)
                except OSError:
                    client = opened(b"")
                    client.setblocking(False)
            client.close()

        def under(attack, settle):
            # A process of its own, so that the polite client does not wait for the rude one's interpreter.
            stop = forks.Event()
            process = forks.Process(target=attack, args=(stop,))
            process.start()
            # Until what the readers asked for has filled their sockets: before that it is work that was asked for.
            time.sleep(settle)
            value = p99()
            stop.set()
            process.join()
            return value

        p99()
        # Alternately, because the machine has moods of its own.
        rounds = [(p99(), under(slow_sockets, 13), under(flood, 4)) for _ in range(5)]
        alone, slow, flooded = (statistics.median(column) for column in zip(*rounds))
        worst = max(slow, flooded)
        report("hostile", round(worst, 2), "p99 ms", round(alone, 2), True, f"alone {alone:.2f}, 300 slow sockets {slow:.2f}, pipelining flood {flooded:.2f}, peak {service.peak_mib()} MiB")

    with_demo(measure)


def kinto():
    """Kinto, the nearest peer, at its nearest equivalents: two workers of uwsgi on the same machine and database."""
    home, port = pathlib.Path(os.environ["KINTO"]), PORT + 3
    psql("voorpret", "CREATE DATABASE kinto ENCODING 'UTF8' TEMPLATE template0")
    ini = SCRATCH / "kinto.ini"
    tool = [str(home / "bin/kinto")]
    subprocess.run(tool + ["init", "--ini", str(ini), "--backend", "postgresql", "--cache-backend", "memory", "--host", "127.0.0.1"], check=True, capture_output=True)
    settings = {
        "kinto.storage_url": database_url("kinto"), "kinto.permission_url": database_url("kinto"),
        "multiauth.policies": "basicauth", "kinto.bucket_create_principals": "system.Authenticated",
    }
    lines = [line for line in ini.read_text().splitlines() if line.split("=")[0].strip() not in settings]
    at = lines.index("[app:main]") + 1
    ini.write_text("\n".join(lines[:at] + [f"{name} = {value}" for name, value in settings.items()] + lines[at:]))
    subprocess.run(tool + ["migrate", "--ini", str(ini)], check=True, capture_output=True)
    (SCRATCH / "kinto_app.py").write_text(
        "import configparser, kinto\n"
        "config = configparser.ConfigParser(interpolation=None)\n"
        f"config.read({str(ini)!r})\n"
        "application = kinto.main({}, **dict(config['app:main']))\n"
    )
    server = subprocess.Popen(
        [str(home / "bin/uwsgi"), "--http-socket", f"127.0.0.1:{port}", "--master", "--processes", "2", "--threads", "4", "--wsgi-file", "kinto_app.py", "--disable-logging", "--die-on-term"],
        cwd=SCRATCH, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        headers = {"Authorization": "Basic " + base64.b64encode(b"anna:secret").decode(), "Content-Type": "application/json"}

        def ask_kinto(method, path, body=None):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            raw = answer.read()
            if answer.status >= 300:
                raise SystemExit(f"Kinto answered {answer.status}: {raw[:300]}")
            return json.loads(raw), answer.headers

        for _ in range(200):
            try:
                ask_kinto("GET", "/v1/")
                break
            except OSError:
                time.sleep(0.1)
        ask_kinto("PUT", "/v1/buckets/bench", {})
        records = "/buckets/bench/collections/items/records"
        ask_kinto("PUT", "/v1/buckets/bench/collections/items", {})
        wanted = [{"method": "POST", "path": f"/v1{records}", "body": {"data": {"text": "x" * 160, "n": n}}} for n in range(1000)]
        started = time.monotonic()
        for start in range(0, len(wanted), 25):
            answer, _ = ask_kinto("POST", "/v1/batch", {"requests": wanted[start:start + 25]})
            assert all(one["status"] == 201 for one in answer["responses"]), answer
        report("kinto-batch", round(len(wanted) / (time.monotonic() - started)), "records/s", note="Kinto: inserts in batches of 25, one after the other; ours beside it: sync-hot-group, batches of 50")
        times = []
        for _ in range(10):
            started = time.monotonic()
            listed, listed_headers = ask_kinto("GET", f"/v1{records}")
            times.append(time.monotonic() - started)
        report("kinto-list", round(len(listed["data"]) / statistics.median(times)), "records/s", note="Kinto: the full list of 1,000; ours: snapshot-serve")
        one, etag = listed["data"][0]["id"], listed_headers["ETag"].strip('"')
        lua = f"wrk.headers['Authorization'] = '{headers['Authorization']}'"

        def asked(path):
            script = SCRATCH / "kinto.lua"
            script.write_text(lua)
            text = subprocess.run(["wrk", "-t1", "-c16", "-d6s", "-s", str(script), f"http://127.0.0.1:{port}/v1{path}"], capture_output=True, text=True).stdout
            failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
            return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), int(failed[1]) if failed else 0

        rate, failed = asked(f"{records}/{one}")
        report("kinto-read", round(rate), "requests/s", note=f"Kinto: one record, 16 connections, {failed} failed; ours: group-read, a whole page")
        rate, failed = asked(f"{records}?_since=%22{etag}%22")
        report("kinto-since", round(rate), "requests/s", note=f"Kinto: nothing new since, 16 connections, {failed} failed; ours: pull-idle")
    finally:
        server.terminate()
        server.wait()


MEASURES = {
    "group-read": group_read, "search": search, "book-race": book_race, "book-groups": book_groups,
    "hold-confirm": hold_confirm, "change": change, "ledger-post": ledger_post, "reconcile": reconcile, "payments": payments, "day-view": day_view, "feed": feed, "sync": sync, "apply": apply, "phone-idle": phone_idle, "live": live, "herd": herd, "strangers": strangers, "sign-in": sign_in_rate, "latency": latency, "hot-group": hot_group, "import": import_rate, "job-rate": job_rate, "hostile": hostile,
}
if os.environ.get("KINTO"):
    MEASURES["kinto"] = kinto

for name, measure in MEASURES.items():
    if not ONLY or ONLY == name:
        measure()
target = ROOT / ".build/bench.jsonl"
target.parent.mkdir(exist_ok=True)
target.write_text("".join(json.dumps(result) + "\n" for result in RESULTS))
print(f"{'name':<14}{'value':>12} {'unit':<26}{'floor':>10}{'ratio':>8}  note")
for result in RESULTS:
    print(f"{result['name']:<14}{result['value']:>12} {result['unit']:<26}{result['floor'] or '–':>10}{result['ratio'] or '–':>8}  {result['note']}")
