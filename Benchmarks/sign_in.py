"""Measures of signing in, and of people who do not belong here."""

import asyncio
import base64
import hashlib
import http.client
import json
import multiprocessing
import random
import re
import socket
import statistics
import time
import uuid

from machinery import PORT, ask_steadily, crowd, pgbench_p99, post, progress, psql, report, with_demo
from sync import cursor_of, pull


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
