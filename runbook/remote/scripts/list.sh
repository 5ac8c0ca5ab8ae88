# All jobs, or the one named: a line of name, id, time of start, size of the
# argv and state, then the argv.
say list
cd "$base" 2>/dev/null || exit 0
base=$(pwd)
for job in ${name:-*}; do
	case $job in -* | *[!A-Za-z0-9._-]*) continue ;; esac
	cd "$base/$job" 2>/dev/null || continue
	judge
	[ "$verdict" != gone ] || continue
	begin=$(cat started 2>/dev/null || echo -)
	text=$(cat argv 2>/dev/null)
	printf '%s %s %s %s %s\n%s\n' "$job" "$(cat id 2>/dev/null || echo -)" "$begin" "$(($(printf %s "$text" | wc -c)))" "$verdict" "$text"
done
