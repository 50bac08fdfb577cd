"""Fuzzes a running demo service with schemathesis, as each kind of principal, with real ids.

    fuzz.py --cases CASES URL STATE_FOLDER

Fails on any 5xx, any status, code or body that openapi.yaml does not document, and when fewer than 80 % of
the operations answered 2xx to anybody; of the short run, 30 %. With no cases it sends, as three people, the examples of the document and one
request of each operation that schemathesis makes up.
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request
import uuid

import people
import yaml

cases, base, state = sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])
isShort = cases == "0"
phases = "examples,fuzzing" if isShort else "examples,coverage,fuzzing"
admin = re.sub(r":(\d+)$", lambda match: f":{int(match[1]) + 1}", base)


service = people.Service(base, state)
ask, sign_in = service.ask, service.sign_in


def real_ids():
    """One real object of each kind, all of one park and of Anna's group."""
    anna, host, office = sign_in("anna@example.org"), sign_in("host@example.org", "staff"), sign_in("office@example.org", "staff")
    group = ask("GET", "/v1/groups", token=anna)["items"][0]["groupId"]
    page = ask("GET", f"/v1/groups/{group}", token=anna)
    parks = {park["slug"]: park["id"] for park in ask("GET", "/v1/parks")["items"]}
    park = parks["heidehof"]
    kind, kind_code = (ask("GET", f"/v1/parks/{park}")["cottageTypes"][0][key] for key in ("id", "code"))
    cottage = ask("GET", f"/v1/parks/{park}/map?from=2030-01-01&to=2030-01-02")["features"][0]["id"]
    stay = {"arrival": "2031-01-01", "departure": "2031-01-05"}
    closure = ask("POST", f"/v1/admin/cottages/{cottage}/closures", {"stay": stay, "reason": "roof"}, host)["id"]
    traveller = ask("POST", f"/v1/groups/{group}/travellers", {"name": "Extra"}, anna)["id"]
    invitation = ask("POST", f"/v1/groups/{group}/invitations", {"maxUses": 100}, anna)
    member = page["travellers"][0]["id"]
    friday = datetime.date.today() + datetime.timedelta(days=98)
    friday += datetime.timedelta(days=(4 - friday.weekday()) % 7)

    def held(week):
        """A stay of Anna's group that waits to be confirmed."""
        arrival = friday + datetime.timedelta(weeks=week)
        return ask("POST", "/v1/bookings", {
            "parkId": park, "groupId": group, "travellerIds": [member], "cottages": [{"typeId": kind}],
            "stay": {"arrival": str(arrival), "departure": str(arrival + datetime.timedelta(days=3))},
        }, anna)["id"]

    def owed(booking):
        return ask("GET", f"/v1/bookings/{booking}/shares", token=anna)["items"][0]["id"]

    # A child of Anna's, with a phone that plays along and one to be signed out.
    child = ask("POST", f"/v1/groups/{group}/travellers", {"name": "Kim", "birthDate": "2019-06-01", "guardianId": member}, anna)["id"]

    def phone():
        code = ask("POST", f"/v1/groups/{group}/travellers/{child}/phones", token=anna)["code"]
        return ask("POST", "/v1/auth/children", {"code": code, "deviceSecret": uuid.uuid4().hex})["accessToken"]

    kim, _ = phone(), phone()
    phones = [device["id"] for device in ask("GET", f"/v1/groups/{group}/travellers/{child}/phones", token=anna)]
    stranger = sign_in("stranger@example.org")
    spare = ask("GET", "/v1/me/devices", token=anna)
    sign_in("anna@example.org")
    spare = [device["id"] for device in ask("GET", "/v1/me/devices", token=anna) if device not in spare]
    extra = ask("POST", f"/v1/admin/parks/{park}/extras", {
        "code": "FUZZ", "names": {"en": "Cot"}, "isDaily": True, "price": 500, "stock": 10000,
    }, office)["id"]
    staying = held(2)
    begin = ask("GET", f"/v1/bookings/{staying}", token=anna)["stay"]["arrival"]
    order = {"extraId": extra, "from": begin, "quantity": 1}
    ordered = ask("POST", f"/v1/bookings/{staying}/extras", order, anna)["extras"][0]["id"]
    share = owed(staying)
    payment = ask("POST", f"/v1/admin/shares/{share}/till-payments", {"method": "cash", "amount": 100}, host)["id"]

    def link(share):
        made = ask("POST", f"/v1/shares/{share}/links", token=anna)
        return made["id"], made["url"].rpartition("/")[2]

    firm = held(3)
    ask("POST", f"/v1/bookings/{firm}/confirm", {"reason": "fuzz"}, host)
    billed = owed(firm)

    def photo():
        """A photo of the firm booking's album whose bytes have not come."""
        body = {"name": hashlib.sha256(uuid.uuid4().bytes).hexdigest(), "size": 1000}
        return ask("POST", f"/v1/albums/{firm}/photos", body, anna)["id"]

    consent = {"purpose": "photos", "textVersion": "1", "isGiven": True}
    ask("POST", f"/v1/groups/{group}/travellers/{child}/consents", consent, anna)
    gift = ask("POST", f"/v1/admin/shares/{billed}/goodwill", {"amount": 5001, "reason": "rain"}, host)["id"]
    # Who pays as a guest, and who with a link.
    payable, linked = owed(held(4)), owed(held(5))
    paying = ask("POST", f"/v1/shares/{payable}/payments", {"method": "card"}, anna)["id"]
    (_, token), (spare_link, _) = link(linked), link(linked)
    link_paying = ask("POST", f"/v1/pay-links/{token}/payments", {"method": "card"})["id"]
    def colleague():
        body = {"email": f"{uuid.uuid4().hex}@example.org", "name": "Sam", "isHeadOffice": False, "posts": []}
        return ask("POST", "/v1/admin/staff", body, office)["id"]

    synced = str(uuid.uuid4())
    ask("POST", "/v1/sync/devices", {"id": synced}, anna)
    invoice = ask("POST", f"/v1/shares/{billed}/invoices", {}, anna)["id"]
    # Groups in which Anna may do what she can do only once.
    left = ask("POST", "/v1/groups", {"name": "Left", "myName": "Anna"}, anna)["id"]
    handed = ask("POST", "/v1/groups", {"name": "Handed", "myName": "Anna"}, anna)["id"]
    code = ask("POST", f"/v1/groups/{handed}/invitations", {}, anna)["code"]
    ask("POST", f"/v1/invitations/{code}/accept", {"name": "Sam"}, stranger)
    heir = [t["id"] for t in ask("GET", f"/v1/groups/{handed}", token=stranger)["travellers"] if t["name"] != "Anna"]
    # What the group votes on and plans.
    def proposed(week):
        arrival = friday + datetime.timedelta(weeks=week)
        stay = {"arrival": str(arrival), "departure": str(arrival + datetime.timedelta(days=3))}
        body = {"parkId": park, "stay": stay, "cottages": [{"typeId": kind}]}
        return ask("POST", f"/v1/groups/{group}/options", body, anna)["id"]

    item, deleted = (
        ask("POST", f"/v1/groups/{group}/plan-items", {"list": "plan", "title": "Swim"}, anna)["id"] for _ in range(2)
    )
    ask("PATCH", f"/v1/groups/{group}/plan-items/{item}", {"base": 1, "title": "Dive"}, anna)
    def walker():
        return ask("POST", f"/v1/admin/parks/{park}/guests", {"name": "Walker"}, host)["id"]

    def credential():
        body = {"name": f"System {uuid.uuid4()}", "purpose": "feed"}
        return ask("POST", f"/v1/admin/parks/{park}/credentials", body, office)["credential"]["id"]

    brought = {"bookingId": staying, "kind": "question", "message": {"text": "Is there a cot?"}}
    topic = ask("POST", f"/v1/groups/{group}/topics", brought, anna)["id"]
    said, unsaid = (ask("POST", f"/v1/groups/{group}/messages", {"text": "Hi"}, anna)["id"] for _ in range(2))

    def begun():
        """An upload of Anna's that has no bytes yet."""
        name = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
        headers = {
            "Authorization": f"Bearer {anna}", "Content-Type": "image/jpeg", "Upload-Complete": "?0", "Upload-Length": "1000",
        }
        request = urllib.request.Request(f"{base}/v1/groups/{group}/photos/{name}", b"", headers, method="PUT")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.headers["Location"].rpartition("/")[2]

    ids = {
        "upload": begun(), "appendUpload": {"upload": begun()}, "cancelUpload": {"upload": begun()},
        "album": firm, "photo": photo(), "removePhoto": {"photo": photo()}, "objectToPhoto": {"photo": photo()},
        "topic": topic, "brought": staying, "message": said, "takeMessageBack": {"message": unsaid},
        "option": proposed(6), "item": item, "withdrawOption": {"option": proposed(7)},
        "promoteOption": {"option": proposed(8)}, "deletePlanItem": {"item": deleted},
        "restorePlanItem": {"item": item},
        "park": park, "type": kind, "cottage": cottage, "closure": closure, "group": group, "traveller": traveller,
        "invitation": invitation["id"], "code": invitation["code"], "device": spare[0],
        "rate": ask("GET", f"/v1/admin/cottage-types/{kind}/rates", token=office)["items"][0]["id"],
        "booking": page["bookings"][0]["id"], "job": str(uuid.uuid4()),
        "member": member, "household": page["households"][0]["id"], "heir": heir[0], "extra": extra,
        # Where another object than everybody's is needed, by operation.
        "extendHold": {"booking": held(0)}, "cancelBooking": {"booking": held(1)},
        "orderExtra": {"booking": staying}, "cancelExtra": {"booking": staying, "order": ordered},
        "invoice": invoice, "issueInvoice": {"share": billed}, "listInvoices": {"share": billed},
        "token": token, "goodwill": gift, "giveGoodwill": {"share": billed}, "startPayment": {"share": payable},
        "showPayment": {"payment": paying}, "endPayment": {"payment": paying},
        "showLinkPayment": {"payment": link_paying}, "createPayLink": {"share": linked},
        "revokePayLink": {"share": linked, "link": spare_link},
        "phone": synced, "scope": f"group:{group}", "quoteChange": {"booking": staying}, "leaveGroup": {"group": left},
        "listChildConsents": {"traveller": child}, "recordChildConsent": {"traveller": child},
        "admitPhone": {"traveller": child}, "listPhones": {"traveller": child},
        "revokePhone": {"traveller": child, "device": phones[0]}, "kind": kind_code,
        "guest": walker(), "eraseDeskGuest": {"guest": walker()}, "credential": credential(),
        "colleague": colleague(), "endStaff": {"colleague": colleague()},
        "share": share, "payment": payment, "splitBooking": {"booking": staying}, "previewSplit": {"booking": staying},
        "listShares": {"booking": staying}, "showLedger": {"booking": staying}, "handOver": {"group": handed},
    }
    return ids, {"kim": kim, "anna": anna, "host": host, "office": office, "stranger": stranger, "nobody": None}


