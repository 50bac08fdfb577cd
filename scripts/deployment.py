"""docs/deployment.md, word for word.

deployment.py page FILE HEADING N    the N-th block of commands under that heading
deployment.py inside FILE            does the page on the machine it runs on, which is thrown away afterwards
"""

import asyncio
import concurrent.futures
import datetime
import glob
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import ssl
import subprocess
import sys
import time
import uuid

import people

HOST = "guests.example.org"
BASE = f"https://{HOST}"
INBOX = "/home/inbox/Maildir"
STREAMS, ENGINES, GUESTS = 1000, 20, 30


def blocks(file):
    """Blocks of commands by heading."""
    found = {}
    for section in re.split(r"^## ", pathlib.Path(file).read_text(), flags=re.M)[1:]:
        heading, _, text = section.partition("\n")
        found[heading] = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    return found


def run(commands, **more):
    """As somebody types them; what they print goes where ours goes."""
    return subprocess.run(["bash", "-euo", "pipefail", "-c", commands], check=True, text=True, **more)


def said(commands):
    return run(commands, capture_output=True).stdout


def expect(is_so, what):
    if not is_so:
        raise SystemExit(f"FAILED: {what}")
    print(f"  {what}", flush=True)


def until(condition, what, seconds=60):
    """Waits for it to become so."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"FAILED: {what}")
        time.sleep(0.1)
    print(f"  {what}", flush=True)


# What the world outside would do.

CERTBOT = r"""#!/usr/bin/env python3
# The authority is outside this machine. This program fetches the challenge over port 80 as the authority does, and signs
# the certificate itself.
import functools, http.server, os, pathlib, shutil, subprocess, sys, threading, urllib.request, uuid
arguments = sys.argv[1:]
if arguments[0] == "delete":
    shutil.rmtree(f"/etc/letsencrypt/live/{arguments[arguments.index('--cert-name') + 1]}")
    raise SystemExit(0)
def option(name, otherwise=None): return arguments[arguments.index(name) + 1] if name in arguments else otherwise
host = option("-d", "guests.example.org")
ini = pathlib.Path("/etc/letsencrypt/cli.ini")
port = int(ini.read_text().split("http-01-port = ")[1].split()[0]) if "http-01-port" in (ini.read_text() if ini.exists() else "") else 80
root = pathlib.Path(option("-w", "/tmp/challenge"))
token = uuid.uuid4().hex
folder = root / ".well-known/acme-challenge"
folder.mkdir(parents=True, exist_ok=True)
(folder / token).write_text(token)
if "--standalone" in arguments:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
answer = urllib.request.urlopen(f"http://{host}/.well-known/acme-challenge/{token}").read().decode()
assert answer == token, answer
if "--standalone" in arguments:
    server.shutdown()
    server.server_close()
live = f"/etc/letsencrypt/live/{host}"
pathlib.Path(live).mkdir(parents=True, exist_ok=True)
is_new = not os.path.exists(f"{live}/fullchain.pem")
if is_new:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", f"/CN={host}",
        "-addext", f"subjectAltName=DNS:{host}", "-keyout", f"{live}/privkey.pem", "-out", f"{live}/fullchain.pem"], check=True)
    subprocess.run(f"cp {live}/fullchain.pem /usr/local/share/ca-certificates/voorpret.crt && update-ca-certificates -f", shell=True, check=True)
