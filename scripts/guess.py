"""Guesses sign-in codes from many addresses, and sees that few are compared and that every owner still gets in.

guess.py --guesses N --clients N --owners N BASE STATE, beside a service as live.sh starts it.
"""

import argparse
import asyncio
import base64
import collections
import hashlib
import json
import pathlib
import re
import urllib.request
import uuid

options = argparse.ArgumentParser()
for name in ("guesses", "clients", "owners"):
    options.add_argument(f"--{name}", type=int, required=True)
options.add_argument("base")
options.add_argument("state", type=pathlib.Path)
options = options.parse_args()
host, port = options.base.removeprefix("http://").split(":")
CONNECTIONS = 64


def owner(number):
    return f"owner{number}@example.org"


def address(number):
    """As a proxy on this machine tells it."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Line:
    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        return self

    async def post(self, path, body, client=0):
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address(client)}\r\nContent-Type: application/json\r\n"
        self.writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        head = await self.reader.readuntil(b"\r\n\r\n")
        raw = await self.reader.readexactly(int(re.search(rb"[Cc]ontent-[Ll]ength: (\d+)", head)[1]))
        return int(head[9:12]), json.loads(raw)


def incidents():
    admin = f"http://{host}:{int(port) + 1}/metrics"
    text = urllib.request.urlopen(admin).read().decode()
    return {kind: int(count) for kind, count in re.findall(r'voorpret_incidents_total\{kind="(\w+)"\} (\d+)', text)}


async def guess(numbers, statuses):
    """Each client asks for a code at an address and types five wrong ones, again and again."""
    line = await Line().open()
    for number in numbers:
        client, secret = number % options.clients, uuid.uuid4().hex
        status, sent = await line.post("/v1/auth/codes", {"email": owner(number % options.owners), "deviceSecret": secret}, client)
        statuses[f"codes {status}"] += 1
        for turn in range(5):
            attempt = sent.get("attemptId", str(uuid.uuid4()))
            body = {"attemptId": attempt, "code": f"{number * 5 + turn:08}", "deviceSecret": secret}
            status, answer = await line.post("/v1/auth/sessions", body, client)
            statuses[f"sessions {status} {answer.get('code', '')}"] += 1
    line.writer.close()


async def enter(numbers, failed):
    """The owner's own device is a stranger too: it asks, and where no mail comes, an earlier mail's link does."""
    line = await Line().open()
    for number in numbers:
        folder = options.state / "mail" / hashlib.sha256(owner(number).encode()).hexdigest()[:16]
        links = []
        for mail in sorted(folder.glob("*.eml"), key=lambda mail: mail.stat().st_mtime, reverse=True):
            text = base64.b64decode(mail.read_text().partition("\n\n")[2]).decode()
            links += re.findall(r"/sign-in/([0-9a-f]{64})", text)
        body = {"link": links[0] if links else "none-has-come", "deviceSecret": uuid.uuid4().hex}
        status, answer = await line.post("/v1/auth/sessions/link", body, options.clients + number)
        if status != 201:
            failed.append((owner(number), answer))
    line.writer.close()


async def main():
    before, statuses, failed = incidents(), collections.Counter(), []
    numbers = iter(range(options.guesses // 5))
    await asyncio.gather(*[guess(numbers, statuses) for _ in range(CONNECTIONS)])
    after = incidents()
    compared = after["codeWrong"] - before["codeWrong"]
    owners = iter(range(options.owners))
    await asyncio.gather(*[enter(owners, failed) for _ in range(16)])
    print(f"{options.guesses} guesses by {options.clients} clients at {options.owners} addresses: {compared} compared, {dict(statuses)}")
    print(f"{options.owners - len(failed)} of {options.owners} owners got in")
    most = 20 * options.owners
    if compared > most or failed:
        raise SystemExit(f"at most {most} may be compared; kept out: {failed[:3]}")


asyncio.run(main())
