package command

// The scripts of [File] and [Crontab]. "9<&9" hands a descriptor on: a shell of the
// Korn family keeps to itself what exec has opened.
const (
	// lock NAME: the lock NAME, where nobody else can hold it, and in turn the word
	// of whoever changed last what it stands for. A host without flock(1), or where
	// the login folder cannot be written, goes without.
	//
	// next: another word, which ends what has read the one before.
	lockScript = `
umask 077
turn=
exec 9</dev/null
lock() {
	lock=$HOME/.landing/$1
	if ! ( { [ -d "$HOME/.landing" ] || mkdir -p "$HOME/.landing"; } && : >>"$lock" ) 2>/dev/null; then
		lock=
		return 0
	fi
	if command -v flock >/dev/null 2>&1; then
		exec 9>>"$lock"
		flock -w 20 9 9<&9 || exit 9
	fi
	read -r turn <"$lock" || :
}
next() {
	[ -n "$lock" ] || return 0
	turn=$(date +%s)-$$
	printf '%s\n' "$turn" >"$lock" || exit 5
}
`

	// keep NEW: standard input into the temporary file tmp, if it has the SHA-256 NEW.
	keepScript = `
keep() {
	cat >"$tmp" || exit 5
	sum=$(sha256sum <"$tmp")
	[ "${sum%% *}" = "$1" ] || exit 4
}
tmp=
trap '[ -z "$tmp" ] || rm -f "$tmp"' EXIT
trap 'exit 6' HUP INT TERM
`

	// landing-file-read FILE: an empty line, one with no turn and the SHA-256 of
	// FILE, its content.
	readScript = `
[ -f "$1" ] || exit 7
[ -r "$1" ] || exit 8
sum=$(sha256sum <"$1") || exit 5
printf '\nlanding-file  %s\n' "${sum%% *}"
exec cat <"$1"
`

	// the name of the lock of the file $file
	lockOfFile = `
lockFile() {
	sum=$(printf %s "$file" | sha256sum)
	lock "file-${sum%% *}"
}
`

	// landing-file-turn FILE FENCE: the same, with the turn before the SHA-256; with
	// FENCE another turn begins.
	turnScript = lockScript + lockOfFile + `
case $1 in -*) set -- "./$1" "$2" ;; esac
file=$(readlink -f "$1" 2>/dev/null) || file=$1
[ -f "$file" ] || exit 7
[ -r "$file" ] || exit 8
lockFile
[ -z "$2" ] || next
sum=$(sha256sum <"$file") || exit 5
printf '\nlanding-file %s %s\n' "$turn" "${sum%% *}"
exec cat <"$file"
`

	// landing-file-replace FILE OLD NEW BACKUP TURN <text: gives FILE the content
	// text, whose SHA-256 is NEW, if it has the SHA-256 OLD and TURN is not
	// over. It keeps the old content as FILE.BACKUP.
	replaceScript = lockScript + lockOfFile + keepScript + `
case $1 in -*) set -- "./$1" "$2" "$3" "$4" "$5" ;; esac
file=$(readlink -f "$1" 2>/dev/null) || file=$1
[ -f "$file" ] || exit 7
[ -r "$file" ] || exit 8
holds() {
	sum=$(sha256sum <"$file")
	sum=${sum%% *}
	[ "$sum" = "$1" ]
}
tmp=$(mktemp "$file.XXXXXX") && cp -p "$file" "$tmp" || exit 5
locked=
[ -w "$tmp" ] || { locked=yes && chmod u+w "$tmp"; } || exit 5
keep "$3"
[ -z "$locked" ] || chmod u-w "$tmp" || exit 5
sync "$tmp" 2>/dev/null
lockFile
if command -v flock >/dev/null 2>&1; then
	exec 8<"$file"
	flock -w 20 8 8<&8 || exit 9
fi
[ "$5" = "$turn" ] || exit 3
holds "$3" && exit 0
[ "$sum" = "$2" ] || exit 3
next
cp -p "$file" "$file.$4.new" && mv -f "$file.$4.new" "$file.$4" || exit 5
holds "$2" || exit 3
mv -f "$tmp" "$file" && tmp=
`

	// landing-crontab-turn FENCE: an empty line, one with the turn, the SHA-256 of
	// the crontab and the exit status of "crontab -l", the crontab. With FENCE
	// another turn begins.
	crontabTurnScript = lockScript + keepScript + `
tmp=$(mktemp) || exit 5
lock crontab.lock
[ -z "$1" ] || next
crontab -l >"$tmp" </dev/null 9>&-
status=$?
sum=$(sha256sum <"$tmp")
printf '\nlanding-crontab %s %s %s\n' "$turn" "${sum%% *}" "$status"
cat <"$tmp"
`

	// landing-crontab OLD NEW TURN <text: installs text, whose SHA-256 is NEW, as the
	// crontab if the present one has the SHA-256 OLD and TURN is not over. The crontab
	// program keeps the lock, so that it is held until what is under way has ended,
	// whoever is killed.
	crontabScript = lockScript + keepScript + `
tmp=$(mktemp) || exit 5
keep "$2"
lock crontab.lock
[ "$3" = "$turn" ] || exit 3
sum=$(crontab -l 2>/dev/null </dev/null | sha256sum)
[ "${sum%% *}" = "$1" ] || exit 3
next
crontab - <"$tmp" 9>&9
`
)
