package importlog

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/landingteam/landing/systemimage/internal/host"
)

// A log has more than the importer's records: what the shell of the crontab line says,
// or systemd about the unit of a timer, ssh about the mirrors, Python about the log itself, and other programs of the server
// that write to the same file.

// endings are the words in which a shell tells the end of a program.
var endings = [...]string{"Killed", "Terminated", "Segmentation fault", "Bus error", "Illegal instruction", "Aborted"}

var (
	endingLine = regexp.MustCompile(`^(?:\S+: line \d+: +\d+ )?(` + strings.Join(endings[:], "|") + `)(?:$| +\()|^\S+: line \d+: +\d+ (` + strings.Join(endings[:], "|") + `) `)
	notBegun   = regexp.MustCompile(`^(?:(?:/usr)?(?:/bin/)?(?:ba|da)?sh: .*(?:: not found|: No such file or directory|: Permission denied|: command not found|: cd: can't cd to .*|bad interpreter.*)|/usr/bin/env: .*|python[\d.]*: can't open file .*)$`)
	unitEnds   = regexp.MustCompile(`^\S+\.service: (?:Main process exited, code=(?:killed|dumped)|A process of this unit has been killed|Failed with result '(?:oom-kill|signal|core-dump|timeout|watchdog)')`)
	mirrorLine = regexp.MustCompile(`^(?:ssh: |(?:\S+@\S+: )?Permission denied \(|Host key verification failed|(?:kex|ssh)_exchange_identification: |Connection (?:closed|reset) by |Load key )`)
)

// ending is how the shell, or systemd, says that the program ended, empty when the line
// does not.
func ending(line []byte) string {
	if bytes.Contains(line, []byte(".service: ")) && unitEnds.Match(line) {
		return host.Shorten(string(line))
	}
	m := endingLine.FindSubmatch(line)
	if m == nil {
		return ""
	}
	return string(m[1]) + string(m[2])
}

// isEnding reports whether an exception is one in the words of the shell or of systemd.
func isEnding(exception string) bool {
	return ending([]byte(exception)) == exception && exception != ""
}

// neverBegan reports whether a shell says that a program could not be run.
func neverBegan(line []byte) bool {
	return (bytes.Contains(line, []byte("sh: ")) || bytes.HasPrefix(line, []byte("/usr/bin/env: ")) || bytes.HasPrefix(line, []byte("python"))) && notBegun.Match(line)
}

// importerNeverBegan is neverBegan of the importer, and not of what a mirror was to run.
func importerNeverBegan(line []byte) bool {
	return neverBegan(line) && (bytes.Contains(line, []byte("import-images")) || bytes.Contains(line, []byte(": cd: ")) ||
		bytes.HasPrefix(line, []byte("/usr/bin/env: ")) || bytes.HasPrefix(line, []byte("python")))
}

// What a traceback is about that Python only prints, and goes on.
type printed int

const (
	raised     printed = iota
	notWritten         // a record that could not be written to the log
	tidying            // an object that could not be taken away at the end
)

// aside reads what is said besides records and tracebacks; false when it means nothing.
func (p *parser) aside(b []byte) bool {
	switch {
	case string(b) == "--- Logging error ---":
		p.aloud = notWritten
	case bytes.HasPrefix(b, []byte("Exception ignored in: ")):
		p.aloud = tidying
	case bytes.HasPrefix(b, []byte("===== ")) && bytes.HasSuffix(b, []byte(" =====")), bytes.HasPrefix(b, []byte("RUN: /usr/share/launchpad-buildd/")):
		p.run.builder = true
	case mirrorLine.Match(b), p.run.Complete && neverBegan(b):
		if len(p.run.Mirrors) < maxProblems {
			p.run.Mirrors = append(p.run.Mirrors, host.Shorten(string(b)))
		}
	case neverBegan(b):
		p.exception = host.Shorten(string(b))
	default:
		end := ending(b)
		if end == "" {
			return false
		}
		p.exception = end
	}
	return true
}

// foreign are the first words of records that only other programs of the server write.
var foreign = [...]string{"Setting tag for image to '", "Setting phased-percentage of '", "Generating new version tarball for '", "Re-signing "}

func isForeign(text []byte) bool {
	if strings.IndexByte("SGR", text[0]) < 0 || len(text) > len("Generating d") && text[len("Generating ")] == 'd' { // a delta
		return false
	}
	for _, head := range foreign {
		if _, ok := cut(text, head); ok {
			return true
		}
	}
	return false
}

// isCleanup reports whether a run is one of cleanup-tree, which walks the channels as
// the importer does, always tells everything, and calls no generator.
func (p *parser) isCleanup() bool {
	if p.called || !p.run.Complete || p.run.Level != "DEBUG" || p.run.Exception != "" {
		return false
	}
	for _, e := range p.run.Entries {
		if e.Device != "" && e.Outcome != Redirect {
			return true
		}
	}
	return false
}
