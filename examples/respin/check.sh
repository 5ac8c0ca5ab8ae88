#!/usr/bin/env bash
# What the package comment says about respin, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" respin
exits 0 "$dir/respin" -lab "$lab" -plan
cp "$lab/etc/config" "$dir/config"
exits 3 "$dir/respin" -lab "$lab" -journal "$dir/j"
says 'Copy these 3 packages'
exits 0 "$dir/respin" -lab "$lab" -journal "$dir/j" -yes
says 'ubuntu-touch/rc-proposed/ubuntu holds build'
newest ubuntu-touch/rc-proposed/ubuntu mako 'full 3 '
cmp "$dir/config" "$lab/etc/config" || fail "the configuration is not back"
grep -q '^\*/5 .*import-images' "$lab/crontab" || fail "the importer is not back"
# killed while it works, and started again with the same words
rm -rf "$lab"
timeout -s KILL 2 "$dir/respin" -lab "$lab" -journal "$dir/k" -yes >/dev/null 2>&1 </dev/null || true
exits 0 "$dir/respin" -lab "$lab" -journal "$dir/k" -yes
newest ubuntu-touch/rc-proposed/ubuntu mako 'full 3 '
exits 2 "$dir/respin" -lab "$lab" -extra nonsense
# the configuration is put back: the next import takes the older build again
exits 3 "$dir/respin" -lab "$lab" -journal "$dir/m" -origin ppa:landing-team/overlay -ppa ppa:landing-team/overlay -as-is -series vivid \
  -images "$lab/builder/www/full/ubuntu-touch-custom/vivid/daily-preinstalled" ubuntu-touch/rc-proposed/ubuntu
says 'goes from build'
exits 1 "$dir/respin" -lab "$lab" -journal "$dir/n" -ppa ppa:landing-team/overlay -series vivid -yes ubuntu-touch/rc/meizu.en
says 'has no key file_ubuntu'
echo "respin: as described"
