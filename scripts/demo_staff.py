"""The second factor that the demo's staff share (RFC 6238)."""

import base64
import hmac
import struct
import time

SECRET = "VOORPRETVOORPRETVOORPRETVOORPRET"


def prove(send):
    """Sends codes until one is taken; each is taken once, and others may sign in as the same colleague.

    `send(code)` answers None, or the code of the problem that the service has with it.
    """
    key = base64.b32decode(SECRET)
    for _ in range(40):
        for step in (int(time.time()) // 30, int(time.time()) // 30 + 1):
            digest = hmac.digest(key, struct.pack(">q", step), "sha1")
            number = struct.unpack(">I", digest[digest[-1] & 15 :][:4])[0] & 0x7FFFFFFF
            problem = send(f"{number % 1000000:06}")
            if problem is None:
                return
            if problem != "second_factor_used":
                raise SystemExit(f"the second factor was refused: {problem}")
        time.sleep(2)
    raise SystemExit("every code of the second factor was used already")
