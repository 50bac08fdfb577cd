"""Fuzzes a running demo service with schemathesis, as each kind of principal, with real ids.

    fuzz.py URL STATE_FOLDER CASES

Fails on any 5xx, any status or body that openapi.yaml does not document, and when fewer than 80 % of
the operations answered 2xx to anybody.
"""

import base64
import datetime
import email.utils
import glob
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

import yaml

base, state, cases = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
admin = re.sub(r":(\d+)$", lambda match: f":{int(match[1]) + 1}", base)


def ask(method, path, body=None, token=None):
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(base + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            raw = response.read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path} answered {error.code}: {error.read().decode()}")
    return json.loads(raw) if raw else None


def sign_in(address, audience="guest"):
    """As a person would: asks for a code, reads the mail, types it in."""
    secret = uuid.uuid4().hex
    sent = ask("POST", "/v1/auth/codes", {"email": address, "deviceSecret": secret, "audience": audience})
    for _ in range(100):
        for path in sorted(glob.glob(f"{state}/mail/*/*.eml"), reverse=True):
            head, _, text = pathlib.Path(path).read_text().partition("\n\n")
            if email.utils.parseaddr(re.search(r"^To: (.*)$", head, re.M)[1])[1] != address:
                continue
            code = re.search(r"\b\d{8}\b", base64.b64decode(text).decode())[0]
            body = {"attemptId": sent["attemptId"], "code": code, "deviceSecret": secret}
            return ask("POST", "/v1/auth/sessions", body)["accessToken"]
        time.sleep(0.1)
    raise SystemExit(f"no mail to {address}")


def real_ids():
    """One real object of each kind, all of one park and of Anna's group."""
    anna, host, office = sign_in("anna@example.org"), sign_in("host@example.org", "staff"), sign_in("office@example.org", "staff")
    group = ask("GET", "/v1/groups", token=anna)["items"][0]["groupId"]
    page = ask("GET", f"/v1/groups/{group}", token=anna)
    parks = {park["slug"]: park["id"] for park in ask("GET", "/v1/parks")["items"]}
    park = parks["heidehof"]
    kind = ask("GET", f"/v1/parks/{park}")["cottageTypes"][0]["id"]
    cottage = ask("GET", f"/v1/parks/{park}/map?from=2030-01-01&to=2030-01-02")["features"][0]["id"]
    stay = {"arrival": "2031-01-01", "departure": "2031-01-05"}
    closure = ask("POST", f"/v1/admin/cottages/{cottage}/closures", {"stay": stay, "reason": "roof"}, host)["id"]
    traveller = ask("POST", f"/v1/groups/{group}/travellers", {"name": "Extra"}, anna)["id"]
    invitation = ask("POST", f"/v1/groups/{group}/invitations", {"maxUses": 100}, anna)
    session = ask("GET", "/v1/me/devices", token=anna)[-1]["id"]
    ids = {
        "park": park, "type": kind, "cottage": cottage, "closure": closure, "group": group, "traveller": traveller,
        "invitation": invitation["id"], "code": invitation["code"], "device": session,
        "rate": ask("GET", f"/v1/admin/cottage-types/{kind}/rates", token=office)["items"][0]["id"],
        "booking": page["bookings"][0]["id"], "job": str(uuid.uuid4()),
        "member": page["travellers"][0]["id"], "household": page["households"][0]["id"],
    }
    stranger = sign_in("stranger@example.org")
    return ids, {"anna": anna, "host": host, "office": office, "stranger": stranger, "nobody": None}


