"""docs/errors.md and the codes in openapi.yaml, made from the refusals in the sources.

errors.py write    writes both
errors.py check    ends with 1 where one of them is not what the sources say, or where a code appears in no test
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parent.parent
PAGE = ROOT / "docs/errors.md"
OPENAPI = ROOT / "openapi.yaml"
STATUS = {
    "notFound": 404, "forbidden": 403, "unauthenticated": 401, "conflict": 409, "invalid": 400, "tooMany": 429,
    "badRequest": 400, "serviceUnavailable": 503, "internalServerError": 500, "contentTooLarge": 413, "uriTooLong": 414,
    "requestHeaderFieldsTooLarge": 431, "methodNotAllowed": 405, "unsupportedMediaType": 415, "preconditionFailed": 412,
    "preconditionRequired": 428, "unprocessableContent": 422,
}
# Only two requests at the same instant meet them.
UNTESTED = {"token_busy"}
COMMENT = r"(?P<comment>(?:^[ ]*///.*\n)*)"
TEXT = r'en:\s*(?P<text>"(?:[^"\\]|\\.)*")'
REFUSAL = re.compile(COMMENT + r"^[ ]*(?:public |return |static |let |\w+ = )*.*Refusal\(\s*\.(?P<kind>\w+)[^,]*,\s*\"(?P<code>\w+)\",\s*" + TEXT, re.M)
PROBLEM = re.compile(COMMENT + r"^.*Problem\(\s*status: \.(?P<kind>\w+),\s*code: \"(?P<code>\w+)\",\s*detail: LocalizedText\(\s*" + TEXT, re.M)


def found():
    """What the sources say, by code."""
    codes = {}
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        text = path.read_text()
        for pattern in (REFUSAL, PROBLEM):
            for match in pattern.finditer(text):
                comment = " ".join(line.strip(" /") for line in match["comment"].splitlines())
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


def document(codes):
    """openapi.yaml with the codes as the values of a problem's `code`."""
    lines = "".join(f"          - {code}\n" for code in sorted(codes))
    head = "        code:\n          type: string\n          description: Stable; more may come.\n          enum:\n"
    return re.sub(r"^        code:.*?(?=^        retryable:)", lambda _: head + lines, OPENAPI.read_text(), count=1, flags=re.M | re.S)


codes = found()
if sys.argv[1] == "write":
    PAGE.write_text(page(codes))
    OPENAPI.write_text(document(codes))
else:
    declared = sum(len(re.findall(r"\bRefusal\(\s*\.", path.read_text())) for path in (ROOT / "Sources").rglob("*.swift"))
    refusals = sum(len(REFUSAL.findall(path.read_text())) for path in (ROOT / "Sources").rglob("*.swift"))
    faults = [] if declared == refusals else [f"{declared} refusals are declared, and {refusals} understood"]
    if not PAGE.exists() or PAGE.read_text() != page(codes):
        faults.append("docs/errors.md is not what the sources say: scripts/errors.py write")
    if OPENAPI.read_text() != document(codes):
        faults.append("openapi.yaml has other codes than the sources: scripts/errors.py write")
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
