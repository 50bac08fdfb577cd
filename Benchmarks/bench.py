"""Measures the service beside floors on the same machine, with fsync on.

    bench.py DATABASE SCRATCH [NAME]

Prints a table and writes .build/bench.jsonl, one object per line: name, value, unit, floor, ratio, note.
`ratio` is value/floor, or floor/value where lower is better, so that more is always better.
"""

import json
import os

from booking import book_groups, book_race, change, day_view, group_read, hold_confirm, import_rate, search
from jobs import job_rate
from machinery import ONLY, RESULTS, ROOT
from payments import ledger_post, payments, reconcile
from peers import kinto
from photos import album_zip, photo_ready, renditions, upload, upload_cut
from sign_in import hostile, latency, sign_in_rate, strangers
from sync import apply, feed, herd, hot_group, live, phone_idle, sync

MEASURES = {
    "group-read": group_read, "search": search, "book-race": book_race, "book-groups": book_groups,
    "hold-confirm": hold_confirm, "change": change, "ledger-post": ledger_post, "reconcile": reconcile, "payments": payments, "day-view": day_view, "feed": feed, "sync": sync, "apply": apply, "phone-idle": phone_idle, "live": live, "herd": herd, "strangers": strangers, "sign-in": sign_in_rate, "latency": latency, "hot-group": hot_group, "import": import_rate, "job-rate": job_rate, "hostile": hostile, "upload": upload, "upload-cut": upload_cut, "renditions": renditions, "photo-ready": photo_ready, "album-zip": album_zip,
}
if os.environ.get("KINTO"):
    MEASURES["kinto"] = kinto

for name, measure in MEASURES.items():
    if not ONLY or ONLY == name:
        measure()
target = ROOT / ".build/bench.jsonl"
target.parent.mkdir(exist_ok=True)
target.write_text("".join(json.dumps(result) + "\n" for result in RESULTS))
print(f"{'name':<14}{'value':>12} {'unit':<26}{'floor':>10}{'ratio':>8}  note")
for result in RESULTS:
    print(f"{result['name']:<14}{result['value']:>12} {result['unit']:<26}{result['floor'] or '–':>10}{result['ratio'] or '–':>8}  {result['note']}")
