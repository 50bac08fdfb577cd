"""Asks a demo service for invoices and a calendar, and has other programs read them.

documents.py BASE STATE, beside a service as live.sh starts it; needs qpdf, pdftotext, and the libraries icalendar and vobject.
"""

import datetime
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import icalendar
import people
import vobject

service = people.Service(sys.argv[1], sys.argv[2])
ask = service.ask
RECIPIENTS = [
    "Łukasz Ćwik\nNguyễn Thị Ánh\nStraße 7, 80331 München\nŠiauliai, Þórshöfn, Ğazi",
    "Αθηνά Παπαδοπούλου\nΟδός Ερμού 5, Αθήνα",
    "Наталья Иванова\nНевский проспект 1, Санкт-Петербург\nЂорђе Јовановић, Київ",
]
failures = []


def expect(is_right, what):
    print(("ok    " if is_right else "WRONG ") + what)
    if not is_right:
        failures.append(what)


anna, host = service.sign_in("anna@example.org"), service.sign_in("host@example.org", "staff")
group = ask("GET", "/v1/groups", token=anna)["items"][0]["groupId"]
page = ask("GET", f"/v1/groups/{group}", token=anna)
park = next(park for park in ask("GET", "/v1/parks")["items"] if park["slug"] == "heidehof")
kind = ask("GET", f"/v1/parks/{park['id']}")["cottageTypes"][0]["id"]
friday = datetime.date.today() + datetime.timedelta(days=112)
friday += datetime.timedelta(days=(4 - friday.weekday()) % 7)
booking = ask("POST", "/v1/bookings", {
    "parkId": park["id"], "groupId": group, "travellerIds": [page["travellers"][0]["id"]], "cottages": [{"typeId": kind}],
    "stay": {"arrival": str(friday), "departure": str(friday + datetime.timedelta(days=3))},
}, anna)["id"]
ask("POST", f"/v1/bookings/{booking}/confirm", {"reason": "paid by transfer"}, host)
share = ask("GET", f"/v1/bookings/{booking}/shares", token=anna)["items"][0]["id"]

with tempfile.TemporaryDirectory() as folder:
    for recipient in RECIPIENTS:
        invoice = ask("POST", f"/v1/shares/{share}/invoices", {"recipient": recipient}, anna)
        file = pathlib.Path(folder) / "invoice.pdf"
        file.write_bytes(service.fetch("GET", f"/v1/invoices/{invoice['id']}/pdf", token=anna))
        checked = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True)
        expect(checked.returncode == 0, f"qpdf reads invoice {invoice['number']} ({file.stat().st_size} bytes)")
        text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True).stdout
        for line in recipient.split("\n") + [invoice["number"], park["name"]]:
            expect(line in text, f"pdftotext finds {line}")

try:
    ask("POST", f"/v1/shares/{share}/invoices", {"recipient": "王小明"}, anna)
    expect(False, "a name in other letters is refused")
except people.Refused as refused:
    expect(refused.status == 400 and "/recipient" in str(refused), "a name in other letters is refused")

address = ask("POST", f"/v1/groups/{group}/calendar", token=anna)["url"]
address = service.base + address[address.index("/v1/") :]
first, second = (urllib.request.urlopen(address).read() for _ in range(2))
expect(first == second, "a calendar is the same while nothing has changed")
calendar = icalendar.Calendar.from_ical(first)
events = [part for part in calendar.walk("VEVENT")]
expect(calendar["VERSION"] == "2.0" and len(events) > 0, f"icalendar reads {len(events)} events")
expect(all(event.get("UID") and event.get("DTSTAMP") and event.get("DTSTART") for event in events), "every event has UID, DTSTAMP and DTSTART")
expect(not any(part.errors for part in calendar.walk()), "icalendar finds no errors")
read = vobject.readOne(first.decode())
expect(read.validate(raiseException=True) and len(read.vevent_list) == len(events), "vobject validates them")
if failures:
    raise SystemExit(f"{len(failures)} things are wrong")
