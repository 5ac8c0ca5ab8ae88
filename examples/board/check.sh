#!/usr/bin/env bash
# What the README says about the board: the runs of a folder, seen, and answered by who
# may.
. "$(dirname "$0")/../check-lib.sh" board
go build -o "$dir/release" ./examples/release
mkdir "$dir/runs"
exits 3 "$dir/release" -lab "$lab" -journal "$dir/runs/OTA-5.journal"

board=
trap '[ -z "$board" ] || kill "$board" 2>/dev/null || true; rm -rf "$dir"' EXIT
# serve FLAG...: the board is at $address until stop
serve() {
  rm -f "$dir/address"
  "$dir/board" -runs "$dir/runs" -listen 127.0.0.1:0 "$@" >"$dir/address" 2>"$dir/log" & board=$!
  until [ -s "$dir/address" ]; do kill -0 "$board" || { cat "$dir/log"; fail "it does not start"; }; sleep 0.05; done
  address=$(cat "$dir/address")
}
stop() { kill "$board"; wait "$board" || fail "the board ended with $?"; board=; }
# get STATUS PATH [NAME=VALUE...]: fetched with a cookie jar, answers are sent as a form
get() {
  python3 - "$dir/jar" "$address" "$@" >"$dir/out" <<'PY' || { cat "$dir/out"; fail "get $*"; }
import http.cookiejar, sys, urllib.error, urllib.parse, urllib.request
jar, address, status, path, *form = sys.argv[1:]
cookies = http.cookiejar.LWPCookieJar(jar)
try:
    cookies.load(ignore_discard=True)
except FileNotFoundError:
    pass
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
data = urllib.parse.urlencode([tuple(f.split("=", 1)) for f in form]).encode() if form else None
try:
    answer = opener.open(urllib.parse.urljoin(address, path), data, timeout=30)
except urllib.error.HTTPError as refused:
    answer = refused
cookies.save(ignore_discard=True)
print(answer.read().decode())
sys.exit(0 if str(answer.status) == status else "status %d, not %s" % (answer.status, status))
PY
}

serve
get 200 /
says OTA-5.journal
says read-only
get 200 run/OTA-5.journal/
says 'Release these 3 images as OTA-5?'
get 403 run/OTA-5.journal/answer verdict=yes
get 404 run/..%2f..%2fetc%2fpasswd/
stop

serve -as anna
get 200 run/OTA-5.journal/
says read-only # without the key
get 200 "$address"
says 'you are <strong>anna</strong>'
get 200 run/OTA-5.journal/
says 'No, end this run'
get 409 run/OTA-5.journal/answer step=release verdict=yes digest=00
says 'about something else'
get 200 run/OTA-5.journal/report.md
says '# release: '
stop

exits 3 "$dir/release" -status -journal "$dir/runs/OTA-5.journal" -report "$dir/report.html"
grep -qF 'Release these 3 images as OTA-5?' "$dir/report.html" || fail "the report does not say what is asked"

exits 2 "$dir/board"
exits 2 "$dir/board" -runs "$dir/absent"
exits 2 "$dir/board" -runs "$dir/runs" -as anna -header X-Remote-User
echo "board: as described"
