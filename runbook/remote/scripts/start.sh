# Start a job unless it exists: ... SIZE TEXT ARGV..., with its standard input
# of SIZE bytes on ours. Made ready aside, so that a link lost on the way leaves
# nothing behind; the claim is a mkdir, of which only one can succeed.
size=$4 text=$5
shift 5
mask=$(umask) home=$(pwd)
umask 077
{ [ -d "$base" ] || mkdir -p "$base"; } && cd "$base" || quit "failed cannot make the folder $base"
base=$PWD
new=.new.$id
# drop: removes what was made ready aside.
drop() {
	[ ! -e "$base/$new" ] || rm -rf "$base/$new"
}
# fail: ends a start that came to nothing.
fail() {
	drop
	quit "failed $*"
}
# prepare: makes the folder of our job, aside.
prepare() {
	[ ! -e "$new/boot" ] || return 0
	drop
	mkdir "$new" || fail "cannot write in $base"
	if [ "$size" = 0 ]; then
		true >"$new/stdin" || fail "cannot write in $base"
	else
		cat >"$new/stdin"
		[ "$(($(wc -c <"$new/stdin")))" = "$size" ] || fail "the standard input did not arrive in full"
	fi
	printf '%s\n' "$text" >"$new/argv" &&
		echo "$id" >"$new/id" &&
		date -u +%Y-%m-%dT%H:%M:%SZ >"$new/started" &&
		: >"$new/stdout" &&
		: >"$new/stderr" &&
		boot >"$new/boot" || fail "cannot write in $base"
}
# What a killed run left and nobody fetched goes after a month.
if command -v find >/dev/null 2>&1; then
	find . ! -name . -prune -type d -mtime +30 | while read -r old; do
		case $old in
		"./$name") ;; # ours to ask for
		*/.new.* | */.old.*) rm -rf "$old" ;;
		*) (
			cd "$old" || exit
			judge
			case $verdict in finished* | lost* | gone) retire "${old#./}" ;; esac
		) ;;
		esac
	done
fi
word= rounds=0
while [ -z "$word" ]; do
	rounds=$((rounds + 1))
	[ "$rounds" -le 100 ] || fail "the folder $base/$name does not go away"
	cd "$base" || fail "cannot enter $base"
	if [ ! -d "$name" ]; then
		prepare
		if mkdir "$name" 2>/dev/null; then
			mv "$new"/* "$name" && rmdir "$new" || fail "cannot write in $base/$name"
			word=started
		else
			[ -d "$name" ] || fail "cannot make the folder $base/$name"
		fi
	fi
	cd "$name" 2>/dev/null || continue # somebody has just fetched it
	[ -z "$word" ] || break
	settle
	same=yes
	[ ! -e argv ] || [ "$(cat argv)" = "$text" ] || same=
	case $same$verdict in
	gone | yesgone) retire "$name" ;;     # or wait for who removes it
	unborn | yesunborn) retire "$name" ;; # it never ran
	yes*) word="attached $verdict" ;;
	running)
		drop
		say "different $pid"
		cat argv
		exit 0
		;;
	*) retire "$name" ;; # of another command, and over: whoever asks now has looked
	esac
done
if [ "$word" = started ]; then
	# The job's own shell. Signals are for the program: the shell must live to
	# record its status. A trap, unlike an ignored signal, is not inherited.
	# Its first output says that the job is on record; closing it lets us go on.
	run='
		mode=$1 mask=$2 home=$3
		shift 3
		trap : HUP INT QUIT TERM
		begun=- group=-
		fields() { group=$3 begun=${20}; }
		if read -r line </proc/$$/stat; then
			fields ${line##*)}
		fi
		exec <stdin || exit
		rm -f stdin
		echo "$$ $begun $group $mode" >pid.new && mv pid.new pid || exit
		mkdir begun || exit # somebody has given us up
		echo ok
		exec >/dev/null 2>&1
		sh -c '\''
			echo $$ >child
			umask "$1"
			cd "$2"
			shift 2
			exec "$@"
		'\'' landing-job "$mask" "$home" "$@" >stdout 2>stderr
		echo $? >exit.new
		mv exit.new exit
	'
	if command -v setsid >/dev/null 2>&1; then
		ready=$(setsid sh -c "$run" landing-job setsid "$mask" "$home" "$@" </dev/null 2>/dev/null &)
	else
		ready=$(
			trap '' HUP
			sh -c "$run" landing-job plain "$mask" "$home" "$@" </dev/null 2>/dev/null &
		)
	fi
	[ "$ready" = ok ] || quit "failed the host could not start a process"
fi
drop
first id
say "${word%% *} $line ${word#* }"
