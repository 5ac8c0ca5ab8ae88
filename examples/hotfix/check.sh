#!/usr/bin/env bash
# What the package comment says about hotfix, as a user would do it.
. "$(dirname "$0")/../check-lib.sh" hotfix
exits 0 "$dir/hotfix" -lab "$lab" -plan
says 'From here on the fix is public'
cp "$lab/etc/config" "$dir/config"
exits 3 "$dir/hotfix" -lab "$lab" -journal "$dir/j"
says 'Is the problem assessed'
newest ubuntu-touch/stable/meizu.en arale 'full 1 '
exits 0 "$dir/hotfix" -lab "$lab" -journal "$dir/j" -yes
says 'offered to 1%: the fix had been public for'
says 'announced: the fix had been public for'
newest ubuntu-touch/stable/bq-aquaris.en krillin 'full 2         100 %'
newest ubuntu-touch/stable/meizu.en arale 'full 2         100 %'
newest ubuntu-touch/stable/meizu.en arale 'tag=OTA-4.1'
cmp "$dir/config" "$lab/etc/config" || fail "the configuration is not back"
grep -q '^\*/5 .*import-images' "$lab/crontab" || fail "the importer is not back"
# killed while it works, and started again with the same words
rm -rf "$lab"
timeout -s KILL 3 "$dir/hotfix" -lab "$lab" -journal "$dir/k" -yes >/dev/null 2>&1 </dev/null || true
exits 0 "$dir/hotfix" -lab "$lab" -journal "$dir/k" -yes
newest ubuntu-touch/stable/meizu.en arale 'full 2         100 %'
exits 2 "$dir/hotfix" -lab "$lab" -input "$dir/none.json"
exits 0 "$dir/hotfix" -sample
cp "$dir/out" "$dir/hotfix.json"
exits 0 "$dir/hotfix" -lab "$dir/lab2" -input "$dir/hotfix.json" -plan
sed "s/48h/soon/; s/packages/pakages/" "$dir/hotfix.json" >"$dir/bad.json"
exits 2 "$dir/hotfix" -lab "$lab" -input "$dir/bad.json"
says "bad.json:5: grace: "
says "bad.json:8: pakages: there is no such field"
echo "hotfix: as described"
