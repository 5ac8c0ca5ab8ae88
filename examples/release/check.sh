#!/usr/bin/env bash
# What the package comment says about release, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" release
exits 3 "$dir/release" -lab "$lab" -journal "$dir/j"
says 'Release these 3 images as OTA-5?'
newest ubuntu-touch/stable/meizu.en arale 'full 1 '
tree >"$dir/before"
exits 0 "$dir/release" -lab "$lab" -plan
tree >"$dir/after"
cmp "$dir/before" "$dir/after" || fail "-plan changed the lab"
exits 0 "$dir/release" -lab "$lab" -journal "$dir/j" -yes
newest ubuntu-touch/stable/meizu.en arale 'full 2         100 %'
newest ubuntu-touch/ubuntu-15.04/bq-aquaris.en krillin 'tag=OTA-5,' # its alias follows
grep -q '^\*/5 .*import-images' "$lab/crontab" || fail "the importer is not back"
exits 2 "$dir/release" -lab "$lab" -schedule 'soon'
echo "release: as described"
