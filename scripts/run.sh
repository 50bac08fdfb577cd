#!/usr/bin/env bash
# Everything from nothing: set-up, release build, private cluster, demo, service. Ctrl-C stops all of it.
. "$(dirname "$0")/lib.sh"
export VOORPRET_HOST=${HOST:-127.0.0.1} VOORPRET_PORT=${PORT:-8080} VOORPRET_ADMIN_PORT=${ADMIN_PORT:-8081}
export VOORPRET_STATE="$state" VOORPRET_SCHEMA="$root" VOORPRET_OPENAPI="$root/openapi.yaml"
export VOORPRET_LOG_LEVEL=${LOG_LEVEL:-warning}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for port in "$VOORPRET_PORT" "$VOORPRET_ADMIN_PORT"; do
    if port_is_taken "$port"; then
        die "port $port is in use. Stop what uses it, or choose others: make run PORT=9090 ADMIN_PORT=9091"
    fi
done

"$root/scripts/setup.sh"
"$root/scripts/viewer.sh" || say "The viewer for /docs could not be fetched; /openapi.yaml works all the same."
cd "$root"
say "Building for release; the first time takes some minutes."
swift build -c release --product voorpret --scratch-path .build-release
trap '"$root/scripts/cluster.sh" stop durable' EXIT
trap : INT TERM
VOORPRET_DATABASE=$("$root/scripts/cluster.sh" start durable)
export VOORPRET_DATABASE
.build-release/release/voorpret serve --demo &
service=$!
# Passes a stop on, and waits until the service has drained.
trap 'kill -TERM $service 2>/dev/null || true' INT TERM
while kill -0 "$service" 2>/dev/null; do wait "$service" || status=$?; done
exit "${status:-0}"
