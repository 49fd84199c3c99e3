#!/usr/bin/env bash
# Runs every fuzz target of the module for a while each: scripts/fuzz.sh 5s
#
# A failing input is written to the package's testdata/fuzz and fails the run; commit it
# with the fix, and every later `go test` replays it.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzztime=${1:-5s}

# Only packages that have a target: listing targets builds the test.
dirs=$({ git grep -l --untracked '^func Fuzz' -- '*_test.go' || [ $? = 1 ]; } | xargs -r -n1 dirname | sort -u)
if [ -z "$dirs" ]; then
	echo "fuzz: no targets yet"
	exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() { # PACKAGE TARGET
	go test -run '^$' -fuzz "^$2\$" -fuzztime "$fuzztime" -fuzzminimizetime 5s -parallel 2 -timeout 10m "./$1" >"$log" 2>&1
}

# Go before 1.27 may end a fuzz run with a bare "context deadline exceeded" when the time is
# up (go.dev/issue/75804). That finds nothing, so it is worth one more try; a finding is not.
only_the_deadline() {
	grep -q 'context deadline exceeded' "$log" && ! grep -Eq 'Failing input|panic:|_test\.go:[0-9]+:' "$log"
}

count=0
for dir in $dirs; do
	listed=$(go test -list '^Fuzz' "./$dir") || {
		printf '%s\n' "$listed"
		exit 1
	}
	for target in $(grep '^Fuzz' <<<"$listed" || true); do
		if ! run "$dir" "$target" && ! { only_the_deadline && run "$dir" "$target"; }; then
			echo "fuzz: $dir $target FAILED"
			cat "$log"
			exit 1
		fi
		printf 'fuzz: %s %s: %s\n' "$dir" "$target" "$(grep '^fuzz: elapsed' "$log" | tail -1 | sed 's/^fuzz: elapsed: //')"
		count=$((count + 1))
	done
done
echo "fuzz: $count targets held for $fuzztime each"
