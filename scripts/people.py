"""Guests and colleagues of a demo service, who sign in as people do: they ask for a code and read the mail."""

import base64
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


class Refused(SystemExit):
    """An answer that is not 2xx; ends a script that does not expect it."""

    def __init__(self, request, status, text):
        super().__init__(f"{request} answered {status}: {text}")
        found = re.search(r'"code":"([a-z_]+)"', text)
        self.status, self.problem = status, found and found[1]


class Service:
    def __init__(self, base, state):
        self.base, self.state, self.read_mails = base, state, set()

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

    def sign_in(self, address, audience="guest"):
        """An access token."""
        secret = uuid.uuid4().hex
        # Codes that others asked for meanwhile are none of ours.
        self.read_mails.update(glob.glob(f"{self.state}/mail/*/*.eml"))
        sent = self.ask("POST", "/v1/auth/codes", {"email": address, "deviceSecret": secret, "audience": audience})
        for _ in range(200):
            for path in sorted(glob.glob(f"{self.state}/mail/*/*.eml"), reverse=True):
                head, _, text = pathlib.Path(path).read_text().partition("\n\n")
                if path in self.read_mails or email.utils.parseaddr(re.search(r"^To: (.*)$", head, re.M)[1])[1] != address:
                    continue
                self.read_mails.add(path)
                code = re.search(r"\b\d{8}\b", base64.b64decode(text).decode())[0]
                body = {"attemptId": sent["attemptId"], "code": code, "deviceSecret": secret}
                token = self.ask("POST", "/v1/auth/sessions", body)["accessToken"]
                if audience == "staff":
                    self.prove(token)
                return token
            time.sleep(0.05)
        raise SystemExit(f"no mail to {address}")

    def prove(self, token):
        """Proves the second factor (RFC 6238); a code is taken once, and others may sign in as the same colleague."""
        key = base64.b32decode(FACTOR)
        for _ in range(40):
            for step in (int(time.time()) // 30, int(time.time()) // 30 + 1):
                digest = hmac.digest(key, struct.pack(">q", step), "sha1")
                number = struct.unpack(">I", digest[digest[-1] & 15 :][:4])[0] & 0x7FFFFFFF
                try:
                    self.ask("POST", "/v1/auth/sessions/current/second-factor", {"code": f"{number % 1000000:06}"}, token)
                    return
                except Refused as refused:
                    if refused.problem != "second_factor_used":
                        raise
            time.sleep(2)
        raise SystemExit("every code of the second factor was used already")
