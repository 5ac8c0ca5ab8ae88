#!/usr/bin/env bash
# What the package comment says about backout, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" backout
# with nobody there the phasing is stopped all the same
exits 3 "$dir/backout" -lab "$lab" -journal "$dir/j"
newest ubuntu-touch/stable/meizu.en arale '  0 %'
exits 0 "$dir/backout" -lab "$lab" -journal "$dir/j" -yes -announce "(echo \"\$SUBJECT\"; cat) >'$dir/mail'"
grep -q 'Update withdrawn' "$dir/mail" || fail "nothing was announced"
grep -q 'meizu.en for arale: image 3' "$dir/mail" || fail "the announcement does not say what is offered"
newest ubuntu-touch/stable/meizu.en arale 'full 3         100 %'
grep -q '^\*/5 .*import-images' "$lab/crontab" || fail "the importer is not back"
exits 2 "$dir/backout" -lab "$lab" ubuntu-touch/stable/meizu.en
echo "backout: as described"
