package operate

import (
	"path"
	"slices"
	"strings"
)

// runs reports whether an active crontab line runs the program.
func runs(line, program string) bool {
	command, ok := cronCommand(line)
	return ok && commandRuns(command, program, 0)
}

// commentedOut reports whether the text of a comment is a crontab line that
// runs the program, possibly with more "#" or a few words of why before it.
func commentedOut(comment, program string) bool {
	rest := strings.TrimLeft(comment, "# \t")
	for range 40 { // words of explanation
		if runs(rest, program) {
			return true
		}
		end := strings.IndexAny(rest, " \t")
		if end < 0 {
			return false
		}
		rest = strings.TrimLeft(rest[end:], " \t#")
	}
	return false
}

// cronCommand returns the command of a crontab line: what follows the five
// fields of a time or a word such as @hourly, up to the first "%" without a
// backslash, which ends the command for cron. Comments, empty lines and
// settings ("MAILTO=ops") have none.
func cronCommand(line string) (string, bool) {
	rest := strings.TrimLeft(line, " \t")
	if rest == "" || rest[0] == '#' {
		return "", false
	}
	fields := 5
	if rest[0] == '@' {
		fields = 1
	}
	for range fields {
		end := strings.IndexAny(rest, " \t")
		if end < 0 || fields == 5 && !cronField(rest[:end]) {
			return "", false
		}
		rest = strings.TrimLeft(rest[end:], " \t")
	}
	for i := range len(rest) {
		if rest[i] == '%' && (i == 0 || rest[i-1] != '\\') {
			rest = rest[:i]
			break
		}
	}
	return rest, rest != ""
}

// cronField reports whether s can be one field of a time: "*/5", "1-5", "mon,fri".
func cronField(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("*/-,~?#", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	c := s[0]
	if c == '*' || c >= '0' && c <= '9' || c == '~' || c == '?' {
		return true
	}
	// Names of months and days; anything else is a word of prose.
	name, _, _ := strings.Cut(s, ",")
	name, _, _ = strings.Cut(name, "-")
	return slices.Contains(strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun"),
		strings.ToLower(name))
}

// Programs whose arguments are file names or patterns and are never run. The
// importer named behind one of them is a log, a rotation rule or a message.
var lookers = strings.Fields(`[ : awk cat chmod chown cp du echo false find grep gzip head kill killall less ln logger
	logrotate ls mail mailx mkdir mv pgrep pidof pkill printf ps rm sed stat tail tar tee test touch true wc which xz`)

// commandRuns reports whether a shell command runs the program: as a command of
// its own or behind a wrapper (env, flock, nice, sh -c "...").
func commandRuns(command, program string, depth int) bool {
	looking := false // the current simple command only looks at its arguments
	first := true    // no word of the current simple command was seen
	for _, w := range shellWords(command) {
		switch {
		case w.end:
			looking, first = false, true
			continue
		case w.redirect || looking:
			continue
		case first && !w.quoted && isSetting(w.text):
			continue // VAR=value before the command
		}
		if strings.HasSuffix(w.text, "/"+program) || w.text == program {
			return true
		}
		if w.quoted && depth < 3 && strings.ContainsAny(w.text, " \t;&|") && commandRuns(w.text, program, depth+1) {
			return true
		}
		if first {
			first = false
			looking = slices.Contains(lookers, path.Base(w.text))
		}
	}
	return false
}

func isSetting(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && !strings.ContainsAny(name, "/.-+:")
}