hook = option("--deploy-hook")
# Certbot runs the hook for a first certificate too, and goes on when it fails.
if hook and (is_new or arguments[0] == "renew"): subprocess.run(hook, shell=True)
"""


def world():
    with open("/etc/hosts", "a") as hosts:
        hosts.write(f"127.0.0.1 {HOST}\n::1 {HOST}\n")
    certbot = pathlib.Path("/usr/local/bin/certbot")
    certbot.write_text(CERTBOT)
    certbot.chmod(0o755)
    # All mail ends up in one inbox.
    run("useradd --create-home inbox")


def inbox():
    run(
        "postconf -e 'mydestination = example.org, localhost' 'luser_relay = inbox@localhost' 'local_recipient_maps =' "
        "'home_mailbox = Maildir/' && systemctl restart postfix"
    )


# What is looked at through a proxy.


class Front:
    """The service as phones reach it."""

    def __init__(self):
        self.service = people.Service(BASE, "", mails=f"{INBOX}/new/*")
        self.secrets = []

    def looks(self, name):
        head = said(f"curl -s -o /dev/null -D - -w '%{{http_version}}' {BASE}/v1/parks")
        expect(head.startswith("HTTP/2 200") and head.endswith("2"), f"{name}: HTTP/2")
        expect("strict-transport-security: max-age=31536000" in head.lower(), f"{name}: HSTS")
        plain = said(f"curl -s -o /dev/null -w '%{{http_code}} %{{redirect_url}}' http://{HOST}/join/a?b=c")
        expect(plain == f"308 {BASE}/join/a?b=c", f"{name}: plain HTTP leads to TLS")
        big = said(f"head -c 200000 /dev/zero | curl -s -o /dev/null -w '%{{http_code}}' --data-binary @- {BASE}/v1/auth/codes")
        expect(big == "413", f"{name}: a body of 200 kB is 413")

    def open_park(self):
        """What the first account does; a park with one cottage."""
        ask, today = self.service.ask, datetime.date.today()
        token = self.service.sign_in("you@example.org", "staff", factor=None)
        secret = ask("POST", "/v1/staff/second-factor", {}, token)["secret"]
        code = people.code_of(secret, int(time.time()) // 30)
        ask("POST", "/v1/staff/second-factor/confirmation", {"code": code}, token)
        place = {"longitude": 5.8, "latitude": 52.2}
        park = ask("POST", "/v1/admin/parks", {
            "slug": "heath", "name": "Heath", "timeZone": "Europe/Amsterdam", "currency": "EUR", "country": "NL", **place,
            "rules": {
                "checkInFrom": "15:00", "checkOutBy": "10:00", "arrivals": [], "minimumNights": 1, "maximumNights": 14,
                "bookableDaysAhead": 540, "holdMinutes": 20, "extensionMinutes": 10, "depositPercent": 0,
                "chosenCottageFee": 0, "petNight": 0, "cancellation": [],
            },
        }, token)["id"]
        kind = ask("POST", f"/v1/admin/parks/{park}/cottage-types", {
            "code": "C4", "name": "Cottage", "capacity": 4, "bedrooms": 2, "pets": 0, "isStepFree": False, "cleaningFee": 5000,
        }, token)["id"]
        cottage = ask("POST", f"/v1/admin/parks/{park}/cottages", {"typeId": kind, "number": "1", "isOpen": True, **place}, token)
        ask("POST", f"/v1/admin/cottage-types/{kind}/rates", {
            "season": {"arrival": str(today), "departure": str(today + datetime.timedelta(days=360))},
            "night": 8000, "weekendNight": 9000,
        }, token)
        self.park, self.cottage = park, cottage["id"]
        print("  head office enrols a second factor and opens a park", flush=True)

    def gather(self):
        """A travel group of guests who sign in with codes by mail."""
        ask = self.service.ask
        self.guests = []
        for number in range(GUESTS):
            token = self.service.sign_in(f"guest{number}@example.org")
            self.guests.append((ask("GET", "/v1/me", token=token)["id"], token))
        organiser = self.guests[0][1]
        self.group = ask("POST", "/v1/groups", {"name": "Heath", "myName": "Guest 0"}, organiser)["id"]
        for number, (_, token) in list(enumerate(self.guests))[1:]:
            code = ask("POST", f"/v1/groups/{self.group}/invitations", {}, organiser)["linkCode"]
            ask("POST", f"/v1/invitations/{code}/accept", {"name": f"Guest {number}"}, token)
        print(f"  {GUESTS} guests got a code by mail and joined a group", flush=True)

    def visits(self):
        """Opens every kind of link that is a secret."""
        ask, group, organiser = self.service.ask, self.group, self.guests[0][1]
        invitation = ask("POST", f"/v1/groups/{group}/invitations", {}, organiser)
        calendar = ask("POST", f"/v1/groups/{group}/calendar", None, organiser)["url"]
        address = f"{uuid.uuid4().hex}@example.org"
        ask("POST", "/v1/auth/codes", {"email": address, "deviceSecret": uuid.uuid4().hex})
        mails = lambda: [text for to, text in map(people.mail, glob.glob(f"{INBOX}/new/*")) if to == address]
        until(mails, "a link to sign in came by mail")
        link = re.search(r"https://\S+/sign-in/\S+", mails()[0])[0]
        pay = f"{BASE}/pay/{uuid.uuid4().hex}"
        for address in (link, calendar, pay, f"{BASE}/join/{invitation['linkCode']}"):
            status = said(f"curl -s -o /dev/null -w '%{{http_code}}' '{address}'")
            expect(status == ("404" if address == pay else "200"), f"{address[:34]}… answers {status}")
            self.secrets.append(address.rsplit("/", 1)[1])
        self.secrets.append(organiser)

    def logs_are_clean(self, name):
        run("journalctl --sync")
        own = said("cat /var/log/nginx/voorpret.log" if name == "nginx" else "journalctl -o cat --no-pager -t haproxy")
        requests = len(re.findall(r" GET 200 ", own))
        expect(requests > 3, f"{name}: the proxy logs requests ({requests} GET)")
        logs = own + said("cat /var/log/nginx/*.log; journalctl -o cat --no-pager")
        found = [secret for secret in self.secrets if secret in logs]
        expect(not found, f"{name}: none of {len(self.secrets)} secrets is in the logs")

    def ignores_false_addresses(self, name):
        """A client that says it is somebody else stays one client."""
        def ask(number):
            connection = http.client.HTTPSConnection(HOST)
            made_up = f"2001:db8::{number:x}"
            headers = {"Content-Type": "application/json", "X-Forwarded-For": made_up, "Forwarded": f'for="[{made_up}]"'}
            body = {"email": f"nobody{number}@example.org", "deviceSecret": uuid.uuid4().hex}
            connection.request("POST", "/v1/auth/codes", json.dumps(body), headers)
            return connection.getresponse().status

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(ask, range(800)))
        slowed = answers.count(429)
        expect(202 in answers and slowed > 0, f"{name}: one client with made-up addresses is slowed ({slowed} of 800)")


class Waiting:
    """Phones that listen to /v1/sync/live."""

    def __init__(self, tokens):
        self.tokens, self.first, self.heard, self.faults, self.writers = tokens, 0, {}, [], []

    async def listen(self, number, context):
        token = self.tokens[number % len(self.tokens)]
        try:
            reader, writer = await asyncio.open_connection(HOST, 443, ssl=context)
            self.writers.append(writer)
            writer.write(
                f"GET /v1/sync/live?seconds=300 HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            )
            status = (await reader.readline()).decode()
            if " 200 " not in status:
                raise OSError(status)
            while line := await reader.readline():
                if line.startswith(b"data:"):
                    if number not in self.heard:
                        self.heard[number] = 0
                    else:
                        self.heard[number] += 1
            raise OSError("the stream has ended")
        except (OSError, asyncio.IncompleteReadError) as fault:
            self.faults.append(str(fault)[:80])

    async def play(self, meanwhile):
        context = ssl.create_default_context()
        tasks = []
        for number in range(STREAMS):
            tasks.append(asyncio.create_task(self.listen(number, context)))
            if number % 50 == 49:
                await asyncio.sleep(0.2)
        await self.wait(lambda: len(self.heard) == STREAMS, f"{STREAMS} phones listen")
        # What came while others connected does not count.
        self.heard = dict.fromkeys(self.heard, 0)
        started = time.monotonic()
        await asyncio.to_thread(meanwhile)
        await self.wait(lambda: all(count > 0 for count in self.heard.values()), f"all {STREAMS} hear of it")
        self.seconds = time.monotonic() - started
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def wait(self, condition, what):
        end = time.monotonic() + 120
        while not condition():
            if self.faults or time.monotonic() > end:
                raise SystemExit(f"FAILED: {what}; {len(self.heard)} connected, {len(self.faults)} faults: {self.faults[:3]}")
            await asyncio.sleep(0.05)
        print(f"  {what}", flush=True)


def engines(front, seconds=20):
    """The app's engine, one process each, plays and settles; then all show the same group."""
    group = front.group
    folder = "/tmp/phones"
    run(f"rm -rf {folder} && mkdir {folder}")
    simulate = "/opt/voorpret/.build-release/release/voorpret-simulate"
    plans = []
    for number, (guest, token) in enumerate(front.guests[:ENGINES]):
        plan = {
            "store": f"{folder}/{number}.sqlite", "guest": guest, "token": token, "address": BASE, "group": group, "park": front.park,
            "cottage": front.cottage, "seed": number, "clockOffset": 0, "partition": "none",
            "until": time.time() + seconds - 978307200,
        }
        file = f"{folder}/{number}.json"
        pathlib.Path(file).write_text(json.dumps(plan))
        plans.append((file, plan))
    for more in ([], ["--settle"], ["--settle"]):
        processes = [subprocess.Popen([simulate, "phone", file, *more]) for file, _ in plans]
        codes = [process.wait() for process in processes]
        expect(not any(codes), f"{len(codes)} engines {'settle' if more else 'play'}")
    shown = set()
    for _, plan in plans:
        text = pathlib.Path(plan["store"] + ".contents").read_text()
        shown.add("\n".join(line for line in text.splitlines() if line.startswith(f"group:{group} ")))
    rows = len(next(iter(shown)).splitlines())
    expect(len(shown) == 1 and rows > 20, f"{ENGINES} engines show the same {rows} rows of the group")