def narrowed(ids):
    """The document with real ids among what may be generated, so that requests reach the verbs."""
    document = yaml.safe_load(open("openapi.yaml"))
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                own = {**ids, **ids.get(operation["operationId"], {})}
                if parameter.get("in") == "path" and parameter["name"] in own:
                    parameter["schema"] = {"type": "string", "enum": [own[parameter["name"]]]}
    # Bodies that name other objects, and versions that are likely right.
    schemas = document["components"]["schemas"]

    def only(schema, field, value):
        schemas[schema]["properties"][field] = {"type": "string", "enum": [value]}

    only("BookingRequest", "parkId", ids["park"])
    only("BookingRequest", "groupId", ids["group"])
    only("CottageRequest", "typeId", ids["type"])
    schemas["BookingRequest"]["properties"]["travellerIds"]["items"] = {"type": "string", "enum": [ids["member"]]}
    schemas["BookingRequest"]["properties"]["cottages"]["items"] = {
        "type": "object", "properties": {"typeId": {"type": "string", "enum": [ids["type"]]}}, "required": ["typeId"],
        "additionalProperties": False,
    }
    only("StayOptionRequest", "parkId", ids["park"])
    schemas["StayOptionRequest"]["properties"]["cottages"] = schemas["BookingRequest"]["properties"]["cottages"]
    only("ReplyRequest", "travellerId", ids["member"])
    schemas["PromotionRequest"]["properties"]["travellerIds"]["items"] = {"type": "string", "enum": [ids["member"]]}
    for schema in ("PlanItemRequest", "PlanItemChange"):
        only(schema, "bringerId", ids["member"])
    schemas["PlanItemRequest"]["properties"].pop("bookingId")
    schemas["UndoRequest"]["properties"] = {"number": {"enum": [2]}, "field": {"enum": ["title"]}}
    only("TopicRequest", "bookingId", ids["brought"])
    only("ReservationReport", "type", ids["kind"])
    schemas["ReservationReport"]["properties"].pop("cottage")
    schemas["WalkInRequest"]["properties"].pop("guestId")
    schemas["WalkInRequest"]["properties"]["checkIn"] = {"enum": [False]}
    schemas["WalkInRequest"]["properties"]["pets"] = {"enum": [0]}
    schemas["WalkInRequest"]["properties"]["companions"]["maxItems"] = 1
    schemas["WalkInRequest"]["properties"]["cottages"] = {"enum": [[{"typeId": ids["type"]}]]}
    schemas["WalkInRequest"]["required"].append("guest")
    for field in ("weights", "nights", "amounts"):
        schemas["SplitRule"]["properties"].pop(field)
    schemas["SplitRule"]["properties"]["way"] = {"enum": ["equally", "byHousehold", "byCottage"]}
    schemas["TillPaymentRequest"]["properties"]["method"] = {"enum": ["cash"]}
    schemas["TillPaymentRequest"]["properties"]["amount"]["maximum"] = 50
    methods = ["cash", "terminal", "giftCard", "transfer"]
    schemas["TillCloseRequest"]["properties"]["counts"] = {
        "enum": [[{"method": method, "counted": 0, "reason": "fuzz"} for method in methods]],
    }
    schemas["TillCloseRequest"]["properties"]["day"] = {"enum": ["2020-01-01", "2020-01-02", "2020-01-03"]}
    # A cursor is signed, and that numbers follow each other no schema can say.
    schemas["SyncRequest"]["properties"].pop("cursor")
    schemas["SyncRequest"]["properties"]["mutations"]["maxItems"] = 1
    only("SyncRequest", "deviceId", ids["phone"])
    schemas["PaymentRequest"]["properties"] = {"method": {"enum": ["card"]}}
    schemas["GoodwillRequest"]["properties"]["amount"]["maximum"] = 50
    only("HandOver", "travellerId", ids["heir"])
    only("TravellerChange", "householdId", ids["household"])
    only("TravellerRequest", "householdId", ids["household"])
    schemas["ProfileChange"]["properties"]["favouriteCottageIds"]["items"] = {"type": "string", "enum": [ids["cottage"]]}
    schemas["ParkRequest"]["properties"]["timeZone"] = {"type": "string", "enum": ["Europe/Amsterdam", "Asia/Tokyo"]}
    # That departure comes after arrival no schema can say: a Friday to Monday that the park takes.
    friday = datetime.date.today() + datetime.timedelta(days=70)
    friday += datetime.timedelta(days=(4 - friday.weekday()) % 7)
    arrival, departure = str(friday), str(friday + datetime.timedelta(days=3))
    # Nor that the least number of nights is not above the greatest, and that no two rates of VAT begin on the same day.
    # Answers keep the rules as they are in the document.
    schemas["HouseRulesRequest"] = json.loads(json.dumps(schemas["HouseRules"]))
    schemas["HouseRulesRequest"]["properties"]["minimumNights"] = {"enum": [1]}
    schemas["HouseRulesRequest"]["properties"]["vat"]["maxItems"] = 1
    season = schemas["HouseRulesRequest"]["properties"]["seasons"]["items"]["properties"]
    season["minimumNights"] = {"enum": [1]}
    # Nor that a token of Apple's is hexadecimal and one of Google's is not.
    schemas["PushToken"]["properties"]["service"] = {"enum": ["fcm"]}
    # Nor which day it is today.
    for name in ("ProfileChange", "TravellerRequest", "TravellerChange", "RegisterEntry", "WalkInRequest"):
        schemas[name] = json.loads(json.dumps(schemas[name]).replace("^(19|20)[0-9]{2}-", "^19[0-9]{2}-"))
    # Nobody reports what has not happened yet.
    schemas["ReservationReport"]["properties"]["reportedAt"] = {"enum": ["2026-01-02T09:30:00Z"]}
    withdrawal = document["paths"]["/v1/admin/parks/{park}/reservations/{number}"]["delete"]
    for parameter in withdrawal["parameters"]:
        if parameter["name"] == "reportedAt":
            parameter["schema"] = {"enum": ["2026-01-02T10:30:00Z"]}
    # No schema can say that an extra with `checkOutBy` has no slots.
    schemas["ExtraRequest"]["properties"].pop("checkOutBy")
    schemas["BookableStay"] = {"enum": [{"arrival": arrival, "departure": departure}]}
    for name in [name for name in schemas if name.endswith(("Request", "Change", "Report"))]:
        text = json.dumps(schemas[name])
        for part, own in (("Stay", "BookableStay"), ("HouseRules", "HouseRulesRequest")):
            text = text.replace(f'#/components/schemas/{part}"', f'#/components/schemas/{own}"')
        schemas[name] = json.loads(text)
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter.get("name") == "park" and parameter["in"] == "query":
                    parameter["schema"] = {"type": "string", "enum": [ids["park"]]}
                if parameter.get("name") == "adults":
                    parameter["schema"]["minimum"] = 1
                if parameter.get("name") in ("from", "to"):
                    parameter["schema"] = {"enum": [arrival if parameter["name"] == "from" else departure]}
    day = {"enum": [str(friday + datetime.timedelta(days=days)) for days in range(4)]}
    schemas["HouseNoteRequest"]["properties"] |= {"from": {"enum": [arrival]}, "through": day}
    schemas["ExtraOrderRequest"]["properties"] |= {"from": {"enum": [arrival]}, "through": day}
    only("ExtraOrderRequest", "extraId", ids["extra"])
    only("ExtraOrderRequest", "householdId", ids["household"])
    only("StayRequest", "householdId", ids["household"])
    schemas["RateRequest"]["properties"]["season"] = {"enum": [{"arrival": f"{year}-01-01", "departure": f"{year}-06-01"} for year in range(2032, 2060)]}
    document["components"]["parameters"]["IfMatch"]["schema"] = {"type": "string", "enum": ['"1"', '"2"', '"3"']}
    target = state / "openapi.fuzz.yaml"
    target.write_text(yaml.safe_dump(document, sort_keys=False))
    return target


