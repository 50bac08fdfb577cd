#!/usr/bin/env python3
"""Compares what two builds answered to the same requests: transcripts.py BEFORE AFTER [AFTER_AGAIN ...]

Each folder was written by `VOORPRET_TRANSCRIPTS=folder scripts/test.sh`. Random texts (ids, tokens, codes) are
numbered in the order in which they first appear. A test whose transcripts of one build differ from run to run, because
requests race in it, is left out and counted.
"""

import os
import re
import sys
from collections import defaultdict

RANDOM = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b[A-Za-z0-9_-]{22,}={0,2}|\b[0-9a-f]{16,}\b|127\.0\.0\.1:[0-9]+|\b[0-9A-HJKMNP-TV-Z]{5}(?:-[0-9A-HJKMNP-TV-Z]{5})+\b",
    re.I,
)


def plain(path):
    names = {}
    with open(path, encoding="utf-8", errors="replace") as file:
        test = file.readline().strip()
        text = RANDOM.sub(lambda found: f"#{names.setdefault(found.group().lower(), len(names))}", file.read())
    return test, text


def folder(name):
    tests = defaultdict(list)
    for file in os.listdir(name):
        test, text = plain(os.path.join(name, file))
        tests[test].append(text)
    return {test: sorted(texts) for test, texts in tests.items()}


def main(before, *afters):
    old, new = folder(before), [folder(after) for after in afters]
    same = differ = steady = 0
    requests = 0
    for test, texts in sorted(old.items()):
        runs = [run.get(test) for run in new]
        if any(run == texts for run in runs):
            same += 1
            requests += sum(text.count("\n> ") // 2 + 1 for text in texts)
        elif None in runs:
            print(f"gone: {test}")
        else:
            differ += 1
            print(f"differs: {test}")
            for left, right in zip("\n".join(texts).split("\n"), "\n".join(runs[0]).split("\n")):
                if left != right:
                    print(f"    - {left[:300]}\n    + {right[:300]}")
                    break
    print(f"{same} tests answer alike ({requests} requests), {differ} differ, {len(old)} in all")


main(*sys.argv[1:])
