# The beginning of every script: sh -c TEXT landing ARGS... POSIX sh and its
# usual tools, nothing else. Answers start after a line of their own on each
# stream, because login shells like to print greetings.
say() {
	printf '\nlanding-answer %s\n' "$*"
	printf '\nlanding-answer\n' >&2
}
quit() {
	say "$@"
	exit 0
}
# nap [SECONDS]: a moment, a second where sleep knows no fractions.
nap() {
	sleep "${1:-0.1}" 2>/dev/null || sleep 1
}
