#!/usr/bin/env bash
# What the package comment says about republish, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" republish
builds() { (cd "$lab/builder/log/$1/vivid" && ls | wc -l); }
exits 0 "$dir/imageinfo" -lab "$lab"
tree >"$dir/before"
exits 0 "$dir/republish" -lab "$lab" -plan
says 'do         publish ubuntu-touch-custom/vivid daily-preinstalled again'
tree >"$dir/after"
cmp "$dir/before" "$dir/after" || fail "-plan changed the lab"
[ "$(builds ubuntu-touch-custom)" = 2 ] || fail "the lab begins with two builds"

exits 0 "$dir/republish" -lab "$lab" -journal "$dir/j"
says '.1 is published, complete'
[ "$(builds ubuntu-touch-custom)" = 3 ] || fail "not one build more"
exits 0 "$dir/republish" -status -journal "$dir/j"
# once more, with the journal and without: nothing is left to be done
exits 0 "$dir/republish" -lab "$lab" -journal "$dir/j"
exits 0 "$dir/republish" -lab "$lab"
says 'nothing to publish again'
[ "$(builds ubuntu-touch-custom)" = 3 ] || fail "built again"

# a live file system failed: it cannot be published around
exits 3 "$dir/republish" -lab "$lab" -journal "$dir/k" -project ubuntu-touch
says 'ubuntu-touch-i386 has no good build of this run'
says 'for-project ubuntu-touch cron.daily-preinstalled --live'
[ "$(builds ubuntu-touch)" = 2 ] || fail "built although nobody agreed"
exits 0 "$dir/republish" -lab "$lab" -journal "$dir/k" -project ubuntu-touch -yes
[ "$(builds ubuntu-touch)" = 3 ] || fail "not built anew"
exits 0 "$dir/republish" -lab "$lab" -full -ppa ci-train-ppa-service/stable-snapshot:1001 -arches armhf,i386
says 'EXTRA_PPAS=ci-train-ppa-service/stable-snapshot:1001'
[ "$(builds ubuntu-touch-custom)" = 4 ] || fail "-full did not build"

# killed while a slow build runs: the build goes on, and is found again
printf '{"Today": true, "Pause": 50000000}' >"$lab/builder/etc/.knobs.json"
"$dir/republish" -lab "$lab" -journal "$dir/l" -full >"$dir/out" 2>&1 </dev/null &
pid=$!
for _ in $(seq 600); do [ "$(builds ubuntu-touch-custom)" = 5 ] && break; sleep 0.05; done
kill -9 $pid || fail "it ended too early"
wait $pid 2>/dev/null || true
exits 0 "$dir/republish" -lab "$lab" -journal "$dir/l" -full
says 'is published, complete'
[ "$(builds ubuntu-touch-custom)" = 5 ] || fail "the killed build was begun again"

exits 1 "$dir/republish" -lab "$lab" -id 20010101
exits 2 "$dir/republish" -lab "$lab" -full -id 20010101
exits 2 "$dir/republish" -lab "$lab" -ppa nonsense
exits 2 "$dir/republish" -lab "$lab" something
printf '[cdimage]\nlogs = http://localhost/\nproject = p\nseries = s\n' >"$dir/site.conf"
exits 2 "$dir/republish" -site "$dir/site.conf" -plan
says 'the image host is needed'
echo "republish: as described"
