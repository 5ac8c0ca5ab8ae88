# What a job wrote since last time, and its state before that was read: ... OUT
# ERR, the numbers of the first bytes wanted of its two logs.
cd "$base/$name" 2>/dev/null || quit none
ours || quit other
# Open before the look, so that nobody's fetching the result meanwhile cuts it.
{
	settle
	[ "$verdict" != gone ] || quit none
	say "$verdict"
	tail -c "+$4" <&3
	tail -c "+$5" <&4 >&2
	exit
} 3<stdout 4<stderr
quit none
