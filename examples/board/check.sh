#!/usr/bin/env bash
# What the README says about the board: the runs of a folder, seen, and answered by who
# may.
. "$(dirname "$0")/../check-lib.sh" board
go build -o "$dir/release" ./examples/release
exits 3 "$dir/release" -lab "$lab" -runs "$dir/runs"
run=$(basename "$dir"/runs/release-*.journal)

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
says "$run"
says read-only
get 200 run/$run/
says 'Release these 3 images as OTA-5?'
get 403 run/$run/answer verdict=yes
get 404 run/..%2f..%2fetc%2fpasswd/
stop

serve -as anna
get 200 run/$run/
says read-only # without the key
get 200 "$address"
says 'you are <strong>anna</strong>'
get 200 run/$run/
says 'No, end this run'
digest=$(sed -n 's/.*name="digest" value="\([0-9a-f]*\)".*/\1/p' "$dir/out")
get 409 run/$run/answer step=release verdict=yes digest=00
says 'about something else'
get 200 run/$run/answer step=release verdict=yes "digest=$digest" 'reason=tested on both'
says 'Your answer is delivered: yes.'
get 409 run/$run/answer step=release verdict=yes "digest=$digest"
says 'anna was faster'
exits 3 "$dir/release" -lab "$lab" -runs "$dir/runs" # it goes on to the next question
get 200 run/$run/
says '<b>approved</b> by <bdi>anna</bdi>: tested on both'
says 'Raise the phased percentage from 30% to 100%?'
get 200 run/$run/report.md
says '# release: waits for an answer'
stop

exits 3 "$dir/release" -status -journal "$dir/runs/$run" -report "$dir/report.html"
grep -qF 'Raise the phased percentage from 30% to 100%?' "$dir/report.html" || fail "the report does not say what is asked"

exits 2 "$dir/board"
exits 2 "$dir/board" -runs "$dir/absent"
exits 2 "$dir/board" -runs "$dir/runs" -as anna -header X-Remote-User
echo "board: as described"
