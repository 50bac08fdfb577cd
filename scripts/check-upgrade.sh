#!/usr/bin/env bash
# Rolls this version out over the one before, on one database, while guests work:  BEFORE=REF check-upgrade.sh
. "$(dirname "$0")/lib.sh"
cd "$root"
before=${BEFORE:-$(git describe --tags --abbrev=0 2>/dev/null || git rev-parse HEAD~1)}
tree="$state/before"
if [ ! -d "$tree" ]; then git clone -q "$root" "$tree"; fi
git -C "$tree" fetch -q
git -C "$tree" checkout -q "$(git rev-parse "$before")"
say "Building $before"
swift build --package-path "$tree" -c release --product voorpret --scratch-path "$tree/.build-release"
swift build -c release --product voorpret --scratch-path .build-release
cluster="upgrade-$$"
scratch=$(mktemp -d)
old=
new=
cleanup() {
    for process in $old $new; do kill -TERM "$process" 2>/dev/null || true; done
    wait 2>/dev/null || true
    "$root/scripts/cluster.sh" remove "$cluster"
    rm -rf "$scratch"
}
trap cleanup EXIT
VOORPRET_DATABASE=$("$root/scripts/cluster.sh" start "$cluster")
export VOORPRET_DATABASE VOORPRET_STATE="$scratch" VOORPRET_LOG_LEVEL=error
serve() {
    VOORPRET_SCHEMA=$1 VOORPRET_OPENAPI=$1/openapi.yaml VOORPRET_PORT=$2 VOORPRET_ADMIN_PORT=$(($2 + 1)) \
        "$1/.build-release/release/voorpret" serve "${@:3}" >>"$scratch/log-$2" 2>&1 &
}
ready() { for _ in $(seq 600); do curl -sf "http://127.0.0.1:$(($1 + 1))/readyz" >/dev/null && return; sleep 0.2; done; cat "$scratch/log-$1"; die "port $1 is not ready"; }
work() { python3 "$root/scripts/upgrade.py" "$scratch" "$@"; }
serve "$tree" 18070 --demo
old=$!
ready 18070
say "The version before alone"
work 10 http://127.0.0.1:18070
say "Its database is migrated while guests work"
work 15 http://127.0.0.1:18070 &
working=$!
sleep 3
VOORPRET_SCHEMA="$root" .build-release/release/voorpret migrate
wait "$working"
ready 18070
say "Both side by side"
serve "$root" 18072 --without-migrating
new=$!
ready 18072
work 20 http://127.0.0.1:18070 http://127.0.0.1:18072
say "The version before stops"
kill -TERM "$old"
wait "$old" || true
old=
work 10 http://127.0.0.1:18072
say "The way back: the version before starts on the migrated database"
kill -TERM "$new"
wait "$new" || true
new=
serve "$tree" 18070
old=$!
ready 18070
work 5 http://127.0.0.1:18070
for what in occupancy ledger sync; do .build-release/release/voorpret check "$what"; done
if grep -hE '^[^ ]+ (error|critical) ' "$scratch"/log-*; then die "a version complained"; fi
say "Rolled out"
