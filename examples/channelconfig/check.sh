#!/usr/bin/env bash
# What the README says about channelconfig, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" channelconfig
config=$lab/etc/config channel=ubuntu-touch/rc-proposed/meizu.en

exits 0 "$dir/channelconfig" -lab "$lab"
says "$channel: automatic, first image 100, 3 full images are kept"
says 'device of krillin  http http://jenkins.example.net/krillin/device_krillin.tar.xz'
exits 0 "$dir/channelconfig" -lab "$lab" -json show "$channel"
says '"generator": "cdimage-ubuntu"'
exits 1 "$dir/channelconfig" -lab "$lab" show no/such/channel
exits 0 "$dir/channelconfig" -lab "$lab" lint
says 'nothing to find fault with'

tree >"$dir/before"; cp "$config" "$dir/config"
exits 0 "$dir/channelconfig" -lab "$lab" -plan set "$channel" fullcount 5
says 'fullcount is 5, was 3'
# with nobody to answer, it waits and nothing is written
exits 3 "$dir/channelconfig" -lab "$lab" -journal "$dir/j" set "$channel" fullcount 5
tree >"$dir/after"
cmp "$dir/before" "$dir/after" || fail "something was written before the answer"
exits 0 "$dir/channelconfig" -lab "$lab" -yes -journal "$dir/j" set "$channel" fullcount 5
says 'fullcount is 5, was 3'
[ "$(diff "$dir/config" "$config" | grep -c '^[<>]')" = 2 ] || fail "more than one line of the configuration has changed"
cmp "$dir/config" "$config".before-* || fail "the old text is not kept"
# once more there is nothing to ask
exits 0 "$dir/channelconfig" -lab "$lab" set "$channel" fullcount 5
says 'says so already'

# a mistake that the server would not tell of
exits 0 "$dir/channelconfig" -lab "$lab" -yes set "$channel" type atuo
exits 1 "$dir/channelconfig" -lab "$lab" lint
says 'is "auto" meant?'
# what would stop every program is refused
exits 1 "$dir/channelconfig" -lab "$lab" -yes set "$channel" fullcount five
says 'would not load it any more'

exits 2 "$dir/channelconfig" -lab "$lab" set "$channel" fullcount
exits 2 "$dir/channelconfig" -lab "$lab" sed
exits 2 "$dir/channelconfig" -lab "$lab" lint everything
echo "channelconfig: as described"
