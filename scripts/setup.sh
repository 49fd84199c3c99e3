#!/usr/bin/env bash
# Installs what is missing, and only that: run it as often as you like.
#
#   scripts/setup.sh build   a Go toolchain and a C++ linker (what `make demo` needs)
#   scripts/setup.sh test    that, PostgreSQL's server, staticcheck and nats-server
#
# Debian packages come through apt (as root, or through sudo); Go programs go to
# .tools/bin and never into go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."

STATICCHECK=v0.8.2
tools=$PWD/.tools

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

apt_updated=
apt_install() {
	local sudo=
	command -v apt-get >/dev/null || die "$* is missing and this is not a Debian machine; install it by hand and run again."
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "$* is missing; run this once as root, or install it with apt-get install $*."
		sudo=sudo
	fi
	export DEBIAN_FRONTEND=noninteractive
	if [ -z "$apt_updated" ]; then
		say "apt-get update"
		$sudo apt-get -qq update
		apt_updated=yes
	fi
	say "apt-get install $*"
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# DuckDB is C++ inside a static library, so a C compiler alone cannot link it.
links_cxx() {
	local out
	out=$(mktemp) || return 1
	if printf 'int main(void){return 0;}' | "${CC:-cc}" -x c - -x none -lstdc++ -o "$out" 2>/dev/null; then
		rm -f "$out"
		return 0
	fi
	rm -f "$out"
	return 1
}

need_build() {
	command -v go >/dev/null || die "Go is missing; install Go 1.26 or newer (https://go.dev/doc/install) and run again."
	command -v git >/dev/null || apt_install git
	links_cxx || apt_install gcc g++ libc6-dev
	links_cxx || die "the C compiler ${CC:-cc} cannot link C++; install g++ and run again."
}

# A stamp holds version and toolchain: staticcheck must be as new as the Go it reads.
go_tool() { # NAME MODULE@VERSION
	local stamp=$tools/stamp/$1 want
	want="$2 $(go env GOVERSION)"
	if [ -x "$tools/bin/$1" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
		return
	fi
	say "go install $2"
	mkdir -p "$tools/bin" "$tools/stamp"
	GOFLAGS= GOBIN=$tools/bin go install "$2"
	printf '%s\n' "$want" >"$stamp"
}

need_test() {
	scripts/with-postgres.sh --find >/dev/null 2>&1 || apt_install postgresql
	scripts/with-postgres.sh --find >/dev/null || die "PostgreSQL was installed but initdb is not to be found."
	local nats
	nats=$(go list -m -f '{{.Version}}' github.com/nats-io/nats-server/v2) || die "go.mod names no nats-server."
	go_tool staticcheck "honnef.co/go/tools/cmd/staticcheck@$STATICCHECK"
	go_tool nats-server "github.com/nats-io/nats-server/v2@$nats"
}

case "${1:-}" in
build) need_build ;;
test)
	need_build
	need_test
	;;
*) die "say what for: scripts/setup.sh build or scripts/setup.sh test." ;;
esac
