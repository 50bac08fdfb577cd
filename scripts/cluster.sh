#!/usr/bin/env bash
# A private PostgreSQL cluster, reached over a Unix socket only.
#   cluster.sh start NAME    makes it if need be, starts it, prints its connection string
#   cluster.sh stop NAME     stops it
#   cluster.sh crash NAME    stops it as a power cut would
#   cluster.sh where NAME    prints the folder of its data
#   cluster.sh remove NAME   stops it and deletes its data
# `durable…` survives a power cut (fsync on); every other name is a throw-away cluster (fsync off).
. "$(dirname "$0")/lib.sh"

action=${1:-}
name=${2:-durable}
mark=$(printf '%s/%s' "$root" "$name" | cksum | cut -d' ' -f1)
sockets="/tmp/voorpret-$mark"
bin=$(postgres_bin) || die "PostgreSQL is not installed; run scripts/setup.sh"

# PostgreSQL refuses root, and its user may not be able to enter this folder: then its data lies in
# /var/lib and a link stands here.
link="$state/$name"
if [ "$(id -u)" = 0 ]; then
    data="/var/lib/voorpret-clusters/$mark"
    id postgres >/dev/null 2>&1 || die "there is no user postgres to run the cluster as"
    as_owner() { (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@"); }
    own() { mkdir -p "$@" && chown postgres: "$@" && chmod 700 "$@"; }
else
    data="$state/$name"
    as_owner() { "$@"; }
    own() { mkdir -p "$@" && chmod 700 "$@"; }
fi
url="postgresql:///voorpret?host=$sockets&user=voorpret"

running() { as_owner "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; }

stop() {
    if [ -e "$data/PG_VERSION" ] && running; then
        as_owner "$bin/pg_ctl" -D "$data" -m fast -w -t 60 stop >/dev/null
    fi
}

case "$action" in
start)
    mkdir -p "$state"
    own "$sockets"
    if [ ! -e "$data/PG_VERSION" ]; then
        [ "$(id -u)" = 0 ] && mkdir -p /var/lib/voorpret-clusters && chmod 755 /var/lib/voorpret-clusters
        own "$data"
        [ "$data" = "$link" ] || ln -sfn "$data" "$link"
        as_owner "$bin/initdb" -D "$data" -U voorpret --auth=trust --encoding=UTF8 --locale=C.UTF-8 >/dev/null
        {
            echo "listen_addresses = ''"
            echo "max_connections = 200"
            echo "shared_buffers = '256MB'"
            if [[ "$name" != durable* ]]; then
                # Many tests at once, each with a pool of its own.
                echo "max_connections = 1000"
                echo "fsync = off"
                echo "max_wal_size = '2GB'"
            fi
        } | as_owner tee -a "$data/postgresql.conf" >/dev/null
    fi
    if ! running; then
        # The server must not keep what our caller has open, or the caller waits for its end.
        for open in /dev/fd/*; do
            number=${open##*/}
            if [ "$number" -gt 2 ] && [ "$number" -lt 200 ]; then eval "exec $number>&-"; fi
        done
        as_owner "$bin/pg_ctl" -D "$data" -w -t 60 -l "$data/log" -o "-k '$sockets'" start >/dev/null ||
            die "PostgreSQL did not start; see $data/log"
    fi
    "$bin/createdb" -h "$sockets" -U voorpret voorpret 2>/dev/null || true
    echo "$url"
    ;;
stop) stop ;;
where) echo "$data" ;;
crash) as_owner "$bin/pg_ctl" -D "$data" -m immediate -w -t 60 stop >/dev/null ;;
remove)
    stop
    rm -rf "$data" "$link" "$sockets"
    ;;
*) die "usage: cluster.sh start|stop|crash|remove NAME" ;;
esac
