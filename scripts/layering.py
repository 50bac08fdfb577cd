#!/usr/bin/env python3
"""Checks that the rooms of GuestAPI call downwards only, from an index of what each room declares.

Types count, and verbs on types of other modules, such as `Booking.cancel`. What a room may call of a later one stands in
EXCEPTIONS with its reason.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent / "Sources" / "GuestAPI"
# The floor: these rooms may call each other.
GROUND = ["Ground", "Observability", "Outside", "Publishing", "Jobs", "HTTP"]
# The features that have a room, in the order of `Features.all`: each after those that it calls. Then the roof.
FEATURES = re.search(r"static let all: \[Feature\] = \[(.*?)\]", (ROOT / "App" / "Features.swift").read_text(), re.S)
ROOMS = [name[0].upper() + name[1:] for name in re.findall(r"\.(\w+)", FEATURES[1])]
ABOVE = [room for room in ROOMS if (ROOT / room).is_dir()] + ["Demo", "App"]
LEVEL = {room: 0 for room in GROUND} | {room: level for level, room in enumerate(ABOVE, 1)}
# By file: the names of rooms above that it may use.
EXCEPTIONS = {
    # Every request asks who it is, and whether the desk asks in a guest's name.
    "AppEnvironment.swift": ["Authenticator"],
    "Responder.swift": ["DeskGuests"],
    "BookingRoutes.swift": ["DeskGuests"],
    # A letter holds what it is about; its text is written above, in App/Letters.swift.
    "Mail.swift": ["PayLink", "SecurityNotice"],
    # The group's page shows its bookings and their shares.
    "ShowGroup.swift": ["BookingSQL", "ChargeSQL", "ExtraSQL", "ShareSQL", "Booking"],
}


def code(text):
    """The text without comments and without what stands in strings."""
    text = re.sub(r'"""(?:\\.|(?!""").)*"""', '""', text, flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"//[^\n]*", "", text)


def main():
    files = {path: code(path.read_text()) for path in sorted(ROOT.rglob("*.swift"))}
    room = {path: path.relative_to(ROOT).parts[0] for path in files}
    types, verbs = defaultdict(set), defaultdict(set)
    for path, text in files.items():
        for name in re.findall(r"^(?:\w+ )*(?:struct|enum|class|actor|protocol) (\w+)", text, re.M):
            if not re.search(rf"^(?:private|fileprivate) .*\b{name}\b", text, re.M):
                types[name].add(room[path])
        for found in re.finditer(r"^extension (\w+)[^{]*\{(.*?)^\}", text, re.M | re.S):
            for verb in re.findall(r"^    static func (\w+)", found[2], re.M):
                verbs[found[1], verb].add(room[path])
    failures = []
    for path, text in files.items():
        own = LEVEL[room[path]]
        allowed = EXCEPTIONS.get(path.name, [])
        for name in sorted(set(re.findall(r"\b[A-Z]\w+", text))):
            homes = types.get(name)
            if homes and min(LEVEL[home] for home in homes) > own and name not in allowed:
                failures.append(f"{path.relative_to(ROOT)} uses {name} of {', '.join(sorted(homes))}")
        for type_, verb in sorted(set(re.findall(r"\b([A-Z]\w+)\.(\w+)\(", text))):
            homes = verbs.get((type_, verb))
            if homes and type_ not in types and min(LEVEL[home] for home in homes) > own and type_ not in allowed:
                failures.append(f"{path.relative_to(ROOT)} calls {type_}.{verb} of {', '.join(sorted(homes))}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


sys.exit(main())