def fuzz(name, token, document):
    # Signing out or erasing would end the principal; a principal of its own does that at the end. To hear of changes
    # goes on for minutes.
    excluded = ["signOut", "eraseMe", "hearOfChanges"]
    command = [
        str(pathlib.Path(sys.executable).parent / "st"), "run", str(document), "--url", base, "--checks", "all",
        "--phases", phases, "--max-examples", "1" if isShort else cases, "--seed", "1", "--continue-on-failure", "--no-color",
        # A slow machine is no failure.
        "--request-timeout", "120",
    ]
    for operation in excluded:
        command += ["--exclude-operation-id", operation]
    # What is right by the schema may still be an old version or a key that has been used.
    config = state / "schemathesis.toml"
    config.write_text(
        '[checks.positive_data_acceptance]\n'
        'expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 422, 429]\n'
        '[checks.negative_data_rejection]\n'
        'expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429]\n'
        '[checks.missing_required_header]\n'
        'expected-statuses = [400, 401, 403, 404, 415, 428]\n'
    )
    command[1:1] = ["--config-file", str(config)]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    hooks = {"PYTHONPATH": "scripts", "SCHEMATHESIS_HOOKS": "fuzz_hooks"}
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | hooks)
    (state / f"fuzz-{name}.log").write_text(result.stdout + result.stderr)
    print(f"as {name}: {result.stdout.strip().splitlines()[-1] if result.stdout.strip() else result.stderr[-300:]}", flush=True)
    if result.returncode != 0:
        text = result.stdout + result.stderr
        failures = text.partition("= FAILURES =")[2].partition("= WARNINGS =")[0] or text
        print("\n".join(failures.splitlines()[:400]))
    return result.returncode == 0


