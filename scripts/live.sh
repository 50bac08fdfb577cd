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
export VOORPRET_PORT=18080 VOORPRET_ADMIN_PORT=18081 VOORPRET_LOG_LEVEL=error
cd "$root"
scripts/viewer.sh
cp -r "$state/docs" "$scratch/docs"
swift build --product voorpret
swift build --product payment-sandbox
export VOORPRET_PAYMENTS_URL=http://127.0.0.1:18082 VOORPRET_PAYMENTS_KEY=sk_test_live
export VOORPRET_PAYMENTS_WEBHOOK_SECRET=whsec_live
export VOORPRET_PAYMENTS_PAGE="http://127.0.0.1:18082/pay/{intent}?client_secret={secret}"
.build/debug/payment-sandbox --port 18082 --file "$scratch/payments.sqlite" --key "$VOORPRET_PAYMENTS_KEY" \
    --webhook http://127.0.0.1:18080/v1/webhooks/stripe --webhook-secret "$VOORPRET_PAYMENTS_WEBHOOK_SECRET" &
sandbox=$!
.build/debug/voorpret serve --demo >"$scratch/log" 2>&1 &
service=$!
for _ in $(seq 600); do curl -sf http://127.0.0.1:18081/readyz >/dev/null && break; sleep 0.2; done
"$@" http://127.0.0.1:18080 "$scratch"
curl -sf http://127.0.0.1:18081/livez >/dev/null || die "the service died"
