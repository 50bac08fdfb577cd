"""What the measures share: the service, the database, load, and the list of results."""

import asyncio
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
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


def office_token(service):
    """Head office of the demo, which works at all parks, signed in with its second factor."""
    return sign_in(service.state, "office@example.org", "staff")


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
    # pgbench has no comments within statements, and takes :name and :00 for a variable, also within a text.
    asked = re.sub(r"--[^\n]*", "", asked)
    asked = re.sub(r"'(?:[^']|'')*'", lambda text: re.sub(r":(?=\w)", r"\\x3a", "E" + text[0].replace("\\", "\\\\")) if re.search(r":\w", text[0]) else text[0], asked)
    return f"\\startpipeline\n{asked}\n\\endpipeline\n"


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
