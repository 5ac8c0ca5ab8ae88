#!/usr/bin/env bash
# What the package comment says about checktree, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" checktree
exits 0 "$dir/checktree" -lab "$lab" -unpack
says 'full 1: is at 30 %'
! grep -q '^error' "$dir/out" || fail "the lab's tree is broken"
exits 0 "$dir/checktree" -lab "$lab" -rotate
says 'Nothing has to be signed again.'
rm "$lab/www/ubuntu-touch/stable/meizu.en/arale/index.json"
exits 1 "$dir/checktree" -lab "$lab"
says 'ubuntu-touch/stable/meizu.en arale'
exits 1 "$dir/checktree" -lab "$lab" -json
says '"class": "missing-index"'
exits 2 "$dir/checktree" -lab "$lab" something
echo "checktree: as described"
