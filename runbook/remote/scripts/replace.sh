# Compare and swap a file: ... PATH OLD NEW ID. Its old content, OLD bytes, and
# its new one, NEW bytes, are on standard input; OLD is "-" when there must be
# no file yet. All is prepared in a folder beside the file; mv and ln are the
# moments at which it changes.
path=$1 old=$2 new=$3 id=$4
case $path in
-*) path=./$path ;;
esac
hops=0
while [ -L "$path" ]; do # the file is replaced, not the link to it
	to=$(readlink "$path") || quit "failed cannot follow the link $path"
	case $to in
	/*) path=$to ;;
	*) case $path in
		*/*) path=${path%/*}/$to ;;
		*) path=./$to ;;
		esac ;;
	esac
	hops=$((hops + 1))
	[ "$hops" -lt 20 ] || quit "failed too many links at $path"
done
case $path in
*/*) dir=${path%/*}/ ;;
*) dir=./ ;;
esac
file=${path##*/}
[ -d "$dir" ] || quit nodir
[ -x "$dir" ] && [ -w "$dir" ] || quit denied
[ ! -e "$path" ] || [ -f "$path" ] || quit special
mask=$(umask)
umask 077
work=$dir.$file.$id
lock=$dir.$file.lock
held=
leave() {
	rm -rf "$work"
	[ -z "$held" ] || rm -rf "$lock"
	quit "$@"
}
mkdir "$work" || quit "failed cannot write in $dir"
cat >"$work/all" || leave "failed cannot write in $dir"
skip=$old
[ "$old" != - ] || skip=0
[ "$(($(wc -c <"$work/all")))" = "$((skip + new))" ] || leave "failed the contents did not arrive in full"
tail -c "+$((skip + 1))" "$work/all" >"$work/new" || leave "failed cannot write in $dir"
if [ "$skip" -gt 0 ]; then
	dd if="$work/all" of="$work/old" bs="$skip" count=1 2>/dev/null || leave "failed cannot write in $dir"
else
	: >"$work/old"
fi

# One of us at a time. Editors do not know this lock, so the file is compared
# again at the last moment.
gone() {
	if [ -d /proc/$$ ]; then [ ! -d "/proc/$1" ]; else ! kill -0 "$1" 2>/dev/null; fi
}
tries=0
until mkdir "$lock" 2>/dev/null; do
	[ "$old" = - ] || cmp -s "$path" "$work/old" || [ ! -e "$path" ] || leave conflict # need not wait
	holder=$(cat "$lock/pid" 2>/dev/null)
	if [ -n "$holder" ] && gone "$holder" && mv "$lock" "$work/stale$tries" 2>/dev/null; then
		# Unless it was broken and taken by somebody in between.
		[ "$(cat "$work/stale$tries/pid")" = "$holder" ] || mv "$work/stale$tries" "$lock"
	elif [ "$tries" -ge 100 ]; then
		leave "busy $lock"
	else
		nap
	fi
	tries=$((tries + 1))
done
held=yes
echo $$ >"$lock/pid"

# On the disk before it gets its name, where dd knows how.
put() {
	dd if="$1" of="$2" conv=fsync 2>/dev/null || cat "$1" >"$2"
}
backup=-
if [ "$old" = - ]; then
	[ ! -e "$path" ] || leave conflict
	umask "$mask"
	put "$work/new" "$work/next" || leave "failed cannot write in $dir"
	ln "$work/next" "$path" 2>/dev/null || leave conflict
else
	[ -e "$path" ] || leave none
	[ -r "$path" ] || leave denied
	cmp -s "$path" "$work/old" || leave conflict
	cp -p "$path" "$work/back" && cp -p "$path" "$work/next" || leave "failed cannot write in $dir"
	cmp -s "$work/back" "$work/old" || leave conflict
	# A copy keeps mode and owner, as far as they are ours to give; a file that
	# its owner must not write is still his to replace.
	if [ -w "$work/next" ]; then
		put "$work/new" "$work/next" || leave "failed cannot write in $dir"
	else
		chmod u+w "$work/next" &&
			put "$work/new" "$work/next" &&
			chmod u-w "$work/next" || leave "failed cannot write in $dir"
	fi
	cmp -s "$work/next" "$work/new" || leave "failed cannot write in $dir"
	stamp=$path.$(date -u +%Y%m%dT%H%M%SZ)
	backup=$stamp.bak
	tries=1
	until ln "$work/back" "$backup" 2>/dev/null; do
		[ "$tries" -lt 100 ] || leave "failed cannot write the backup $backup"
		backup=$stamp.$tries.bak
		tries=$((tries + 1))
	done
	if ! cmp -s "$path" "$work/old"; then
		rm -f "$backup"
		leave conflict
	fi
	mv -f "$work/next" "$path" || leave "failed cannot write $path"
fi
cmp -s "$path" "$work/new" || leave changed
leave "replaced $backup"
