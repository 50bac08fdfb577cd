#!/usr/bin/env bash
# Measures the release build beside floors on the same machine; see Benchmarks/bench.py.
. "$(dirname "$0")/lib.sh"
"$root/scripts/setup.sh"
if ! command -v wrk >/dev/null; then
    say "Installing wrk"
    if [ "$(uname)" = Darwin ]; then brew install wrk; else as_root apt-get update -qq; as_root apt-get install -y -qq wrk; fi
fi
cd "$root"
swift build -c release --product voorpret --scratch-path .build-release
swift build -c release --product photo-worker --scratch-path .build-release
swift build -c release --product payment-sandbox --scratch-path .build-release
swift build -c release --product voorpret-simulate --scratch-path .build-release
if [ -n "${PEERS:-}" ]; then
    export KINTO="$root/.voorpret/kinto"
    if [ ! -x "$KINTO/bin/uwsgi" ]; then
        say "Installing Kinto"
        python3 -m venv "$KINTO"
        "$KINTO/bin/pip" install -q 'kinto[postgresql]==26.*' uwsgi
    fi
fi
# Ten thousand phones are ten thousand descriptors.
ulimit -n "$(ulimit -Hn)"
cluster="durable-bench-$$"
scratch=$(mktemp -d)
trap '"$root/scripts/cluster.sh" remove "$cluster"; rm -rf "$scratch"' EXIT
database=$("$root/scripts/cluster.sh" start "$cluster")
PATH="$(postgres_bin):$PATH" python3 Benchmarks/bench.py "$database" "$scratch" "${ONLY:-}"
