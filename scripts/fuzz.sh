#!/usr/bin/env bash
# Attacks a running service with what its own OpenAPI document allows and forbids.
. "$(dirname "$0")/lib.sh"
lacks=
"$root/scripts/venv.sh" schemathesis==4.32.5 pyyaml || lacks=schemathesis
[ -n "$lacks" ] || "$root/scripts/viewer.sh" || lacks="the viewer of /docs"
if [ -n "$lacks" ]; then
    [ "${FUZZ_CASES:-40}" = 0 ] || die "$lacks cannot be installed here"
    say "$lacks cannot be installed here; the short fuzz is left out."
    exit 0
fi
exec "$root/scripts/live.sh" "$state/venv/bin/python" "$root/scripts/fuzz.py" --cases "${FUZZ_CASES:-40}"
