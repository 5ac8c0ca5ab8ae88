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
echo "failedimport: as described"
