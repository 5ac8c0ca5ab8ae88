package systemimagetest

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// toolsDir holds the machine's own commands that a server needs its own of.
const toolsDir = ".machine"

// crontabScript keeps one table, in the file crontab of the server's folder.
// Like the real command it refuses what it cannot understand, and says so in
// the real words.
const crontabScript = `#!/bin/sh
table=${0%/*}/../crontab
case ${1--} in
-l)
	[ -e "$table" ] || { echo "no crontab for $(id -un)" >&2; exit 1; }
	exec cat "$table" ;;
-r)
	[ -e "$table" ] || { echo "no crontab for $(id -un)" >&2; exit 1; }
	exec rm "$table" ;;
-) name='"-"'; new=$(cat; echo .) ;;
-*) echo "crontab: invalid option -- '${1#-}'" >&2; echo "crontab: usage error: unrecognized option" >&2; exit 1 ;;
*)
	[ -r "$1" ] || { echo "$1/: fopen: No such file or directory" >&2; exit 1; }
	name="\"$1\""; new=$(cat "$1"; echo .) ;;
esac
new=${new%.}
printf %s "$new" | awk -v name="$name" '
/^[ \t]*(#|$)/ { next }
/^[ \t]*[A-Za-z_][A-Za-z_0-9]*[ \t]*=/ { next }
/^[ \t]*@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)[ \t]+[^ \t]/ { next }
{
	split("minute hour day-of-month month day-of-week", part, " ")
	for (i = 1; i <= 5; i++)
		if ($i !~ /^[0-9*,\/A-Za-z-]+$/ || i <= 3 && $i ~ /[A-Za-z]/) {
			printf "%s:%d: bad %s\n", name, NR, part[i] > "/dev/stderr"; bad = 1; next
		}
	if (NF < 6) { printf "%s:%d: bad command\n", name, NR > "/dev/stderr"; bad = 1 }
}
END { exit bad }' || { echo "errors in crontab file, can't install." >&2; exit 1; }
case $new in
'' | *'
') ;;
*) echo "new crontab file is missing newline before EOF, can't install." >&2; exit 1 ;;
esac
printf %s "$new" >"$table.new" && mv "$table.new" "$table"
`

func writeTools(root string) error {
	path := filepath.Join(root, toolsDir, "crontab")
	if err := writeFile(path, []byte(crontabScript)); err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}

// cronWord makes a path one word of a command in a crontab, where the shell
// splits at blanks and cron itself ends the command at a percent sign.
func cronWord(path string) string {
	if !strings.ContainsFunc(path, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("/._-+,:@", c)
	}) {
		return path
	}
	word := "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	return strings.ReplaceAll(word, "%", `'\%'`)
}
