#!/usr/bin/env bash
# Who may import what, and where SQL may stand. CONTRIBUTING.md has the reasons.
. "$(dirname "$0")/lib.sh"
cd "$root"
status=0
complain() { if [ -n "$2" ]; then printf '%s:\n%s\n' "$1" "$2" >&2; status=1; fi; }
complain "Only Postgres imports CLibPQ" \
    "$(grep -rlE '^(public |internal )?import CLibPQ' Sources Tests | grep -v '^Sources/Postgres/' || true)"
complain "Only App/ and HTTP/ import Hummingbird" \
    "$(grep -rlE 'import Hummingbird' Sources/GuestAPI | grep -vE '/(App|HTTP)/' || true)"
complain "GuestModels imports nothing but Foundation" \
    "$(grep -rnE '^(public )?import ' Sources/GuestModels | grep -vE 'import Foundation$' || true)"
complain "SQL stands in *SQL.swift only" \
    "$(grep -rnE '"(SELECT|INSERT|UPDATE|DELETE) |^ +(SELECT|INSERT INTO|UPDATE|DELETE FROM) ' Sources/GuestAPI --include='*.swift' |
        grep -vE 'SQL\.swift:|Migrator\.swift:' || true)"
features="Identity Parks Groups Booking Arrival Desk Payments Importing Planning Messages Sync Demo"
# A feature may call those before it in this list, and the shared rooms; never one after it.
for sql in $(find Sources/GuestAPI -name '*SQL.swift' -exec basename {} .swift \;); do
    home=$(basename "$(dirname "$(find Sources/GuestAPI -name "$sql.swift")")")
    for feature in $features; do
        after=${features#*"$feature"}
        case " $after " in *" $home "*)
            # What a feature exports of a later one is listed in ARCHITECTURE.md.
            users=$(grep -rlE "\b$sql\." "Sources/GuestAPI/$feature" || true)
            [ "$feature/$home" = "Groups/Booking" ] && users=$(printf '%s' "$users" | grep -v ShowGroup || true)
            complain "$feature must not reach up into $home" "$users" ;;
        esac
    done
done
exit $status
