#!/usr/bin/env bash
# An object store that speaks S3, for tests:  objects.sh FOLDER
# Runs SeaweedFS in the folder until it is stopped. Once it takes objects, FOLDER/address has its address.
. "$(dirname "$0")/lib.sh"
folder=$1
mkdir -p "$folder/data"
weed=
trap '[ -z "$weed" ] || kill "$weed" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 0' TERM INT
# SeaweedFS listens on each port, and for its own traffic on each port and ten thousand.
port=18430
busy() { for offset in 0 1 2 3; do taken $((port + offset)) || taken $((port + offset + 10000)) && return; done; return 1; }
while busy; do port=$((port + 10)); done
cat >"$folder/s3.json" <<'JSON'
{"identities": [{"name": "voorpret", "credentials": [{"accessKey": "voorpret", "secretKey": "a secret for tests"}], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
"$state/venv/bin/weed" -logdir="$folder/data" server -dir="$folder/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
    -master.port=$port -master.volumeSizeLimitMB=64 -volume.port=$((port + 1)) -volume.max=20 \
    -master.telemetry=false -filer -filer.port=$((port + 2)) -s3 -s3.port=$((port + 3)) -s3.config="$folder/s3.json" \
    -s3.port.iceberg=0 -s3.port.lance=0 >"$folder/out" 2>&1 &
weed=$!
# It takes objects when its three parts have found each other.
until curl -sf -m 5 -F "file=@$folder/s3.json" -o "$folder/answer" "http://127.0.0.1:$((port + 2))/ready/" &&
    curl -s -m 5 -o "$folder/answer" "http://127.0.0.1:$((port + 3))/"; do
    kill -0 "$weed" 2>/dev/null || { tail -5 "$folder/out" >&2; exit 1; }
    sleep 0.2
done
echo "http://127.0.0.1:$((port + 3))" >"$folder/address"
wait "$weed"
