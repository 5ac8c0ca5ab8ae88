# Send a signal to a job: ... SIGNAL. A job started by setsid is a process
# group of its own; KILL ends its shell too, so the status is written here.
cd "$base/$name" 2>/dev/null || quit none
ours || quit other
settle
[ "$verdict" = running ] || quit "$verdict"
if [ "$mode" = setsid ]; then
	kill "-$4" "-$pid" || # the one form that every shell's kill knows
		quit "failed cannot signal the process group $pid"
	if [ "$4" = KILL ]; then
		tries=0
		while alive && [ "$tries" -lt 50 ]; do
			nap
			tries=$((tries + 1))
		done
		[ -e exit ] || echo 137 >exit
	fi
else
	kill -s "$4" "$(cat child)" || quit "failed cannot signal the process $(cat child)"
fi
quit sent
