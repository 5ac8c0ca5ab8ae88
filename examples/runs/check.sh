#!/usr/bin/env bash
# What the package comment says about runs, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" runs
go build -o "$dir/backout" ./examples/backout
mkdir "$dir/empty"
exits 0 "$dir/runs" "$dir/empty"
says 'no runs here'
exits 3 "$dir/backout" -lab "$lab" -runs "$dir/runs.d"
exits 0 "$dir/runs" "$dir/runs.d"
says 'waits for an answer: The faulty images are offered to nobody any more.'
says 'owed   nothing'
exits 0 "$dir/runs" -json "$dir/runs.d"
says '"state":"waits for a person"'
exits 3 "$dir/backout" -lab "$lab" -runs "$dir/runs.d" # the same words go on
[ "$(ls "$dir/runs.d"/*.journal | wc -l)" = 1 ] || fail "the second start has another journal"
[ -z "$(find "$dir/runs.d" -type f -perm /077)" ] || fail "others may read what is private"
exits 2 "$dir/runs"
echo "runs: as described"
