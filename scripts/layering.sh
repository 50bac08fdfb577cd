#!/usr/bin/env bash
# Who may import what, and where SQL may stand. CONTRIBUTING.md has the reasons.
. "$(dirname "$0")/lib.sh"
cd "$root"
status=0
complain() { if [ -n "$2" ]; then printf '%s:\n%s\n' "$1" "$2" >&2; status=1; fi; }
complain "Only Postgres imports CLibPQ" \
    "$(grep -rlE '^(public |internal )?import CLibPQ' Sources Tests | grep -v '^Sources/Postgres/' || true)"
complain "Only photo-worker and its tests import CVips" \
    "$(grep -rlE '^(public |internal )?import CVips' Sources Tests |
        grep -vE '^Sources/photo-worker/|/PictureTests.swift$' || true)"
complain "Only App/ and HTTP/ import Hummingbird" \
    "$(grep -rlE 'import Hummingbird' Sources/GuestAPI | grep -vE '/(App|HTTP)/' || true)"
complain "GuestModels imports nothing but Foundation" \
    "$(grep -rnE '^(public )?import ' Sources/GuestModels | grep -vE 'import Foundation$' || true)"
complain "SQL stands in *SQL.swift only" \
    "$(grep -rnE '"(SELECT|INSERT|UPDATE|DELETE) |^ +(SELECT|INSERT INTO|UPDATE|DELETE FROM) ' Sources/GuestAPI --include='*.swift' |
        grep -vE 'SQL\.swift:|Migrator\.swift:' || true)"
complain "Fragments of SQL stand in *SQL.swift only" \
    "$(grep -rnE ': SQL = "|-> SQL \{ "' Sources/GuestAPI --include='*.swift' | grep -vE 'SQL\.swift:|HTML\.swift:' || true)"
complain "Routes decode and answer; permission and SQL are the verbs'" \
    "$(grep -nE '[A-Za-z]SQL\.|\.tx\.|\.reader\.|[Pp]rincipal[^ ]*\.(has|require)\(|[Bb]ooks\.require\(|\.allow\(' $(find Sources/GuestAPI -name "*Routes.swift") || true)"
"$root/scripts/layering.py" || status=1
exit $status
