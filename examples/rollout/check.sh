#!/usr/bin/env bash
# What the package comment says about rollout, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" rollout
target=ubuntu-touch/stable/meizu.en:arale:1
newest ubuntu-touch/stable/meizu.en arale '30 %'
# nobody there to answer the question: pending, then gone on with
exits 3 "$dir/rollout" -lab "$lab" -journal "$dir/j" -schedule '1% 1s, 50% 1s ask, 100%' $target
says 'from 50% to 100%'
newest ubuntu-touch/stable/meizu.en arale '50 %'
exits 3 "$dir/rollout" -status -journal "$dir/j"
exits 0 "$dir/rollout" -lab "$lab" -journal "$dir/j" -schedule '1% 1s, 50% 1s ask, 100%' -yes $target
newest ubuntu-touch/stable/meizu.en arale '100 %'
[ -e "$lab/phased-state/done" ] || fail "no stop file at the end"
# another input with the same journal is refused
exits 1 "$dir/rollout" -lab "$lab" -journal "$dir/j" -schedule '100%' $target
exits 2 "$dir/rollout" -lab "$lab" -schedule '50%, 10%' $target
exits 2 "$dir/rollout" -lab "$lab" ubuntu-touch/stable/meizu.en:arale
# a bad health signal halts at 0 %
rm "$lab/phased-state/done"
exits 3 "$dir/rollout" -lab "$lab" -journal "$dir/k" -health 'echo reboots; false' -schedule '50% 1s, 100%' $target
says reboots
newest ubuntu-touch/stable/meizu.en arale '  0 %'
echo "rollout: as described"
