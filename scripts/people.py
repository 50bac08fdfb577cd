"""Guests and colleagues of a demo service, who sign in as people do: they ask for a code and read the mail."""

import base64
import email
import email.utils
import glob
import hmac
import json
import pathlib
import re
import struct
import time
import urllib.error
import urllib.request
import uuid

# The authenticator app that the demo's staff share, in base32.
FACTOR = "VOORPRETVOORPRETVOORPRETVOORPRET"


def code_of(secret, step):
    """What an authenticator app shows in that half minute since 1970 (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">q", step), "sha1")
    number = struct.unpack(">I", digest[digest[-1] & 15 :][:4])[0] & 0x7FFFFFFF
    return f"{number % 1000000:06}"


def mail(path):
    """The address that a mail is for, and its text."""
    message = email.message_from_bytes(pathlib.Path(path).read_bytes())
    return email.utils.parseaddr(message["To"])[1], message.get_payload(decode=True).decode()


class Refused(SystemExit):
    """An answer that is not 2xx; ends a script that does not expect it."""

    def __init__(self, request, status, text):
        super().__init__(f"{request} answered {status}: {text}")
        found = re.search(r'"code":"([a-z_]+)"', text)
        self.status, self.problem = status, found and found[1]


class Service:
    def __init__(self, base, state, mails=None):
        """`mails` is a pattern of the files in which the mails end up, newest name last."""
        self.base, self.state, self.read_mails = base, state, set()
        self.mails = mails or f"{state}/mail/*/*.eml"

    def fetch(self, method, path, body=None, token=None):
        """The answer's bytes."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}", error.code, error.read().decode()) from None

    def ask(self, method, path, body=None, token=None):
        """The answer's JSON; None where there is none."""
        raw = self.fetch(method, path, body, token)
        return json.loads(raw) if raw else None

    def sign_in(self, address, audience="guest", factor=FACTOR):
        """An access token; of staff with the second factor proved, if they have one."""
        secret = uuid.uuid4().hex
        # Codes that others asked for meanwhile are none of ours.
        self.read_mails.update(glob.glob(self.mails))
        sent = self.ask("POST", "/v1/auth/codes", {"email": address, "deviceSecret": secret, "audience": audience})
        for _ in range(200):
            for path in sorted(glob.glob(self.mails), reverse=True):
                if path in self.read_mails or mail(path)[0] != address:
                    continue
                self.read_mails.add(path)
                # Other mails come too: that somebody signed in, say.
                if not (found := re.search(r"\b\d{8}\b", mail(path)[1])):
                    continue
                code = found[0]
                body = {"attemptId": sent["attemptId"], "code": code, "deviceSecret": secret}
                token = self.ask("POST", "/v1/auth/sessions", body)["accessToken"]
                if audience == "staff" and factor:
                    self.prove(token, factor)
                return token
            time.sleep(0.05)
        raise SystemExit(f"no mail to {address}")

    def prove(self, token, factor=FACTOR):
        """Proves the second factor of a colleague who has one; a code is taken once, and others may use the same."""
        for _ in range(40):
            for step in (int(time.time()) // 30, int(time.time()) // 30 + 1):
                try:
                    body = {"code": code_of(factor, step)}
                    self.ask("POST", "/v1/auth/sessions/current/second-factor", body, token)
                    return
                except Refused as refused:
                    if refused.problem == "second_factor_missing":
                        return
                    if refused.problem != "second_factor_used":
                        raise
            time.sleep(2)
        raise SystemExit("every code of the second factor was used already")
