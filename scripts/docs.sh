#!/usr/bin/env bash
# Opens /docs of a running service in Chromium and sees that the viewer shows every operation.
. "$(dirname "$0")/lib.sh"
browser=$(command -v chromium || command -v google-chrome || true)
if [ -z "$browser" ] && [ "$(uname)" != Darwin ]; then
    say "Installing with apt-get: chromium"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
    browser=$(command -v chromium)
fi
[ -n "$browser" ] || die "no Chromium here to open /docs with"
"$root/scripts/venv.sh" playwright==1.65.2 pyyaml jsonschema==4.25.1
(cd "$root" && "$state/venv/bin/python" scripts/examples.py)
exec "$root/scripts/live.sh" "$state/venv/bin/python" "$root/scripts/docs.py" "$browser"
