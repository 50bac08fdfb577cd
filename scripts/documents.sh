#!/usr/bin/env bash
# Has other programs read the invoices and calendars of a running service.
. "$(dirname "$0")/lib.sh"
if ! command -v qpdf >/dev/null || ! command -v pdftotext >/dev/null; then
    say "Installing qpdf and pdftotext"
    if [ "$(uname)" = Darwin ]; then brew install qpdf poppler; else
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qpdf poppler-utils
    fi
fi
"$root/scripts/venv.sh" icalendar==7.3.2 vobject==0.9.9
exec "$root/scripts/live.sh" "$state/venv/bin/python" "$root/scripts/documents.py"
