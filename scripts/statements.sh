#!/usr/bin/env bash
# Writes the statements that this version prepares, for the test that a later schema still serves it. Run it for a release.
. "$(dirname "$0")/lib.sh"
record=$(mktemp)
rm -f "$record"
VOORPRET_STATEMENTS="$record" "$root/scripts/test.sh"
python3 - "$record" "$root/Tests/statements-of-before.txt" <<'PY'
import re, sys
separator = "\n--;\n"
texts = open(sys.argv[1]).read().split(separator)
# One a line. Those of the tests themselves are among them.
# The database client's own tests make these tables.
texts = [text for text in texts if not re.search(r"\b(FROM|INTO|UPDATE) (note|tent|big)\b", text)]
texts = [re.sub(r"--[^\n]*", "", text) for text in texts]
kept = {re.sub(r"\s+", " ", text).strip() for text in texts if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|VALUES|MERGE)\b", text)}
open(sys.argv[2], "w").write("".join(text + "\n" for text in sorted(kept)))
print(len(kept), "statements")
PY
