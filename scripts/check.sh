#!/usr/bin/env bash
# Everything that must be right before a change lands.
. "$(dirname "$0")/lib.sh"
cd "$root"
"$root/scripts/lint.sh"
say "Tests"
rm -rf "$state/met"
VOORPRET_MET=$state/met "$root/scripts/test.sh"
say "Codes that no test has met"
python3 "$root/scripts/openapi.py" met "$state/met"
say "Many histories of a booking's money"
VOORPRET_HISTORIES=2000 VOORPRET_STAYS=500 VOORPRET_PLANTS=20 "$root/scripts/test.sh" --skip-build \
    --filter 'BookingStatementTests|MoneyHistoryTests|The check of the ledger|The check finds'
say "The guide for app teams, word for word"
"$root/scripts/guide.sh"
say "Documentation in a browser"
"$root/scripts/docs.sh"
say "Fuzz of the OpenAPI document"
"$root/scripts/fuzz.sh"
say "Metrics and alarms, read by Prometheus"
"$root/scripts/alarms.sh"
say "Invoices and calendars, read by other programs"
"$root/scripts/documents.sh"
say "Guesses of sign-in codes"
"$root/scripts/live.sh" python3 "$root/scripts/guess.py" --guesses 5000 --clients 500 --owners 20
