#!/usr/bin/env bash
# Fails when `make generate` would change anything: then a generated file was not
# committed, or was edited by hand. Work in progress elsewhere in the tree is no matter.
set -euo pipefail
cd "$(dirname "$0")/.."

git rev-parse --is-inside-work-tree >/dev/null || {
	echo "check-generated: this is no git work tree; clone the repository." >&2
	exit 1
}
# Contents of all that git tracks or would track, one hash and name a line.
state() { git ls-files -co --exclude-standard -z | xargs -0r sha256sum 2>/dev/null | sort -k2; }

before=$(state) || true
"${MAKE:-make}" --no-print-directory generate
after=$(state) || true
if [ "$before" != "$after" ]; then
	echo "check-generated: these files are not what 'make generate' makes of the sources; commit them as they are now:" >&2
	diff <(printf '%s\n' "$before") <(printf '%s\n' "$after") | sed -n 's/^[<>] [0-9a-f]* */  /p' | sort -u >&2
	exit 1
fi
