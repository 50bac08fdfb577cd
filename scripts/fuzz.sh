#!/usr/bin/env bash
# Attacks a running service with what its own OpenAPI document allows and forbids.
. "$(dirname "$0")/lib.sh"
if ! "$root/scripts/venv.sh" schemathesis==4.32.5 pyyaml || ! "$root/scripts/viewer.sh"; then
    [ "${FUZZ_CASES:-40}" = 0 ] || die "schemathesis cannot be installed here"
    say "schemathesis cannot be installed here; the short fuzz is left out."
    exit 0
fi
exec "$root/scripts/live.sh" "$state/venv/bin/python" "$root/scripts/fuzz.py" --cases "${FUZZ_CASES:-40}"
