# What a job wrote since last time, and its state before that was read: ... OUT
# ERR, the numbers of the first bytes wanted of its two logs.
cd "$base/$name" 2>/dev/null || quit none
ours || quit other
settle
[ "$verdict" != gone ] || quit none
say "$verdict"
tail -c "+$4" stdout
tail -c "+$5" stderr >&2
