#!/usr/bin/env bash
# Runs the commands of docs/api.md against a service of their own.
. "$(dirname "$0")/lib.sh"
command -v jq >/dev/null || {
    say "Installing with apt-get: jq"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends jq
}
exec "$root/scripts/live.sh" python3 "$root/scripts/guide.py"
