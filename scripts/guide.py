#!/usr/bin/env python3
"""Runs every block of commands of docs/api.md, word for word and in order, in one shell: guide.py BASE STATE

The first command that fails ends it with the block.
"""

import os
import pathlib
import re
import subprocess
import sys

base, state = sys.argv[1:]
page = pathlib.Path(__file__).parent.parent / "docs" / "api.md"
blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.M | re.S)
script = "set -euo pipefail\n"
for number, block in enumerate(blocks, 1):
    script += f"trap 'echo block {number} of docs/api.md failed at: $BASH_COMMAND >&2' ERR\n{block}"
done = subprocess.run(["bash", "-c", script], env=os.environ | {"base": base, "state": state}, stdout=subprocess.PIPE)
if done.returncode:
    sys.exit(done.stdout.decode())
print(f"{len(blocks)} blocks of docs/api.md ran")
