# Remove the folder of a job that ended.
cd "$base/$name" 2>/dev/null || quit none
base=${PWD%/*}
ours || quit other
settle
case $verdict in
running) quit running ;;
gone) quit none ;;
esac
retire "$name" || quit "failed cannot remove $base/$name"
quit reaped
