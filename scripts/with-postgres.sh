#!/usr/bin/env bash
# Runs a command with a PostgreSQL server of its own:
#
#   scripts/with-postgres.sh go test ./internal/state/...
#   scripts/with-postgres.sh --find      prints the folder of PostgreSQL's programs
#
# The cluster lives in a temporary folder, listens on a loopback port and a unix
# socket with a password, keeps fsync on, and is removed whatever happens to the command.
# Its address is in PARLEY_TEST_POSTGRES; if that is set already, it is used as it is.
set -euo pipefail

find_bin() {
	local dir
	for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn) $(dirname "$(command -v initdb || echo /none/x)"); do
		if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && [ -x "$dir/pg_ctl" ]; then
			printf '%s\n' "$dir"
			return
		fi
	done
	echo "with-postgres: no PostgreSQL server here; run scripts/setup.sh test." >&2
	return 1
}

if [ $# = 0 ]; then
	echo "with-postgres: say which command to run." >&2
	exit 2
fi
if [ "$1" = --find ]; then
	find_bin
	exit
fi
if [ -n "${PARLEY_TEST_POSTGRES:-}" ]; then
	exec "$@"
fi

bin=$(find_bin)
# A short path: a unix socket's name may have 107 bytes.
dir=$(mktemp -d /tmp/parley-pg.XXXXXX)
log=$dir/server.log

# PostgreSQL refuses to run as root, so root lends it the package's own user.
as_owner() { "$@"; }
if [ "$(id -u)" = 0 ]; then
	as_owner() { (cd / && runuser -u postgres -- "$@"); }
fi

cleanup() {
	trap '' INT TERM HUP
	if [ -s "$dir/data/postmaster.pid" ]; then
		as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 30 stop >/dev/null 2>&1 || true
	fi
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s\n' "$password" >"$dir/password"
if [ "$(id -u)" = 0 ]; then
	chown -R postgres "$dir"
fi

as_owner "$bin/initdb" -D "$dir/data" -U parley --pwfile="$dir/password" --auth=scram-sha-256 \
	--encoding=UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1 || {
	cat "$dir/initdb.log" >&2
	exit 1
}

# A free port cannot be reserved, only tried.
port=
for _ in 1 2 3 4 5 6 7 8 9 10; do
	try=$((15000 + RANDOM % 16000))
	if as_owner "$bin/pg_ctl" -D "$dir/data" -l "$log" -w -t 60 start \
		-o "-p $try -k $dir -c listen_addresses=127.0.0.1 -c max_connections=200" >/dev/null 2>&1; then
		port=$try
		break
	fi
done
if [ -z "$port" ]; then
	cat "$log" >&2
	echo "with-postgres: the server did not start." >&2
	exit 1
fi
PGPASSWORD=$password "$bin/createdb" -h 127.0.0.1 -p "$port" -U parley parley

export PARLEY_TEST_POSTGRES="postgres://parley:$password@127.0.0.1:$port/parley?sslmode=disable"
status=0
"$@" || status=$?
exit "$status"
