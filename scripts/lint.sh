#!/usr/bin/env bash
# What needs no build: how the sources are laid out, what may call what, and whether every refusal is documented.
. "$(dirname "$0")/lib.sh"
cd "$root"
say "Format"
swift format lint --strict --recursive --configuration .swift-format Sources Tests Package.swift
say "Layering"
"$root/scripts/layering.sh"
say "Errors"
python3 "$root/scripts/errors.py" check
say "OpenAPI"
python3 "$root/scripts/openapi.py" check
