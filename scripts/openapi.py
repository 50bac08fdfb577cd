#!/usr/bin/env python3
"""openapi.yaml, put together from the parts in openapi/.

openapi.py write          writes it
openapi.py check          ends with 1 where it is not what the parts say
openapi.py met FOLDER     says which codes of which operations no test has met (scripts/test.sh with VOORPRET_MET)

A part has the operations and schemas of one feature, in YAML with these abbreviations, which are written out here:

- `problems: [400, 404]`, below `responses:`, are the answers that the frame gives; `document.yaml` has their codes.
- `codes: [cottage_taken]`, below it, are the refusals of the operation itself; docs/errors.md has their statuses.
- A name in the path that is not among the parameters is an id.
- `UUID`, `DATE` and `TIME` are schemas of text; `LINE` and `LINES` are patterns of text that is not blank.
- An operation whose `x-authz` is not `anyone` wants a token.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = ROOT / "openapi"
DOCUMENT = ROOT / "openapi.yaml"
SHORT = {
    "UUID": "{type: string, format: uuid, pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'}",
    "DATE": "{type: string, format: date, pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'}",
    "TIME": "{type: string, pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$'}",
    "LINE": r"'^[^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*[^\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8][^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*$'",
    "LINES": r"'^[^\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]*[^\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8][^\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]*$'",
}
STATUS = {code: int(status) for code, status in re.findall(r"^\| `(\w+)` \| (\d+)", (ROOT / "docs/errors.md").read_text(), re.M)}


class Fault(Exception):
    pass


def written_out(line):
    return re.sub(r"(?<=: )(UUID|DATE|TIME|LINES?)(?=[,}]|$)", lambda found: SHORT[found[1]], line)


def listed(line):
    return re.findall(r"\w+", line.partition(": ")[2])


def problems(statuses, codes, frame, name):
    """The responses of an operation for what can go wrong."""
    for code in codes:
        if code not in STATUS:
            raise Fault(f"{name}: docs/errors.md has no code {code}")
        if str(STATUS[code]) not in statuses:
            raise Fault(f"{name}: {code} has the status {STATUS[code]}, which is not among its problems")
    for status in statuses:
        own = [code for code in codes if str(STATUS[code]) == status]
        text, common = frame[status]
        if own:
            every = ", ".join(sorted({*common, *own}))
            schema = f"{{$ref: '#/components/schemas/Problem', properties: {{code: {{enum: [{every}]}}}}}}"
            yield f"        '{status}': {{description: {text}, content: {{application/problem+json: {{schema: {schema}}}}}}}"
        elif common:
            yield f"        '{status}': {{$ref: '#/components/responses/Problem{status}'}}"
        else:
            raise Fault(f"{name}: no code has the status {status}")


def operation(path, lines, frame):
    """The lines of an operation with its abbreviations written out."""
    name = re.search(r"operationId: (\w+)", "\n".join(lines))[1]
    declared = set(re.findall(r"- name: (\w+)\n\s+in: path", "\n".join(lines)))
    ids = [
        f"      - {{name: {found}, in: path, required: true, schema: UUID}}"
        for found in re.findall(r"\{(\w+)\}", path) if found not in declared
    ]
    statuses, codes, hasParameters = [], [], "      parameters:" in lines
    for line in lines:
        if line.startswith("        problems: "):
            statuses = listed(line)
            continue
        if line.startswith("        codes: "):
            codes = listed(line)
            continue
        if line in ("      requestBody:", "      responses:") and ids and not hasParameters:
            yield from ["      parameters:", *ids]
            hasParameters = True
        yield line
        if line == "      parameters:":
            yield from ids
        if line.startswith("      x-authz: ") and line != "      x-authz: [anyone]":
            yield from ["      security:", "      - token: []"]
    yield from problems(statuses, codes, frame, name)


def part(text, frame):
    """The paths and the schemas of a part, as they stand in the document."""
    paths, _, schemas = text.partition("schemas:\n")
    path, block, out = None, [], []

    def end():
        if block:
            out.extend(operation(path, block, frame))
            block.clear()

    for line in paths.splitlines()[1:]:
        if line.startswith("  /"):
            end()
            path = line.strip().rstrip(":")
            out.append(line)
        elif re.fullmatch(r"    \w+:", line):
            end()
            out.append(line)
        else:
            block.append(line)
    end()
    return out, ["  " + line for line in schemas.splitlines()]


def document():
    """The whole document."""
    head = (PARTS / "document.yaml").read_text()
    # What the frame may answer at every operation: by status, the sentence and the codes.
    frame = {
        status: (text, re.findall(r"\w+", re.search(r"enum: \[(.*?)\]", rest)[1]) if "enum: [" in rest else [])
        for status, text, rest in re.findall(r"^    Problem(\d+):\n      description: (.*)\n((?:      .*\n)*)", head, re.M)
    }
    paths, schemas, homes = [], [], {}
    for file in sorted(PARTS.glob("*.yaml")):
        if file.name == "document.yaml":
            continue
        its_paths, its_schemas = part(file.read_text(), frame)
        its_paths, its_schemas = ([written_out(line) for line in lines] for lines in (its_paths, its_schemas))
        for line in its_paths:
            # A path may have operations of several features.
            if line.startswith("  /"):
                block = homes.setdefault(line, [line])
            else:
                block.append(line)
        schemas += its_schemas
    for block in homes.values():
        paths += block
    codes = "\n".join(f"          - {code}" for code in sorted(STATUS))
    head = re.sub(r"(          description: Stable; more may come\.\n)", lambda found: found[1] + f"          enum:\n{codes}\n", head)
    top, _, bottom = head.partition("components:\n")
    return top + "paths:\n" + "\n".join(paths) + "\ncomponents:\n" + bottom + "\n".join(schemas) + "\n"


def met(folder):
    """Prints the codes that no test has met, by operation."""
    seen = {tuple(line.split()) for file in Path(folder).iterdir() for line in file.read_text().splitlines()}
    total = missed = 0
    for file in sorted(PARTS.glob("*.yaml")):
        for name, codes in re.findall(r"operationId: (\w+)\n(?:(?!.*operationId).*\n)*?        codes: \[(.*?)\]", file.read_text()):
            wanted = codes.split(", ")
            never = [code for code in wanted if (name, code) not in seen]
            total, missed = total + len(wanted), missed + len(never)
            if never:
                print(f"{name}: {', '.join(never)}")
    print(f"{total - missed} of {total} codes of operations were met")


try:
    if sys.argv[1] == "write":
        DOCUMENT.write_text(document())
    elif sys.argv[1] == "met":
        met(sys.argv[2])
    elif sys.argv[1] != "check":
        raise Fault(__doc__)
    elif DOCUMENT.read_text() != document():
        raise Fault("openapi.yaml is not what its parts say: scripts/openapi.py write")
except Fault as fault:
    raise SystemExit(str(fault))