def narrowed(ids):
    """The document with real ids among what may be generated, so that requests reach the verbs."""
    document = yaml.safe_load(open("openapi.yaml"))
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter.get("in") == "path" and parameter["name"] in ids:
                    parameter["schema"] = {"type": "string", "enum": [ids[parameter["name"]]]}
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
    only("HandOver", "travellerId", ids["member"])
    only("TravellerChange", "householdId", ids["household"])
    only("TravellerRequest", "householdId", ids["household"])
    schemas["ProfileChange"]["properties"]["favouriteCottageIds"]["items"] = {"type": "string", "enum": [ids["cottage"]]}
    schemas["ParkRequest"]["properties"]["timeZone"] = {"type": "string", "enum": ["Europe/Amsterdam", "Asia/Tokyo"]}
    # That departure comes after arrival no schema can say: a Friday to Monday that the park takes.
    friday = datetime.date.today() + datetime.timedelta(days=70)
    friday += datetime.timedelta(days=(4 - friday.weekday()) % 7)
    arrival, departure = str(friday), str(friday + datetime.timedelta(days=3))
    schemas["HouseRules"]["properties"]["minimumNights"] = {"enum": [1, 2, 3]}
    schemas["HouseRules"]["properties"]["maximumNights"]["minimum"] = 3
    schemas["StayRequest"] = {"enum": [{"arrival": arrival, "departure": departure}]}
    for name in [name for name in schemas if name.endswith("Request")]:
        text = json.dumps(schemas[name]).replace("#/components/schemas/Stay\"", "#/components/schemas/StayRequest\"")
        schemas[name] = json.loads(text)
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter.get("name") == "adults":
                    parameter["schema"]["minimum"] = 1
                if parameter.get("name") in ("from", "to"):
                    parameter["schema"] = {"enum": [arrival if parameter["name"] == "from" else departure]}
    document["components"]["parameters"]["KeyRequired"]["schema"] = {"type": "string", "format": "uuid"}
    document["components"]["parameters"]["IfMatch"]["schema"] = {"type": "string", "enum": ['"1"', '"2"', '"3"']}
    target = state / "openapi.fuzz.yaml"
    target.write_text(yaml.safe_dump(document, sort_keys=False))
    return target


def fuzz(name, token, document):
    # Signing out or erasing would end the principal; a principal of its own does that at the end.
    excluded = ["signOut", "eraseMe", "revokeDevice"]
    command = [
        str(pathlib.Path(sys.executable).parent / "st"), "run", str(document), "--url", base, "--checks", "all",
        "--phases", "fuzzing,coverage", "--max-examples", cases, "--seed", "1", "--continue-on-failure", "--no-color",
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
        # Its coverage phase leaves a required header out and still calls the request valid.
        + "".join(
            f'[[operations]]\ninclude-operation-id = "{name}"\nchecks.positive_data_acceptance.enabled = false\n'
            for name in ["placeBooking", "extendHold", "confirmBooking", "cancelBooking"]
        )
    )
    command[1:1] = ["--config-file", str(config)]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    result = subprocess.run(command, capture_output=True, text=True)
    (state / f"fuzz-{name}.log").write_text(result.stdout + result.stderr)
    print(f"as {name}: {result.stdout.strip().splitlines()[-1] if result.stdout.strip() else result.stderr[-300:]}", flush=True)
    if result.returncode != 0:
        print("\n".join((result.stdout + result.stderr).splitlines()[-150:]))
    return result.returncode == 0


def metrics():
    text = urllib.request.urlopen(admin + "/metrics").read().decode()
    pattern = r'voorpret_request_seconds_count\{route="(\w+)",status="(\d+)"\} (\d+)'
    return [(route, int(status), int(count)) for route, status, count in re.findall(pattern, text)]


ids, principals = real_ids()
document = narrowed(ids)
passed = all([fuzz(name, token, document) for name, token in principals.items()])

# The three that end a session, once each.
ask("POST", "/v1/me/consents", {"purpose": "news", "textVersion": "1", "isGiven": True}, principals["stranger"])
ask("DELETE", "/v1/auth/sessions/current", token=sign_in("leaver@example.org"))
ask("DELETE", "/v1/me", token=sign_in("eraser@example.org"))

counts = metrics()
operations = {operation["operationId"] for methods in yaml.safe_load(open("openapi.yaml"))["paths"].values() for operation in methods.values()}
reached = {route for route, status, _ in counts if 200 <= status < 300}
broken = [(route, status, count) for route, status, count in counts if status >= 500 and status != 503]
total = sum(count for _, _, count in counts)
print(f"{total} requests; {len(reached & operations)} of {len(operations)} operations answered 2xx; missing: {sorted(operations - reached)}")
if broken:
    print("server errors:", broken)
if broken or not passed or len(reached & operations) < 0.8 * len(operations):
    sys.exit(1)
