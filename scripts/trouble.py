"""Guests write while everything goes wrong; what was acknowledged is there afterwards, once.

trouble.py ROOT CLUSTER DATA SCRATCH    prints how long each trouble lasted beyond its end; ends with 1 if anything is lost.
"""

import atexit
import collections
import datetime
import glob
import http.client
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

import people

root, cluster, data, scratch = sys.argv[1:]
# So that what is started is also stopped.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
PORT, ADMIN = 18090, 18091
BASE = f"http://127.0.0.1:{PORT}"
STATE = f"{scratch}/state"
CLOCK = f"{scratch}/clock"
WRITERS = 6
# Seconds after the end of a trouble within which everything works again.
PATIENCE = 10


def run(*command, **more):
    return subprocess.run(command, check=True, text=True, capture_output=True, **more).stdout.strip()


def as_postgres(*command):
    return run("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command, cwd="/")


POSTGRES = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))


class Server:
    """The service, started again whenever it ends, as systemd does it."""

    def __init__(self, database):
        self.environment = {
            **os.environ, "VOORPRET_DATABASE": database, "VOORPRET_STATE": STATE, "VOORPRET_SCHEMA": root,
            "VOORPRET_OPENAPI": f"{root}/openapi.yaml", "VOORPRET_PORT": str(PORT), "VOORPRET_ADMIN_PORT": str(ADMIN),
            "VOORPRET_LOG_LEVEL": "warning",
        }
        pathlib.Path(CLOCK).write_text("+0")
        self.clock = {
            "LD_PRELOAD": glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0], "FAKETIME_TIMESTAMP_FILE": CLOCK,
            # The wall clock alone is set, and looked at anew each time.
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.log = open(f"{scratch}/log", "ab")
        self.starts, self.process, self.over = 0, None, False
        self.thread = threading.Thread(target=self.keep, daemon=True)
        self.thread.start()
        atexit.register(self.stop)

    def keep(self):
        while not self.over:
            # faketime moves the environment, so Swift finds no arguments. Without arguments the program serves.
            arguments, clock = ([], self.clock) if self.starts else (["serve", "--demo"], {})
            self.process = subprocess.Popen(
                [f"{root}/.build-release/release/voorpret", *arguments], env=self.environment | clock,
                stdout=self.log, stderr=self.log,
            )
            self.starts += 1
            status = self.process.wait()
            self.log.write(f"ended with {status}\n".encode())
            self.log.flush()
            time.sleep(0.1)

    def stop(self):
        self.over = True
        while self.thread.is_alive():
            self.process.kill()
            self.thread.join(0.1)

    def is_ready(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{ADMIN}/readyz", timeout=5).status == 200
        except (OSError, http.client.HTTPException):
            return False


class Guests:
    """Each says one thing after the other, repeats it under its key until it is acknowledged, and books now and then."""

    def __init__(self):
        self.service = people.Service(BASE, STATE)
        self.acknowledged, self.lock, self.counts = [], threading.Lock(), collections.Counter()
        self.last, self.over = 0.0, False
        self.mailing = threading.Lock()
        token = self.service.sign_in("anna@example.org")
        ask = self.service.ask
        group = ask("POST", "/v1/groups", {"name": "Trouble", "myName": "Anna"}, token)
        self.group, self.traveller = group["id"], group["travellers"][0]["id"]
        self.park = next(park for park in ask("GET", "/v1/parks")["items"] if park["slug"] == "loch-ardroy")["id"]
        self.kind = ask("GET", f"/v1/parks/{self.park}")["cottageTypes"][0]["id"]
        self.threads = [threading.Thread(target=self.write, args=(number,), daemon=True) for number in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def sign_in(self, address):
        with self.mailing:
            return self.service.sign_in(address)

    def request(self, method, path, body, token, key):
        """The status; 0 where there was no answer."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(BASE + path, people.json.dumps(body).encode(), headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except (OSError, http.client.HTTPException):
            return 0, b""

    def write(self, number):
        token, turn = "", 0
        while not self.over:
            text, key = f"{number}/{turn}", str(uuid.uuid4())
            while not self.over:
                status, answer = self.request("POST", f"/v1/groups/{self.group}/messages", {"text": text}, token, key)
                self.counts[status] += 1
                if status == 201:
                    with self.lock:
                        self.acknowledged.append(text)
                        self.last = time.monotonic()
                    break
                if status == 401:
                    try:
                        token = self.sign_in("anna@example.org")
                    except (SystemExit, OSError, http.client.HTTPException):
                        time.sleep(0.5)
                elif status in (0, 503, 429, 507) or status == 409 and b"key_running" in answer:
                    time.sleep(0.05)
                else:
                    self.counts[f"{status} {answer[:120]}"] += 1
                    time.sleep(0.2)
            if turn % 20 == 0:
                arrival = datetime.date.today() + datetime.timedelta(days=40 + secrets.randbelow(200))
                stay = {"arrival": str(arrival), "departure": str(arrival + datetime.timedelta(days=2))}
                body = {"parkId": self.park, "groupId": self.group, "stay": stay, "cottages": [{"typeId": self.kind}],
                        "travellerIds": [self.traveller]}
                status, answer = self.request("POST", "/v1/bookings", body, token, str(uuid.uuid4()))
                if status == 201:
                    booking = people.json.loads(answer)["id"]
                    self.request("POST", f"/v1/bookings/{booking}/cancel", {}, token, str(uuid.uuid4()))
            turn += 1
            time.sleep(0.02)

    def stop(self):
        assert all(thread.is_alive() for thread in self.threads), "a writer ended early"
        self.over = True
        for thread in self.threads:
            thread.join()

    def read(self):
        texts, cursor, token = [], "", self.sign_in("anna@example.org")
        while True:
            page = self.service.ask("GET", f"/v1/groups/{self.group}/messages?limit=100{cursor}", token=token)
            texts += [message["text"] for message in page["items"]]
            if not page.get("next"):
                return texts
            cursor = f"&cursor={page['next']}"


def family(pid):
    """A process and all below it."""
    children = subprocess.run(["pgrep", "-P", str(pid)], text=True, capture_output=True).stdout.split()
    return [pid, *(below for child in children for below in family(int(child)))]


def postmaster(folder=None):
    return int(pathlib.Path(folder or data, "postmaster.pid").read_text().split()[0])


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def fill(folder):
    """Takes all the room there is."""
    with open(f"{folder}/full", "wb", buffering=0) as file:
        block = b"\1" * 65536
        while len(block) > 0:
            try:
                file.write(block)
            except OSError:
                block = block[: len(block) // 2]


def mails_to(address):
    return [path for path in glob.glob(f"{STATE}/mail/*/*.eml") if people.mail(path)[0] == address]


# The troubles. Each returns when it is over.


def killed():
    for _ in range(5):
        time.sleep(1)
        server.process.kill()


def crashed():
    # Stopped first, so that it starts no new process while they are listed.
    os.kill(postmaster(), signal.SIGSTOP)
    send(family(postmaster()), signal.SIGKILL)
    time.sleep(2)
    run(f"{root}/scripts/cluster.sh", "start", cluster)


def full_state():
    fill(STATE)
    # The mail is sent once there is room again.
    guests.service.ask("POST", "/v1/auth/codes", {"email": "meanwhile@example.org", "deviceSecret": uuid.uuid4().hex})
    time.sleep(10)
    assert not mails_to("meanwhile@example.org")
    os.remove(f"{STATE}/full")


def full_database():
    fill(data)
    # The server has some files in reserve.
    refused = guests.counts[503] + guests.counts[0]
    until(lambda: guests.counts[503] + guests.counts[0] > refused, "a full disk is noticed", 120)
    time.sleep(5)
    os.remove(f"{data}/full")
    # It may have ended for lack of room, and is started again, as a supervisor does it.
    run(f"{root}/scripts/cluster.sh", "start", cluster)


def wrong_secret():
    secret = pathlib.Path(STATE, "secret")
    kept = secret.read_bytes()
    secret.write_bytes(secrets.token_bytes(len(kept)))
    starts = server.starts
    server.process.kill()
    until(lambda: server.starts > starts + 2, "it does not start with another secret")
    assert not server.is_ready()
    secret.write_bytes(kept)


def clock(offset):
    def step():
        for value in (offset, "+0"):
            pathlib.Path(CLOCK + ".new").write_text(value)
            os.rename(CLOCK + ".new", CLOCK)
            time.sleep(10 if value == offset else 0)

    return step


def stalled():
    everyone = family(postmaster())
    send(everyone, signal.SIGSTOP)
    try:
        time.sleep(20)
    finally:
        send(everyone, signal.SIGCONT)


def stalled_and_promoted():
    everyone = family(postmaster())
    send(everyone, signal.SIGSTOP)
    time.sleep(20)
    # The primary is killed, so that there is only one.
    send(everyone, signal.SIGKILL)
    as_postgres(f"{POSTGRES}/pg_ctl", "-D", f"{scratch}/standby/data", "-w", "promote")


def until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"FAILED: {what}")
        time.sleep(0.05)


def make_standby(sockets):
    """Every commit waits for it, so that a promotion loses none."""
    folder = f"{scratch}/standby"
    os.chmod(scratch, 0o755)
    run("chown", "-R", "postgres:", folder)
    as_postgres(f"{POSTGRES}/pg_basebackup", "-h", sockets, "-U", "voorpret", "-D", f"{folder}/data", "-R", "-X", "stream", "-c", "fast")
    as_postgres(f"{POSTGRES}/pg_ctl", "-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", f"-k '{folder}'", "start")
    sql = "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"
    for statement in sql:
        run(f"{POSTGRES}/psql", "-h", sockets, "-U", "voorpret", "-qAtc", statement, "voorpret")
    return folder


url = run(f"{root}/scripts/cluster.sh", "start", cluster)
sockets = url.split("host=")[1].split("&")[0]
both = f"postgresql:///voorpret?host={sockets},{scratch}/standby&user=voorpret&target_session_attrs=read-write"
server = Server(both)
until(server.is_ready, "the service is ready", 120)
make_standby(sockets)
server.process.kill()
until(lambda: server.starts == 2 and server.is_ready(), "the service is ready again")
guests = Guests()
until(lambda: len(guests.acknowledged) > 50, "the guests write")
slowest = 0.0
troubles = [
    ("kill -9, five times", killed), ("a crash of the database", crashed), ("a full disk of the service", full_state),
    ("a full disk of the database", full_database), ("another secret", wrong_secret), ("the clock a day ahead", clock("+1d")),
    ("the clock a day back", clock("-1d")), ("the database stalled for 20 s", stalled),
    ("the database stalled for 20 s, and its standby promoted", stalled_and_promoted),
]
for number, (name, trouble) in enumerate(troubles):
    before, asked = len(guests.acknowledged), guests.counts.total()
    trouble()
    end = time.monotonic()
    meanwhile = len(guests.acknowledged) - before
    refused = guests.counts.total() - asked - meanwhile
    until(lambda: guests.last > end, f"guests write again after {name}")
    written = time.monotonic() - end
    until(server.is_ready, f"the service is ready after {name}")
    # A worker has to send the code.
    guests.sign_in(f"trouble{number}@example.org")
    seconds = time.monotonic() - end
    slowest = max(slowest, seconds)
    print(f"{name}: written again after {written:.1f} s, a code by mail after {seconds:.1f} s ({meanwhile} writes acknowledged meanwhile, {refused} not)", flush=True)
    time.sleep(2)
guests.stop()
until(lambda: mails_to("meanwhile@example.org"), "the mail that found no room was sent later")
kept = collections.Counter(guests.read())
lost = [text for text in guests.acknowledged if kept[text] == 0]
twice = [text for text, count in kept.items() if count > 1]
print(f"{len(guests.acknowledged)} acknowledged, {len(lost)} lost, {len(twice)} twice; answers {dict(guests.counts)}; {server.starts} starts")
for what in ("occupancy", "ledger", "sync"):
    print(run(f"{root}/.build-release/release/voorpret", "check", what, env=server.environment))
if lost or twice or slowest > PATIENCE:
    raise SystemExit(f"lost {lost[:5]}, twice {twice[:5]}, slowest {slowest:.1f} s")
