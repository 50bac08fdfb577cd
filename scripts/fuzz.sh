#!/usr/bin/env bash
# Attacks a running service with what its own OpenAPI document allows and forbids.
. "$(dirname "$0")/lib.sh"
"$root/scripts/venv.sh" schemathesis==4.32.5 pyyaml
exec "$root/scripts/live.sh" "$state/venv/bin/python" "$root/scripts/fuzz.py" --cases "${FUZZ_CASES:-40}"
