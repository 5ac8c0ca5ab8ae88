# All jobs, or the one named: a line of name, id, time of start, size of the
# argv and state, then the argv.
say list
cd "$base" 2>/dev/null || exit 0
base=$PWD
for job in ${name:-*}; do
	case $job in -* | *[!A-Za-z0-9._-]*) continue ;; esac
	cd "$base/$job" 2>/dev/null || continue
	judge
	[ "$verdict" != gone ] || continue
	first started
	begin=$line
	text=$(cat argv 2>/dev/null)
	first id
	printf '%s %s %s %s %s\n%s\n' "$job" "$line" "$begin" "$(($(printf %s "$text" | wc -c)))" "$verdict" "$text"
done
