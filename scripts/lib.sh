# Shared by the scripts beside it: where things are, and how to speak to the person who started us.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state="$root/.voorpret"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf 'voorpret: %s\n' "$*" >&2; exit 1; }

# Runs as root where we are not.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        die "this needs root: $* (sudo is not installed; run it as root yourself)"
    fi
}

# Whether somebody listens on a port of this machine.
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The folder with initdb and postgres: the newest that is installed.
postgres_bin() {
    local dir
    for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn) \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
        if [ -x "$dir/initdb" ]; then echo "$dir"; return; fi
    done
    if command -v initdb >/dev/null; then dirname "$(command -v initdb)"; return; fi
    return 1
}
