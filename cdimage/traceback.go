package cdimage

import (
	"bytes"
	"strings"
)

// A traceback is a Python traceback in a cd-build-log. It is fatal only when
// nothing more of the run follows: posting to the image tracker may print a
// whole one, and the run goes on.
type traceback struct {
	line      int
	stage     string
	frames    []string // functions, outermost first
	exception string
	number    int      // of the exception's line
	body      []answer // what follows the exception, as Launchpad's answer does
	dashes    int      // "---" lines of that answer
	answered  bool     // "Response headers:" was seen
	chained   bool     // another traceback belongs to this one
	n         int
}

// An answer is one line of what a server said.
type answer struct {
	text   string
	number int
}

const maxBody = 60

// add takes the next line; false when the line belongs to the run again.
func (t *traceback) add(line []byte) bool {
	t.n++
	text := quote(line)
	switch {
	case t.exception == "" && (strings.HasPrefix(text, " ") || text == ""):
		if _, fn, ok := strings.Cut(text, ", in "); ok && strings.HasPrefix(text, "  File ") && len(t.frames) < 200 {
			t.frames = append(t.frames, fn)
		}
		return true
	case t.exception == "" && t.chained && bytes.HasPrefix(line, []byte("Traceback ")):
		return false
	case t.exception == "":
		t.exception, t.number = text, t.line+t.n
		return true
	case strings.HasPrefix(text, "During handling of the above exception") || strings.HasPrefix(text, "The above exception was the direct cause"):
		t.chained, t.exception = true, ""
		return true
	case text == "Response headers:" || text == "Response body:":
		t.answered = true
		return true
	case t.answered && t.dashes < 4:
		if text == "---" {
			t.dashes++
		} else if len(t.body) < maxBody {
			t.body = append(t.body, answer{text, t.line + t.n})
		}
		return true
	}
	return text == ""
}

func (t *traceback) through(functions ...string) bool {
	for _, f := range t.frames {
		for _, fn := range functions {
			if f == fn {
				return true
			}
		}
	}
	return false
}

// harmless reports whether a traceback is only printed, never raised on.
func (t *traceback) harmless() bool { return t.through("post_qa") }

// linked reports whether the publisher died when the directory was complete and
// "pending" and "current" pointed to it: what is left is the list of all images
// and the image tracker.
func (t *traceback) linked() bool {
	return t.through("publish") && !t.through("new_publish_dir", "publish_binary", "publish_livecd_base", "publish_wubi", "publish_source",
		"generate_lxd_metadata", "polish_directory", "link", "mark_current")
}

// scope is what the end of the run took down when nothing more is known.
func (t *traceback) scope() string {
	switch {
	case strings.Contains(t.exception, "HTTP Error"):
		return "launchpad"
	case t.stage == stageBuild || t.stage == "":
		return "host"
	case t.stage == stageMirrors:
		return "mirrors"
	}
	return "publish"
}

// endTraceback is called when the run goes on after a traceback.
func (p *buildParser) endTraceback() {
	if p.tb == nil {
		return
	}
	if p.tb.exception != "" { // that of the last line may be cut
		p.warn(p.tb.exception)
	}
	p.tb = nil
}
