#!/usr/bin/env bash
# What the README says about copyrc, as a user would do it.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/copyrc" ./examples/copyrc
go build -o "$dir/imageinfo" ./examples/imageinfo
lab=$dir/lab journal=$dir/journal

fail() { echo "check: $*" >&2; exit 1; }
# exits STATUS COMMAND...: the command exits with that status
exits() {
  local want=$1 got=0; shift
  "$@" >"$dir/out" 2>&1 || got=$?
  [ "$got" = "$want" ] || { cat "$dir/out"; fail "$*: exit $got, want $want"; }
}
tree() { (cd "$lab" && find . -path ./.machine -prune -o -type f -print0 | sort -z | xargs -0 sha256sum); }

exits 0 "$dir/imageinfo" -lab "$lab" ubuntu-touch/rc/meizu.en arale
grep -q 'full 1 .*tag=OTA-4-rc' "$dir/out" || fail "imageinfo does not show image 1 of rc"

tree >"$dir/before"
exits 0 "$dir/copyrc" -lab "$lab" -plan
tree >"$dir/after"
cmp "$dir/before" "$dir/after" || fail "-plan changed the lab"

exits 0 "$dir/copyrc" -lab "$lab" -journal "$journal"
grep -q 'ubuntu-touch/rc/meizu.en for arale is now image 2, tag OTA-13-rc, at 100 %: image 101 of ubuntu-touch/rc-proposed/meizu.en' "$dir/out" ||
  fail "the report does not say what became of arale"
exits 0 "$dir/imageinfo" -lab "$lab" ubuntu-touch/rc/meizu.en arale
grep -q 'full 2 .*tag=OTA-13-rc' "$dir/out" || fail "image 2 is not published"
grep -q '^\*/5 .*import-images' "$lab/crontab" || fail "the importer is not back"
exits 0 "$dir/copyrc" -status -journal "$journal"

# once more, with a new journal: everything is done already
exits 0 "$dir/copyrc" -lab "$lab" -journal "$dir/second"
# another tag for the same content is another program's job
exits 1 "$dir/copyrc" -lab "$lab" -journal "$dir/third" -tag OTA-14-rc
grep -q tag-image "$dir/out" || fail "nothing says which command sets a tag"

exits 2 "$dir/copyrc" -nonsense
exits 2 "$dir/copyrc" -site "$dir/absent.conf" -tag T -plan
exits 2 "$dir/copyrc" -lab "$lab" ubuntu-touch/stable/meizu.en
echo garbage >"$dir/garbage"
exits 1 "$dir/copyrc" -lab "$lab" -journal "$dir/garbage"
echo "copyrc: as described"
