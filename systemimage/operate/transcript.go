package operate

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/internal/host"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

// A transcript is what one run of copy-image, tag-image, set-phased-percentage
// or import-images said. It is evidence, not proof: the programs announce an
// image before they commit it, and exit with 0 after doing nothing.
type transcript struct {
	locked    bool   // somebody else holds the global lock; nothing was done
	refusal   string // TEXT of "copy-image: error: TEXT"; nothing was done
	exception string // last line of an uncaught traceback, such as "KeyError: 'x'"
	version   int    // N of "Publishing new image 'N'"; 0 when it was not said
	deltas    []int  // bases of the announced deltas
	complete  bool   // the last record of a complete run was seen
	records   int
}

var (
	publishingImage = regexp.MustCompile(`^Publishing new image '(\d+)' `)
	publishingDelta = regexp.MustCompile(`^Publishing new delta from '(\d+)' `)
	usageError      = regexp.MustCompile(`^[a-z][a-z-]*: error: (.+)$`)
)

// readTranscript reads both streams of a run. They may also arrive as one (a
// terminal), in any verbosity and from either era of the server.
func readTranscript(out command.Output) transcript {
	var t transcript
	t.read(out.Stdout)
	// A traceback in the standard output that a later record follows was caught
	// by the program and logged; read has dropped it.
	t.read(out.Stderr)
	return t
}

func (t *transcript) read(b []byte) {
	lines := serverlog.NewReader(bytes.NewReader(b))
	var (
		trace   bool // inside a traceback, before its last line
		logging bool // inside Python's report that a record could not be written
	)
	for {
		level, b, err := lines.Next()
		if err != nil { // a bytes.Reader only ends
			return
		}
		text := string(b)
		if level != 0 {
			trace, t.exception = false, ""
			t.record(text)
			continue
		}
		switch {
		case text == serverlog.LockText:
			t.locked = true
		case text == "--- Logging error ---":
			logging = true
		case logging && strings.HasPrefix(text, "Message: "):
			// With its reader gone the program goes on, and its records turn
			// into these reports on the other stream.
			t.record(strings.Trim(strings.TrimPrefix(text, "Message: "), `'"`))
		case logging && strings.HasPrefix(text, "Arguments: "):
			logging = false
		case logging:
		case text == "Traceback (most recent call last):":
			trace = true
		case trace && text != "" && text[0] != ' ' && text[0] != '\t':
			trace, t.exception = false, host.Shorten(host.HideSecrets(text))
		case !trace:
			if m := usageError.FindStringSubmatch(text); m != nil {
				t.refusal = host.Shorten(m[1])
			}
		}
	}
}

func (t *transcript) record(text string) {
	t.records++
	switch {
	case text == serverlog.LockText:
		t.locked = true
	case text == "Triggering a mirror sync":
		t.complete = true
	default:
		if m := publishingImage.FindStringSubmatch(text); m != nil {
			t.version, _ = strconv.Atoi(m[1])
		} else if m := publishingDelta.FindStringSubmatch(text); m != nil {
			if base, err := strconv.Atoi(m[1]); err == nil {
				t.deltas = append(t.deltas, base)
			}
		}
	}
}
