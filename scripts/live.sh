#!/usr/bin/env bash
# Runs a command beside a demo service of its own, debug build, and ends the service afterwards.
#   live.sh COMMAND ...   gets the service's address and its state folder as the last two arguments
. "$(dirname "$0")/lib.sh"
cluster="live-$$"
scratch=$(mktemp -d)
service=
sandbox=
cleanup() {
    if [ -n "$sandbox" ]; then kill -TERM "$sandbox" 2>/dev/null || true; fi
    if [ -n "$service" ]; then kill -TERM "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; fi
    "$root/scripts/cluster.sh" remove "$cluster"
    rm -rf "$scratch"
}
trap cleanup EXIT
VOORPRET_DATABASE=$("$root/scripts/cluster.sh" start "$cluster")
export VOORPRET_DATABASE VOORPRET_STATE="$scratch" VOORPRET_SCHEMA="$root" VOORPRET_OPENAPI="$root/openapi.yaml"
# The first three ports that nobody listens on.
port=18080
while taken $port || taken $((port + 1)) || taken $((port + 2)); do port=$((port + 10)); done
export VOORPRET_PORT=$port VOORPRET_ADMIN_PORT=$((port + 1)) VOORPRET_LOG_LEVEL=error
cd "$root"
scripts/viewer.sh
cp -r "$state/docs" "$scratch/docs"
swift build --product voorpret
swift build --product photo-worker
swift build --product payment-sandbox
export VOORPRET_PAYMENTS_URL=http://127.0.0.1:$((port + 2)) VOORPRET_PAYMENTS_KEY=sk_test_live
export VOORPRET_PAYMENTS_WEBHOOK_SECRET=whsec_live
export VOORPRET_PAYMENTS_PAGE="http://127.0.0.1:$((port + 2))/pay/{intent}?client_secret={secret}"
.build/debug/payment-sandbox --port $((port + 2)) --file "$scratch/payments.sqlite" --key "$VOORPRET_PAYMENTS_KEY" \
    --webhook http://127.0.0.1:$port/v1/webhooks/stripe --webhook-secret "$VOORPRET_PAYMENTS_WEBHOOK_SECRET" &
sandbox=$!
.build/debug/voorpret serve --demo >"$scratch/log" 2>&1 &
service=$!
# A slow machine may need minutes for the demo.
for _ in $(seq 3000); do
    curl -sf "http://127.0.0.1:$((port + 1))/readyz" >/dev/null && break
    kill -0 "$service" 2>/dev/null || { tail -20 "$scratch/log" >&2; die "the service did not start"; }
    sleep 0.2
done
"$@" "http://127.0.0.1:$port" "$scratch"
curl -sf "http://127.0.0.1:$((port + 1))/livez" >/dev/null || die "the service died"
