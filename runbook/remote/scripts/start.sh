# Start a job unless it exists: ... SIZE TEXT ARGV..., with its standard input
# of SIZE bytes on ours. Made ready aside, so that a link lost on the way leaves
# nothing behind; the claim is a mkdir, of which only one can succeed.
size=$4 text=$5
shift 5
mask=$(umask) home=$(pwd)
umask 077
mkdir -p "$base" && cd "$base" || quit "failed cannot make the folder $base"
base=$(pwd)
word=attached
if [ ! -d "$name" ]; then
	new=.new.$id
	rm -rf "$new"
	mkdir "$new" || quit "failed cannot write in $base"
	cat >"$new/stdin"
	if [ "$(($(wc -c <"$new/stdin")))" != "$size" ]; then
		rm -rf "$new"
		quit "failed the standard input did not arrive in full"
	fi
	{
		printf '%s\n' "$text" >"$new/argv" &&
			echo "$id" >"$new/id" &&
			date -u +%Y-%m-%dT%H:%M:%SZ >"$new/started" &&
			boot >"$new/boot" &&
			: >"$new/stdout" &&
			: >"$new/stderr"
	} || {
		rm -rf "$new"
		quit "failed cannot write in $base"
	}
	if mkdir "$name" 2>/dev/null; then
		mv "$new"/* "$name" && rmdir "$new" || quit "failed cannot write in $base/$name"
		word=started
	else
		rm -rf "$new"
		[ -d "$name" ] || quit "failed cannot make the folder $base/$name"
	fi
fi
cd "$name" || quit "failed cannot enter $base/$name"
if [ $word = started ]; then
	# The job's own shell. Signals are for the program: the shell must live to
	# record its status. A trap, unlike an ignored signal, is not inherited.
	# Its first output says that the job is on record; closing it lets us go on.
	run='
		mode=$1 mask=$2 home=$3
		shift 3
		trap : HUP INT QUIT TERM
		begun=- group=-
		if line=$(cat /proc/$$/stat 2>/dev/null); then
			line=${line##*)}
			begun=$(set -- $line; echo "${20}")
			group=$(set -- $line; echo "$3")
		fi
		exec <stdin || exit
		rm -f stdin
		echo "$$ $begun $group $mode" >pid.new && mv pid.new pid || exit
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
settle
if [ "$(cat argv 2>/dev/null)" != "$text" ] && [ -e argv ]; then
	say different
	cat argv
	exit 0
fi
say "$word $(cat id 2>/dev/null || echo -)"
