#!/usr/bin/env bash
# What the README says about copyrc, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" copyrc
newest ubuntu-touch/rc/meizu.en arale 'full 1 '
tree >"$dir/before"
exits 0 "$dir/copyrc" -lab "$lab" -plan
tree >"$dir/after"
cmp "$dir/before" "$dir/after" || fail "-plan changed the lab"

exits 0 "$dir/copyrc" -lab "$lab" -journal "$dir/j"
says 'ubuntu-touch/rc/meizu.en for arale is now image 2, tag OTA-13-rc, at 100 %: image 101 of ubuntu-touch/rc-proposed/meizu.en'
newest ubuntu-touch/rc/meizu.en arale 'tag=OTA-13-rc,'
grep -q '^\*/5 .*import-images' "$lab/crontab" || fail "the importer is not back"
exits 0 "$dir/copyrc" -status -journal "$dir/j"

# once more, with a new journal: everything is done already
exits 0 "$dir/copyrc" -lab "$lab" -journal "$dir/second"
# another tag for the same content is another program's job
exits 1 "$dir/copyrc" -lab "$lab" -journal "$dir/third" -tag OTA-14-rc
says tag-image

# nobody reads to the end: the run goes on; a closed terminal ends it in good order
newlab() { rm -rf "$lab"; exits 0 "$dir/imageinfo" -lab "$lab"; }
newlab
"$dir/copyrc" -lab "$lab" -journal "$dir/unread" </dev/null 2>/dev/null | head -n 1 >/dev/null
exits 0 "$dir/copyrc" -status -journal "$dir/unread"
newlab
"$dir/copyrc" -lab "$lab" -journal "$dir/hangup" </dev/null >/dev/null 2>&1 & run=$!
until grep -qs '"acquired"' "$dir/hangup"; do sleep 0.05; done
kill -HUP "$run"; wait "$run" || true
grep -q '^\*/5 .*import-images' "$lab/crontab" || fail "the importer is not back after a hangup"
exits 0 "$dir/copyrc" -lab "$lab" -journal "$dir/hangup"

# a folder with blanks, and what the crontab and the shell would not take as it is
odd="$dir/it's a lab at 100%"
exits 0 "$dir/copyrc" -lab "$odd"
line=$(sed -n 's|^\*/5 \* \* \* \* ||p' "$odd/crontab")
sh -c "${line//\\%/%}" || fail "the importer's line does not run: $line"

exits 2 "$dir/copyrc" -nonsense
exits 2 "$dir/copyrc" -site "$dir/absent.conf" -tag T -plan
exits 2 "$dir/copyrc" -lab "$lab" ubuntu-touch/stable/meizu.en
echo garbage >"$dir/garbage"
exits 1 "$dir/copyrc" -lab "$lab" -journal "$dir/garbage"
echo "copyrc: as described"
