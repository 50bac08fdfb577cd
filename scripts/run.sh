#!/usr/bin/env bash
# Everything from nothing: set-up, release build, private cluster, payment sandbox, demo, service. Ctrl-C stops all of it.
. "$(dirname "$0")/lib.sh"
export VOORPRET_HOST=${HOST:-127.0.0.1} VOORPRET_PORT=${PORT:-8080} VOORPRET_ADMIN_PORT=${ADMIN_PORT:-8081}
export VOORPRET_STATE="$state" VOORPRET_SCHEMA="$root" VOORPRET_OPENAPI="$root/openapi.yaml"
export VOORPRET_LOG_LEVEL=${LOG_LEVEL:-warning}

payments=${PAYMENTS_PORT:-8082}
export VOORPRET_PAYMENTS_URL=${VOORPRET_PAYMENTS_URL:-http://127.0.0.1:$payments}
if [ "$VOORPRET_PAYMENTS_URL" = "http://127.0.0.1:$payments" ]; then
    sandbox=
    export VOORPRET_PAYMENTS_KEY=sk_test_voorpret VOORPRET_PAYMENTS_WEBHOOK_SECRET=whsec_sandbox
    export VOORPRET_PAYMENTS_PAGE="http://127.0.0.1:$payments/pay/{intent}?client_secret={secret}"
    export VOORPRET_PUBLIC_URL=${VOORPRET_PUBLIC_URL:-http://127.0.0.1:$VOORPRET_PORT}
else
    sandbox=none
fi

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for port in "$VOORPRET_PORT" "$VOORPRET_ADMIN_PORT" ${sandbox:-$payments}; do
    if [ "$port" != none ] && port_is_taken "$port"; then
        die "port $port is in use. Stop what uses it, or choose others: make run PORT=9090 ADMIN_PORT=9091 PAYMENTS_PORT=9092"
    fi
done

"$root/scripts/setup.sh"
"$root/scripts/viewer.sh" || say "The viewer for /docs could not be fetched; /openapi.yaml works all the same."
cd "$root"
# Asking the package manager whether there is something to build costs every start some seconds.
build() {
    product=$1
    shift
    binary=.build-release/release/$product
    if [ ! -x "$binary" ] || [ -n "$(find -L Package.swift "$(command -v swift)" "$@" -newer "$binary" -print -quit)" ]; then
        say "Building $product for release; the first time takes some minutes."
        swift build -c release --product "$product" --scratch-path .build-release
        touch "$binary"
    fi
}
build voorpret Sources
build photo-worker Sources/photo-worker Sources/CVips Sources/GuestModels
[ -n "$sandbox" ] || build payment-sandbox Sources/payment-sandbox
stop_all() {
    [ -z "$sandbox" ] || [ "$sandbox" = none ] || kill -TERM "$sandbox" 2>/dev/null || true
    "$root/scripts/cluster.sh" stop durable
}
trap stop_all EXIT
trap : INT TERM
if [ -z "$sandbox" ]; then
    # In a process group of its own, so that Ctrl-C passes it by: it outlives the service, as a provider does.
    set -m
    .build-release/release/payment-sandbox --port "$payments" --file "$state/payments.sqlite" \
        --key "$VOORPRET_PAYMENTS_KEY" --webhook "http://127.0.0.1:$VOORPRET_PORT/v1/webhooks/stripe" \
        --webhook-secret "$VOORPRET_PAYMENTS_WEBHOOK_SECRET" </dev/null &
    sandbox=$!
    set +m
fi
VOORPRET_DATABASE=$("$root/scripts/cluster.sh" start durable)
export VOORPRET_DATABASE
.build-release/release/voorpret serve --demo &
service=$!
# Passes a stop on, and waits until the service has drained.
trap 'kill -TERM $service 2>/dev/null || true' INT TERM
while kill -0 "$service" 2>/dev/null; do wait "$service" || status=$?; done
exit "${status:-0}"
