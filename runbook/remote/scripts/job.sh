# The beginning of every job script, behind say.sh: ... JOBDIR NAME ID ...
base=$1 name=$2 id=$3
case $base in
'') base=$HOME/.landing/jobs ;;
"~/"*) base=$HOME/${base#??} ;;
esac
# boot: which start of the machine this is; "-" where the kernel does not say.
boot() {
	cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo -
}
# first FILE: its first line, as line, "-" without one, by the shell itself: a process
# for each of our small files would be most of what a look costs.
first() {
	line=
	read -r line 2>/dev/null <"$1" || [ -n "$line" ] || line=-
}
# look PID: state, process group and start time of a process; "-" where the
# kernel does not say. Number and start time together are never used twice.
look() {
	state=- group=- begun=- line=
	while read -r part; do # a program's name, in brackets, may have lines
		case $part in *")"*) line=$part ;; esac
	done 2>/dev/null <"/proc/$1/stat"
	[ -n "$line" ] || return 0
	set -- ${line##*)}
	state=$1 group=$3 begun=${20}
}
# exists PID: there is such a process, and not only its exit status.
exists() {
	kill -0 "$1" 2>/dev/null || return 1
	look "$1"
	[ "$state" != Z ]
}
# alive: the job of this folder runs: its shell, or what outlived its shell.
alive() {
	read -r pid since members mode 2>/dev/null <pid || return 1
	exists "$pid" && [ "$begun" = "$since" ] && return 0
	[ -s child ] && first child && exists "$line" && [ "$group" = "$members" ]
}
# judge: what became of the job of this folder; "gone" is one whose folder is
# being removed: it has retired in it, and then has lost its id before the rest.
judge() {
	if [ -e exit ]; then
		first exit
		verdict="finished $line"
	elif [ ! -e pid ]; then
		verdict=starting
	elif first boot && [ "$line" != "$(boot)" ]; then
		verdict="lost the host was restarted"
	elif alive; then
		verdict=running
	elif [ -e exit ]; then # it ended while we looked
		first exit
		verdict="finished $line"
	else
		verdict="lost its process is gone"
	fi
	[ "$verdict" = starting ] || [ -e id ] && [ ! -e retired ] || verdict=gone
}
# settle: like judge, but gives a job that is just being started its time, two seconds.
# One that is not begun by then never will be: its shell must make the folder begun
# first.
settle() {
	tries=0
	judge
	while [ "$verdict" = starting ]; do
		if [ -e retired ]; then
			verdict=gone
		elif [ "$tries" -lt 8 ]; then
			if [ "$tries" -lt 4 ]; then nap; else nap 0.4; fi
			tries=$((tries + 1))
			judge
		else
			mkdir begun 2>/dev/null || judge # it has just begun, or the one who gave it up died
			[ "$verdict" != starting ] || verdict=unborn
		fi
	done
}
# ours: the folder is still that of the job we know.
ours() {
	first id
	[ "$line" = "$id" ]
}
# retire NAME: remove the folder of a job that ended, in which we are. Only the
# one who makes the folder retired in it moves it away, so that nobody moves a
# later job of the same name; and it is moved first, so that nobody sees a part.
retire() {
	if ! mkdir retired 2>/dev/null; then # somebody else is at it, unless that one died
		tries=0
		while [ -e "$base/$1/retired" ] && [ "$tries" -lt 20 ]; do
			nap
			tries=$((tries + 1))
		done
	fi
	if [ -e "$base/$1/retired" ]; then
		mv "$base/$1" "$base/.old.$id.$$" 2>/dev/null || [ ! -e "$base/$1/retired" ] || return 1
	fi
	cd "$base" && rm -f ".old.$id.$$/id" || return 1
	rm -rf ".old.$id.$$" 2>/dev/null || { nap && rm -rf ".old.$id.$$"; } # somebody was in it
}
