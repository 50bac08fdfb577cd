#!/usr/bin/env bash
# A Python of our own for tools from PyPI:  venv.sh [PACKAGE==VERSION ...]
. "$(dirname "$0")/lib.sh"
if [ ! -x "$state/venv/bin/pip" ]; then
    mkdir -p "$state"
    python3 -m venv "$state/venv"
fi
if [ $# -gt 0 ]; then "$state/venv/bin/pip" install -q "$@"; fi
