#!/usr/bin/env bash
# Forgets the data of `make run`; the build stays.
. "$(dirname "$0")/lib.sh"
"$root/scripts/cluster.sh" remove durable
rm -rf "$state/mail" "$state/secret" "$state"/secret.* "$state"/payments.sqlite*
say "Gone. The next make run starts over."