def through(name, front):
    """All that must be right behind a proxy."""
    print(f"Through {name}", flush=True)
    front.looks(name)
    front.visits()
    waiting = Waiting([token for _, token in front.guests])
    asyncio.run(waiting.play(lambda: engines(front)))
    print(f"  the last of {STREAMS} had heard within the {waiting.seconds:.0f} s in which the engines played", flush=True)
    front.ignores_false_addresses(name)
    front.logs_are_clean(name)


def answers(address):
    return subprocess.run(["curl", "-sf", address], capture_output=True).returncode == 0


def inside(file):
    # The starter puts it there, and there alone.
    if not os.path.exists("/opt/out/console"):
        raise SystemExit("This is not the machine that is thrown away afterwards.")
    page = blocks(file)
    # What is installed stands in the machine already, and what is built beside it.
    left = {(heading, number) for heading in page for number in range(len(page[heading]))}
    left -= {(heading, 0) for heading in ("Build", "Install", "Mail", "TLS in front, with nginx", "Or HAProxy", "Upgrade")}

    def do(heading, number, was="", now=""):
        print(f"{heading}, block {number + 1}", flush=True)
        left.remove((heading, number))
        assert was in page[heading][number], was
        run(page[heading][number].replace(was, now))

    def ready():
        until(lambda: answers("http://127.0.0.1:8081/readyz"), "ready")

    world()
    expect(not shutil.which("swift"), "this machine has no Swift")
    do("Install", 1)
    do("Mail", 1)
    inbox()
    do("Settings and service", 0)
    ready()
    run("systemd-analyze verify /etc/systemd/system/voorpret.service")
    run("systemd-analyze security --offline=true --threshold=20 /etc/systemd/system/voorpret.service | tail -1")
    do("The first account", 0)

    do("TLS in front, with nginx", 1)
    run("certbot renew --webroot -w /var/www/html")
    front = Front()
    front.open_park()
    front.gather()
    through("nginx", front)

    # Restarted, the service knows of no client that asked too often.
    run("systemctl restart voorpret")
    run(re.search(r"If nginx was in front before: `(.*?)`", pathlib.Path(file).read_text())[1])
    # Where nobody may raise the limit of open files, HAProxy does not start with more than it can have.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    do("Or HAProxy", 1, "maxconn 32768", f"maxconn {min(32768, most // 2 - 1000)}")
    run("certbot renew --standalone --deploy-hook certificate-to-haproxy")
    until(lambda: answers(f"{BASE}/v1/parks"), "HAProxy leads on")
    front.gather()
    through("HAProxy", front)

    print("Mail by a command", flush=True)
    run("""echo 'VOORPRET_MAIL="/usr/bin/msmtp --host=127.0.0.1 --auto-from=on -t"' >> /etc/voorpret.env && systemctl restart voorpret""")
    until(lambda: answers(f"{BASE}/v1/parks"), "serving again")
    front.service.sign_in("by-command@example.org")
    expect(True, "a code came by msmtp, within the unit's limits")
    run("sed -i '/msmtp/d' /etc/voorpret.env && systemctl restart voorpret")
    ready()

    do("The secret", 0)
    do("Backup and restore", 0)
    # A backup has the second in its name.
    time.sleep(1.1)
    do("Backup and restore", 1)
    run("systemd-analyze verify /etc/systemd/system/voorpret-nightly.* && systemctl start voorpret-nightly.service")
    expect("voorpret-nightly.timer" in said("systemctl list-timers --no-pager"), "every night there is a backup")
    do("Backup and restore", 2)
    newest = max(os.path.basename(folder) for folder in glob.glob("/var/backups/voorpret/20*"))
    do("Backup and restore", 3, "2027-05-14-043000", newest)
    ready()
    group = front.service.ask("GET", f"/v1/groups/{front.group}", token=front.guests[0][1])
    expect(len(group["travellers"]) == GUESTS, "the group is back")
    do("Upgrade", 1)
    ready()
    do("Payments", 0)
    ready()
    expect("(set)" in said("set -a && . /etc/voorpret.env && voorpret config | grep -i payments.*key"), "the provider's key is in force")
    expect(not left, f"every block of the page was run {left or ''}")


if sys.argv[1] == "page":
    sys.stdout.write(blocks(sys.argv[2])[sys.argv[3]][int(sys.argv[4])])
else:
    inside(sys.argv[2])
