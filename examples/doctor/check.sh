#!/usr/bin/env bash
# Runs doctor on a lab of its own, healthy and with a site file about nothing.
. "$(dirname "$0")/../check-lib.sh" doctor
exits 0 "$dir/doctor" -lab "$lab"
says "one server: the host"
says " 0 failed"
# the fake Launchpad keeps the time of its last question
without() { tree | grep -v state/launchpad/world.json; }
before=$(without)
exits 0 "$dir/doctor" -lab "$lab" -json
[ "$before" = "$(without)" ] || fail "looking changed the lab"
printf '[image-server]\nurl = http://127.0.0.1:1\nunverified = yes\nssh = u@127.0.0.1:1\nroot = /srv\n' >"$dir/site.conf"
exits 1 "$dir/doctor" -site "$dir/site.conf"
says "failed   image-server reach"
says "failed   tree channels.json"
printf '[image-server]\nurl = http://127.0.0.1:1\nkeryng = x\n' >"$dir/site.conf"
exits 1 "$dir/doctor" -site "$dir/site.conf"
says 'did you mean "keyring"'
# a plan on a site that is not ready is none
printf '[image-server]\nurl = http://127.0.0.1:1\nunverified = yes\nssh = u@127.0.0.1:1\nroot = /srv\n' >"$dir/site.conf"
go build -o "$dir/copyrc" ./examples/copyrc
exits 1 "$dir/copyrc" -site "$dir/site.conf" -plan -tag OTA-1
says "the site is not ready"
echo "doctor: as described"
