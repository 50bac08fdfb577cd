#!/usr/bin/env bash
# People use the service while everything fails; `.build/simulate-WHAT.jsonl` adds up all runs.
# simulate.sh payments: FAULTS, SEED, MINUTES. simulate.sh phones: SCHEDULES, PHONES, SEED, MINUTES. simulate.sh line: SEED, MINUTES.
. "$(dirname "$0")/lib.sh"
"$root/scripts/setup.sh"
cd "$root"
for product in voorpret photo-worker payment-sandbox voorpret-simulate; do
    swift build -c release --product "$product" --scratch-path .build-release
done
mkdir -p .build
case "$1" in
payments) size=(--faults "${FAULTS:-1000}") ;;
phones) size=(--schedules "${SCHEDULES:-20}" --phones "${PHONES:-20}") ;;
line)
    exec .build-release/release/voorpret-simulate line --project "$root" --programs .build-release/release \
        --seed "${SEED:-$RANDOM}" --minutes "${MINUTES:-40}"
    ;;
*) echo "simulate.sh payments, phones or line" >&2; exit 2 ;;
esac
.build-release/release/voorpret-simulate "$1" --project "$root" --programs .build-release/release \
    "${size[@]}" --seed "${SEED:-$RANDOM}" --minutes "${MINUTES:-40}" --record ".build/simulate-$1.jsonl"
