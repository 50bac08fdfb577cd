"""Guests who work while a version is rolled out: they read, write and book at every node there is.

upgrade.py STATE SECONDS BASE...   prints what was answered; ends with 1 for any answer that is our fault, or a lost write.
"""

import collections
import datetime
import sys
import time
import uuid

import people

state, seconds, bases = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
nodes = [people.Service(base, state) for base in bases]
token = nodes[0].sign_in("anna@example.org")
group = nodes[0].ask("POST", "/v1/groups", {"name": "Upgrade", "myName": "Anna"}, token)
traveller = group["travellers"][0]["id"]
park = next(park for park in nodes[0].ask("GET", "/v1/parks")["items"] if park["slug"] == "loch-ardroy")["id"]
kind = nodes[0].ask("GET", f"/v1/parks/{park}")["cottageTypes"][0]["id"]
counts, faults, said, cursors = collections.Counter(), [], 0, {}


def ask(node, method, path, body=None):
    try:
        answer = node.ask(method, path, body, token)
        counts[f"{method} 2xx"] += 1
        return answer
    except people.Refused as refused:
        counts[f"{method} {refused.status}"] += 1
        # A node that is stopping says so, and its clients go elsewhere.
        if refused.status >= 500 and refused.status != 503:
            faults.append(str(refused)[:300])
        return None
    except OSError as error:
        counts[f"{method} {type(error).__name__}"] += 1
        return None


end, turn = time.monotonic() + seconds, 0
while time.monotonic() < end:
    node = nodes[turn % len(nodes)]
    ask(node, "GET", f"/v1/groups/{group['id']}")
    if ask(node, "POST", f"/v1/groups/{group['id']}/messages", {"text": f"Turn {turn}"}):
        said += 1
    ask(node, "POST", f"/v1/groups/{group['id']}/plan-items", {"list": "plan", "title": f"Turn {turn}"})
    lines = node.fetch("POST", "/v1/sync", {"deviceId": str(uuid.uuid4()), "schema": 1}, token)
    counts["sync"] += 1 if b'"complete"' in lines or b'"page"' in lines else 0
    if turn % 10 == 0:
        arrival = datetime.date.today() + datetime.timedelta(days=40 + turn % 200)
        stay = {"arrival": str(arrival), "departure": str(arrival + datetime.timedelta(days=2))}
        booking = ask(node, "POST", "/v1/bookings", {
            "parkId": park, "groupId": group["id"], "stay": stay, "cottages": [{"typeId": kind}], "travellerIds": [traveller],
        })
        if booking:
            ask(nodes[(turn + 1) % len(nodes)], "POST", f"/v1/bookings/{booking['id']}/cancel", {})
    turn += 1
    time.sleep(0.02)

kept, cursor = 0, None
while True:
    page = nodes[-1].ask("GET", f"/v1/groups/{group['id']}/messages?limit=100" + (f"&cursor={cursor}" if cursor else ""), token=token)
    kept += len(page["items"])
    cursor = page.get("next")
    if not cursor:
        break
print(f"{turn} turns at {len(nodes)} nodes: {dict(counts)}; {said} messages said, {kept} kept")
for fault in faults[:5]:
    print(fault)
if faults or kept != said:
    raise SystemExit(1)
