"""docs/errors.md, made from the refusals in the sources.

errors.py write    writes it
errors.py check    ends with 1 where it is not what the sources say, or where a code has no cause or appears in no test
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parent.parent
PAGE = ROOT / "docs/errors.md"
STATUS = {
    "notFound": 404, "forbidden": 403, "unauthenticated": 401, "conflict": 409, "invalid": 400, "tooMany": 429,
    "badRequest": 400, "serviceUnavailable": 503, "internalServerError": 500, "contentTooLarge": 413, "uriTooLong": 414,
    "requestHeaderFieldsTooLarge": 431, "methodNotAllowed": 405, "unsupportedMediaType": 415, "rangeNotSatisfiable": 416, "preconditionFailed": 412,
    "preconditionRequired": 428, "unprocessableContent": 422, "insufficientStorage": 507,
}
# Only two requests at the same instant meet the first, and only a full disk the second.
UNTESTED = {"token_busy", "storage_full"}
COMMENT = r"(?P<comment>(?:^[ ]*///.*\n)*)"
TEXT = r'en:\s*(?P<text>"(?:[^"\\]|\\.)*")'
REFUSAL = re.compile(COMMENT + r"^[ ]*(?:public |return |static |let |\w+ = )*.*Refusal\(\s*\.(?P<kind>\w+)[^,]*,\s*\"(?P<code>\w+)\",\s*" + TEXT, re.M)
PROBLEM = re.compile(COMMENT + r"^.*Problem\(\s*status: \.(?P<kind>\w+),\s*code: \"(?P<code>\w+)\",\s*detail: LocalizedText\(\s*" + TEXT, re.M)


def function_comment(before):
    """The comment of the function whose first lines `before` ends with."""
    inside = re.search(COMMENT + r"^[ ]*(?:public )?static func .*\{\n(?:.*\n){0,2}\Z", before, re.M)
    return inside["comment"] if inside else ""


def found():
    """What the sources say, by code."""
    codes = {}
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        text = path.read_text()
        for pattern in (REFUSAL, PROBLEM):
            for match in pattern.finditer(text):
                above = match["comment"] or function_comment(text[: match.start()])
                comment = " ".join(line.strip(" /") for line in above.splitlines() if line.strip(" /"))
                cause = re.sub(r"- Parameter.*", "", comment).strip()
                sentence = re.sub(r"\\\((\w+)[^)]*\)", r"…", match["text"].strip('"'))
                codes[match["code"]] = (STATUS[match["kind"]], sentence, cause)
    return codes


def page(codes):
    lines = [
        "# Errors",
        "",
        "Every error is a problem document (RFC 9457) with a `code`. An app decides by the code; the sentence is for people, in"
        " the language of the request. `scripts/errors.py write` makes this page from the sources.",
        "",
        "A document with `retryable: true` may be sent again as it was; `Retry-After` says when. A 409 depends on the state of"
        " things: read anew, then decide. `errors` names the fields at fault by JSON Pointer.",
        "",
        "| Code | Status | Sentence | Cause |",
        "| --- | --- | --- | --- |",
    ]
    for code, (status, sentence, cause) in sorted(codes.items()):
        lines.append(f"| `{code}` | {status} | {sentence} | {cause.replace('|', '/')} |")
    return "\n".join(lines) + "\n"


codes = found()
if sys.argv[1] == "write":
    PAGE.write_text(page(codes))
else:
    declared = sum(len(re.findall(r"\bRefusal\(\s*\.", path.read_text())) for path in (ROOT / "Sources").rglob("*.swift"))
    refusals = sum(len(REFUSAL.findall(path.read_text())) for path in (ROOT / "Sources").rglob("*.swift"))
    faults = [] if declared == refusals else [f"{declared} refusals are declared, and {refusals} understood"]
    if not PAGE.exists() or PAGE.read_text() != page(codes):
        faults.append("docs/errors.md is not what the sources say: scripts/errors.py write")
    bare = [code for code, (_, _, cause) in sorted(codes.items()) if not cause]
    if bare:
        faults.append(f"the refusals have no comment that says when they are thrown: {', '.join(bare)}")
    tests = "".join(path.read_text() for path in (ROOT / "Tests").rglob("*.swift"))
    unmet = [code for code in sorted(codes) if f'"{code}"' not in tests and code not in UNTESTED]
    # Pure tests name a refusal by its constant.
    constants = dict(re.findall(r"static let (\w+)\b[^\"]*?\"(\w+)\"", "".join(p.read_text() for p in (ROOT / "Sources").rglob("*.swift"))))
    names = {code: name for name, code in constants.items()}
    unmet = [code for code in unmet if not re.search(rf"\.{names.get(code, '-')}\b", tests)]
    if unmet:
        faults.append(f"no test meets {', '.join(unmet)}")
    for fault in faults:
        print(fault)
    raise SystemExit(1 if faults else 0)
