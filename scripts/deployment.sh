#!/usr/bin/env bash
# Does what docs/deployment.md says, on an empty Debian with a systemd of its own, and has phones come in by both proxies.
#   deployment.sh [COMMAND]    with a command, runs it there when all is done and before the machine is thrown away
. "$(dirname "$0")/lib.sh"
[ "$(uname)" = Linux ] && [ "$(id -u)" = 0 ] || die "a machine within this one is for root on Linux"
place="$state/deployment"
mkdir -p "$place"
if ! command -v systemd-nspawn >/dev/null || ! command -v mmdebstrap >/dev/null; then
    say "Installing systemd-container and mmdebstrap"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends systemd-container mmdebstrap
fi
page() { python3 "$root/scripts/deployment.py" page "$root/docs/deployment.md" "$@"; }

# The page's own line builds; the second program is the phone that comes in by the proxies.
clone="$place/voorpret"
if [ ! -d "$clone" ]; then git clone -q "$root" "$clone"; fi
git -C "$clone" fetch -q origin && git -C "$clone" reset -q --hard "$(git -C "$root" rev-parse HEAD)"
builds=$(page Build 0 | grep '^swift build')
say "$builds"
(cd "$clone" && eval "$builds" && eval "$(head -1 <<<"${builds/--product voorpret/--product voorpret-simulate}")")

# What is installed is kept from run to run.
packages=$(for heading in Install Mail "TLS in front, with nginx" "Or HAProxy"; do page "$heading" 0; done | grep '^apt-get')
machine="$place/debian-$(cksum <<<"$packages" | cut -d' ' -f1)"
if [ ! -d "$machine" ]; then
    say "An empty Debian, and what the page installs"
    rm -rf "$place"/debian-*
    sources=$(find /etc/apt/sources.list.d -name '*.sources' | head -1)
    mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$machine.new" $sources
    DEBIAN_FRONTEND=noninteractive systemd-nspawn --quiet --register=no --keep-unit --setenv=DEBIAN_FRONTEND=noninteractive \
        --directory="$machine.new" bash -euc "$packages"$'\napt-get install -y msmtp python3'
    # One of the two is in front, and which is said later.
    systemd-nspawn --quiet --register=no --keep-unit --directory="$machine.new" systemctl disable haproxy
    mv "$machine.new" "$machine"
fi

say "Starting it"
rm -rf "$place/out" && mkdir "$place/out"
systemd-nspawn --quiet --register=no --keep-unit --boot --private-network --volatile=overlay \
    --directory="$machine" --bind-ro="$clone:/opt/voorpret" --bind-ro="$root/scripts:/opt/scripts" \
    --bind-ro="$root/docs:/opt/docs" --bind="$place/out:/opt/out" </dev/null >"$place/out/console" 2>&1 &
nspawn=$!
stop() { kill -TERM "$nspawn" 2>/dev/null || true; wait "$nspawn" 2>/dev/null || true; }
trap stop EXIT
first=
inside() {
    nsenter --target "$first" --mount --uts --ipc --net --pid --root --wd env -i HOME=/root LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
for _ in $(seq 300); do
    first=$(pgrep -P "$nspawn" || true)
    # The first child of nspawn is still on this machine for a moment.
    if [ -n "$first" ] && inside test -e /opt/out/console && inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then break; fi
    kill -0 "$nspawn" 2>/dev/null || { cat "$place/out/console"; die "it did not start"; }
    sleep 0.2
done
inside python3 /opt/scripts/deployment.py inside /opt/docs/deployment.md || failed=1
if [ $# -gt 0 ]; then inside "$@"; fi
[ -z "${failed:-}" ] || { inside journalctl --no-pager -n 60 -o cat || true; die "the page or the service is wrong; the log is above"; }
say "The page is right"
