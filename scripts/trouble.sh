#!/usr/bin/env bash
# Everything that goes wrong on a server, while guests write: kills, full disks, a wrong secret, clocks, a lost database.
. "$(dirname "$0")/lib.sh"
[ "$(uname)" = Linux ] && [ "$(id -u)" = 0 ] || die "disks that fill up are for root on Linux"
cd "$root"
"$root/scripts/setup.sh"
if ! command -v faketime >/dev/null; then
    say "Installing faketime"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends faketime
fi
swift build -c release --product voorpret --scratch-path .build-release
# Durable, so that PostgreSQL runs with the settings of a server.
cluster="durable-trouble-$$"
scratch=$(mktemp -d)
data=$("$root/scripts/cluster.sh" where "$cluster")
mkdir -p "$scratch/state" "$scratch/standby" "$data"
cleanup() {
    # A stopped server cannot end.
    if [ -e "$data/postmaster.pid" ]; then
        primary=$(head -1 "$data/postmaster.pid")
        kill -CONT "$primary" $(pgrep -P "$primary") 2>/dev/null || true
    fi
    if [ -e "$scratch/standby/data/postmaster.pid" ]; then kill -9 "$(head -1 "$scratch/standby/data/postmaster.pid")" || true; fi
    "$root/scripts/cluster.sh" stop "$cluster" || true
    for place in "$data" "$scratch/state"; do umount -l "$place" 2>/dev/null || true; done
    "$root/scripts/cluster.sh" remove "$cluster" || true
    rm -rf "$scratch"
}
trap cleanup EXIT
mount -t tmpfs -o size=64m tmpfs "$scratch/state"
mount -t tmpfs -o size=4g tmpfs "$data"
python3 "$root/scripts/trouble.py" "$root" "$cluster" "$data" "$scratch"
