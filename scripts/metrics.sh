#!/usr/bin/env bash
# Has promtool read the metrics of the service that live.sh has started, after some requests:  metrics.sh BASE STATE
set -euo pipefail
for path in /v1/parks /nothing /openapi.yaml; do curl -s -o /dev/null "$1$path"; done
curl -sf "http://127.0.0.1:$VOORPRET_ADMIN_PORT/metrics" >"$2/metrics.txt"
promtool check metrics <"$2/metrics.txt"
# Every metric that an alarm looks at is there.
for name in $(grep -o 'voorpret_[a-z_]*' docs/alarms.yml | sort -u); do
    grep -q "^# HELP $name\|^$name\|^# HELP ${name%_count} " "$2/metrics.txt" || { echo "no metric $name" >&2; exit 1; }
done
