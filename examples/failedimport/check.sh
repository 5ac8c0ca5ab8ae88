#!/usr/bin/env bash
# What the README says about failedimport, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" failedimport

# a saved log needs no server
cat >"$dir/log" <<'LOG'
2026-11-22 09:58:01,577 INFO Processing channel: ubuntu-touch/rc-proposed/bq-aquaris.en
2026-11-22 09:58:01,577 INFO Processing device: krillin
2026-11-22 09:58:02,000 INFO Calling 'http' generator for a new file
2026-11-22 09:58:02,117 ERROR HTTP Error 404: File not found
2026-11-22 09:58:02,122 ERROR Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
2026-11-22 09:58:02,122 INFO No image will be produced because the 'http' generator returned None
2026-11-22 09:58:02,123 INFO Syncing any existing alias
2026-11-22 09:58:02,200 INFO Removing orphaned files from the pool
2026-11-22 09:58:02,300 INFO Triggering a mirror sync
LOG
exits 1 "$dir/failedimport" -log "$dir/log" -device krillin
says 'HTTP Error 404: File not found; Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz'
says '> line 5: 2026-11-22 09:58:02,122 ERROR Failed to retrieve url'
says 'Remedy: the file is not at this address'
exits 0 "$dir/failedimport" -log "$dir/log" -device arale
exits 1 "$dir/failedimport" -log "$dir/log" -json
says '"verdict": "cause found"'
exits 1 "$dir/failedimport" -log - # empty: it cannot be told
says 'does not tell'
exits 2 "$dir/failedimport" -log "$dir/absent"
exits 2 "$dir/failedimport" -nonsense
exits 2 "$dir/failedimport" -log "$dir/log" -run
exits 2 "$dir/failedimport" -log "$dir/log" -journal "$dir/none"
exits 2 "$dir/failedimport" ubuntu-touch/rc-proposed/meizu.en

# the lab, where nothing is wrong; looking changes nothing
channel=ubuntu-touch/rc-proposed/bq-aquaris.en
newest $channel krillin 'full 3 '
tree >"$dir/before"
exits 0 "$dir/failedimport" -lab "$lab"
exits 0 "$dir/failedimport" -lab "$lab" -channel $channel -device krillin
says 'nothing wrong'
exits 0 "$dir/failedimport" -lab "$lab" -channel $channel -run -plan
says 'ask        Run the importer by hand now'
tree >"$dir/after"
cmp "$dir/before" "$dir/after" || fail "looking changed the lab"

# a misspelt type, told with the line and the edit
sed -i "/^\[channel_${channel//\//\\/}\]/,/^type/s/^type = auto/type = atuo/" "$lab/etc/config"
exits 1 "$dir/failedimport" -lab "$lab" -channel $channel
says 'type = atuo'
exits 1 "$dir/failedimport" -lab "$lab" -channel $channel -json
says '"about": "configuration"'
sed -i 's/^type = atuo/type = auto/' "$lab/etc/config"

# a new build is due; the run by hand is asked for first, and gives the importer back
build=$lab/sources/jenkins.example.net/krillin/device_krillin.build
echo 20150619-6c0ffee >"$build"
exits 1 "$dir/failedimport" -lab "$lab" -channel $channel -device krillin
says 'the monitor says device=20150619-6c0ffee'
exits 3 "$dir/failedimport" -lab "$lab" -channel $channel -device krillin -run -journal "$dir/j"
newest $channel krillin 'full 3 '
exits 0 "$dir/failedimport" -lab "$lab" -channel $channel -device krillin -run -journal "$dir/j" -yes
says 'for krillin: published, version 4'
newest $channel krillin 'full 4 '
grep -q '^\*/5 .*import-images' "$lab/crontab" || fail "the importer is not back"
exits 0 "$dir/failedimport" -lab "$lab" -channel $channel -device krillin

says 'the newest image for krillin is 4'

# looking is written down as well, and -status ends as the run did
exits 0 "$dir/failedimport" -lab "$lab" -channel $channel -device krillin -journal "$dir/well"
exits 0 "$dir/failedimport" -lab "$lab" -channel $channel -device krillin -status -journal "$dir/well"

# commented out by hand
sed -i 's/^\*\/5/#*\/5/' "$lab/crontab"
exits 1 "$dir/failedimport" -lab "$lab" -channel $channel
says 'commented out by hand'
exits 1 "$dir/failedimport" -lab "$lab" -channel $channel -journal "$dir/cause"
says 'commented out by hand'
exits 1 "$dir/failedimport" -lab "$lab" -channel $channel -status -journal "$dir/cause"
says 'cause found'
sed -i 's/^#\*\/5/*\/5/' "$lab/crontab"
exits 1 "$dir/failedimport" -lab "$lab" -channel $channel -journal "$dir/cause" # what was seen then
exits 0 "$dir/failedimport" -lab "$lab" -channel $channel
echo "failedimport: as described"
