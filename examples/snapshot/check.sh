#!/usr/bin/env bash
# What the package comment says about snapshot, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" snapshot
exits 0 "$dir/snapshot" -lab "$lab" -plan
exits 3 "$dir/snapshot" -lab "$lab" -journal "$dir/j" -manifest "$dir/m"
says 'Copy these 3 packages from ppa:landing-team/overlay to ppa:landing-team/snapshot?'
exits 0 "$dir/snapshot" -lab "$lab" -journal "$dir/j" -manifest "$dir/m" -yes
says 'holds all 3 packages'
grep -q '"name": "unity8"' "$dir/m" || fail "the manifest does not name unity8"
# replayed into another PPA, with a new journal
exits 0 "$dir/snapshot" -lab "$lab" -journal "$dir/k" -replay "$dir/m" -yes ppa:landing-team/overlay ppa:landing-team/again vivid
# compared with a smaller one
exits 0 "$dir/snapshot" -lab "$lab" -journal "$dir/s" -manifest "$dir/small" -names 'ubuntu-*' -yes
exits 0 "$dir/snapshot" -compare "$dir/small" "$dir/m"
says 'new     unity8 8.12'
exits 0 "$dir/snapshot" -compare "$dir/m" "$dir/m"
says 'no change: both hold the same 3 packages'
exits 2 "$dir/snapshot" -compare "$dir/m" "$dir/j"
exits 2 "$dir/snapshot" -compare "$dir/m"
exits 2 "$dir/snapshot" -lab "$lab" ppa:landing-team/overlay
exits 2 "$dir/snapshot" -lab "$lab" -replay "$dir/j"
echo "snapshot: as described"
