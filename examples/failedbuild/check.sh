#!/usr/bin/env bash
# What the package comment says about failedbuild, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" failedbuild
logs=cdimage/testdata
log=$logs/cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-20160906
livefs=$(ls $logs/livefs/vivid-i386-unmet.txt*)
exits 1 "$dir/failedbuild" -lab "$lab"
says 'ERROR 404'
says 'can import ubuntu-touch-custom-armhf'
tree >"$dir/before"
exits 1 "$dir/failedbuild" -lab "$lab" -project ubuntu-touch -json
says '"class": "dependency"'
tree >"$dir/after"
cmp "$dir/before" "$dir/after" || fail "it changed the lab"
exits 0 "$dir/failedbuild" -log "$log.log"
exits 1 "$dir/failedbuild" -log "$log.1.log" -livefs "$livefs" -json
says '"package": "ubuntu-touch"'
# the standard input, plain and packed
status=0; "$dir/failedbuild" -log - <"$log.1.log" >"$dir/out" || status=$?
[ $status = 1 ] || fail "plain log on standard input: $status"
status=0; gzip -c "$log.1.log" | "$dir/failedbuild" -log - >"$dir/packed" || status=$?
[ $status = 1 ] || fail "packed log on standard input: $status"
cmp "$dir/out" "$dir/packed" || fail "plain and packed differ"
exits 2 "$dir/failedbuild" -lab "$lab" -id 20010101
exits 2 "$dir/failedbuild" -log "$dir/absent"
exits 2 "$dir/failedbuild" -nonsense
echo "failedbuild: as described"
