# Remove the folder of a job that ended.
cd "$base/$name" 2>/dev/null || quit none
base=${PWD%/*}
ours || quit other
settle
[ "$verdict" != running ] || quit running
retire "$name" || quit "failed cannot remove $base/$name"
quit reaped
