#!/usr/bin/env bash
# Has Prometheus' own tool read the alarms and the metrics of a running service.
. "$(dirname "$0")/lib.sh"
if ! command -v promtool >/dev/null; then
    say "Installing promtool"
    if [ "$(uname)" = Darwin ]; then brew install prometheus; else
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus
    fi
fi
promtool check rules "$root/docs/alarms.yml"
promtool test rules "$root/docs/alarms_test.yml"
exec "$root/scripts/live.sh" "$root/scripts/metrics.sh"
