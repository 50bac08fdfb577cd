#!/usr/bin/env bash
# All tests against a throw-away cluster that is gone afterwards.
. "$(dirname "$0")/lib.sh"
"$root/scripts/setup.sh"
cluster="test-$$"
trap '"$root/scripts/cluster.sh" remove "$cluster"' EXIT
VOORPRET_TEST_DATABASE=$("$root/scripts/cluster.sh" start "$cluster")
export VOORPRET_TEST_DATABASE
cd "$root"
swift test "$@"
