"""Measures of money: the ledger, its reconciliation, and payments."""

import asyncio
import hashlib
import hmac
import http.client
import json
import subprocess
import time
import urllib.parse
import uuid

from machinery import (
    PAYMENT_KEY, PORT, SANDBOX, SCRATCH, WEBHOOK_SECRET, ask, booking, burst, crowd, pgbench, post, progress, psql, report, sign_in, with_demo, wrk,
)


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
