#!/usr/bin/env bash
# Installs what the build and the service need and this machine lacks; says so first.
. "$(dirname "$0")/lib.sh"

if ! command -v swift >/dev/null; then
    die "there is no Swift toolchain here. Get 6.2 or later from https://www.swift.org/install and run this again."
fi

if [ "$(uname)" = Darwin ]; then
    missing=()
    brew --prefix libpq >/dev/null 2>&1 || missing+=(libpq)
    brew --prefix vips >/dev/null 2>&1 || missing+=(vips)
    postgres_bin >/dev/null || missing+=(postgresql@17)
    if [ ${#missing[@]} -gt 0 ]; then
        say "Installing with Homebrew: ${missing[*]}"
        brew install "${missing[@]}"
    fi
else
    missing=()
    for package in libpq-dev libssl-dev libsqlite3-dev libvips-dev pkg-config make curl python3 python3-venv; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    postgres_bin >/dev/null || missing+=(postgresql)
    if [ ${#missing[@]} -gt 0 ]; then
        say "Installing with apt-get: ${missing[*]}"
        as_root apt-get update -qq
        # The distribution would start a cluster of its own; ours is private.
        if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
            as_root mkdir -p /etc/postgresql-common
            echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
        fi
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
    fi
fi
