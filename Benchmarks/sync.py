"""Measures of phones: pulls, pushes, events and snapshots, and the feed of a park."""

import asyncio
import http.client
import json
import multiprocessing
import pathlib
import random
import re
import sqlite3
import statistics
import subprocess
import time
import uuid

from machinery import (
    PORT, SCRATCH, SIMULATE, ask, ask_steadily, crowd, database_url, pgbench, pipeline, post, psql, report, sign_in, office_token, with_demo, wrk,
)


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
        staff = office_token(service)
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


def herd():
    """Ten thousand phones of one park wait, and one of its rates changes."""
    count, rate, seconds, change_after = 10_000, 50, 20, 5.0

    def measure(service, token, park, group, cottages):
        groups = crowd(service, 250, 4)
        stays_at(park, groups)
        people = [person for _, members in groups for person in members]
        office = office_token(service)
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
