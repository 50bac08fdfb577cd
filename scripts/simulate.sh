#!/usr/bin/env bash
# Groups pay while everything fails; `.build/simulate-payments.jsonl` adds up all runs. FAULTS, SEED, MINUTES.
. "$(dirname "$0")/lib.sh"
"$root/scripts/setup.sh"
cd "$root"
for product in voorpret payment-sandbox voorpret-simulate; do
    swift build -c release --product "$product" --scratch-path .build-release
done
mkdir -p .build
.build-release/release/voorpret-simulate payments --project "$root" --programs .build-release/release \
    --faults "${FAULTS:-1000}" --seed "${SEED:-$RANDOM}" --minutes "${MINUTES:-40}" \
    --record .build/simulate-payments.jsonl
