# Print a file: ... PATH LIMIT.
path=$1
case $path in
-*) path=./$path ;;
esac
case $path in
*/*) dir=${path%/*}/ ;;
*) dir=. ;;
esac
[ ! -d "$dir" ] || [ -x "$dir" ] || quit denied
[ -e "$path" ] || quit none
[ -f "$path" ] || quit special
[ -r "$path" ] || quit denied
size=$(($(wc -c <"$path")))
[ "$size" -le "$2" ] || quit "large $size"
say file
exec cat "$path"
