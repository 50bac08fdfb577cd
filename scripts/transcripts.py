#!/usr/bin/env python3
"""Compares what two builds answered to the same requests: transcripts.py BEFORE AFTER [AFTER_AGAIN ...]

Each folder was written by `VOORPRET_TRANSCRIPTS=folder scripts/test.sh`. Random texts (ids, tokens, codes) are
numbered in the order in which they first appear, and lists are compared as sets. A test whose transcripts of one build differ from run to run, because
requests race in it, is left out and counted.
"""

import json
import os
import re
import sys
from collections import defaultdict

RANDOM = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<=[\":])[A-Za-z0-9+/_-]{22,}={0,2}|\b[A-Za-z0-9_-]{22,}={0,2}|\b[0-9a-f]{16,}\b|127\.0\.0\.1:[0-9]+"
    r"|(?-i:\b(?:[0-9A-Z]{4,5}-)+[0-9A-Z]{4,5}\b)|content-length: [0-9]+|etag: \S+|DTSTAMP:\w+|park-[0-9a-f]{8}"
    r'|(?-i:(?<="code": ")[0-9A-Z]{8}(?="))',
    re.I,
)


def plain(path):
    names = {}
    with open(path, encoding="utf-8", errors="replace") as file:
        test = file.readline().strip()
        lines = [ordered(line) for line in file]
        text = RANDOM.sub(lambda found: f"#{names.setdefault(found.group().lower(), len(names))}", "".join(lines))
    return test, text


def ordered(line):
    """Rows may come in the order of ids that are random, so lists and lines are compared as sets."""
    rows = [sort(row) for row in line.rstrip("\n").split("\\n")]
    return "\\n".join(sorted(rows, key=lambda row: RANDOM.sub("#", row))) + "\n"


def sort(row):
    mark, body = (row[:2], row[2:]) if row[:2] in ("< ", "> ") else ("", row)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return row

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return sorted((plain(item) for item in value), key=lambda item: RANDOM.sub("#", json.dumps(item)))
        return value

    return mark + json.dumps(plain(value), ensure_ascii=False)


def folder(name):
    tests = defaultdict(list)
    for file in os.listdir(name):
        test, text = plain(os.path.join(name, file))
        tests[test].append(text)
    return {test: sorted(texts) for test, texts in tests.items()}


def main(before, *afters):
    old, new = folder(before), [folder(after) for after in afters]
    same = differ = unordered = 0

    def blank(texts):
        return sorted(re.sub(r"#[0-9]+", "#", text) for text in texts)

    for test, texts in sorted(old.items()):
        runs = [run.get(test) for run in new]
        if any(run == texts for run in runs):
            same += 1
        elif any(run and blank(run) == blank(texts) for run in runs):
            same += 1
            unordered += 1
        elif None in runs:
            print(f"gone: {test}")
        else:
            differ += 1
            print(f"differs: {test}")
            for left, right in zip("\n".join(texts).split("\n"), "\n".join(runs[0]).split("\n")):
                if left != right:
                    at = max(0, len(os.path.commonprefix([left, right])) - 60)
                    print(f"    - {left[at:at + 160]}\n    + {right[at:at + 160]}")
                    break
    requests = sum(text.count("\n> ") // 2 + 1 for texts in old.values() for text in texts)
    print(f"{same} tests answer alike ({unordered} but for which random id is which), {differ} differ, of {len(old)} tests "
          f"with {requests} requests")


main(*sys.argv[1:])