def metrics():
    text = urllib.request.urlopen(admin + "/metrics").read().decode()
    pattern = r'voorpret_request_seconds_count\{route="(\w+)",status="(\d+)"\} (\d+)'
    return [(route, int(status), int(count)) for route, status, count in re.findall(pattern, text)]


ids, principals = real_ids()
document = narrowed(ids)
# A token is good for a quarter of an hour, and a machine may be slow: each begins with a new one, but for the child, who is
# first.
addresses = {
    "anna": ("anna@example.org", "guest"), "host": ("host@example.org", "staff"), "office": ("office@example.org", "staff"),
    "stranger": ("stranger@example.org", "guest"),
}


def fresh(name):
    return sign_in(*addresses[name]) if name in addresses else principals[name]


passed = all([fuzz(name, fresh(name), document) for name in principals if not isShort or name in ("anna", "host", "office")])

# The three that end a session, once each.
urllib.request.urlopen(urllib.request.Request(base + "/v1/sync/live?seconds=0", headers={"Authorization": f"Bearer {fresh('anna')}"})).read()
ask("POST", "/v1/me/consents", {"purpose": "news", "textVersion": "1", "isGiven": True}, fresh("stranger"))
ask("DELETE", "/v1/auth/sessions/current", token=sign_in("leaver@example.org"))
ask("DELETE", "/v1/me", token=sign_in("eraser@example.org"))

counts = metrics()
operations = {operation["operationId"] for methods in yaml.safe_load(open("openapi.yaml"))["paths"].values() for operation in methods.values()}
reached = {route for route, status, _ in counts if 200 <= status < 300}
broken = [(route, status, count) for route, status, count in counts if status >= 500 and status != 503]
total = sum(count for _, _, count in counts)
for operation in sorted(operations - reached):
    print(f"  {operation}: {[(status, count) for route, status, count in counts if route == operation]}")
print(f"{total} requests; {len(reached & operations)} of {len(operations)} operations answered 2xx; missing: {sorted(operations - reached)}")
if broken:
    print("server errors:", broken)
if broken or not passed or len(reached & operations) < (0.3 if isShort else 0.8) * len(operations):
    sys.exit(1)
