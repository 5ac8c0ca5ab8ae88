#!/usr/bin/env bash
# What the package comment says about login, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" login
exits 0 "$dir/login" -lab "$lab" -o "$dir/credentials"
says '/+authorize-token?oauth_token='
[ "$(stat -c %a "$dir/credentials")" = 600 ] || fail "others can read the credentials"
exits 1 "$dir/login" -lab "$lab" -o "$dir/credentials"
says 'replaces them'
# nobody is at the terminal
printf '[launchpad]\ncredentials = other\n' >"$dir/site.conf"
exits 1 "$dir/login" -site "$dir/site.conf"
says 'run examples/login once at a terminal'
[ ! -e "$dir/other" ] || fail "a file was made without an answer"
echo "login: as described"
