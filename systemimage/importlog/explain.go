package importlog

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// evidence is what a log has about one event.
type evidence struct {
	event     event
	text      string
	trace     []string // functions that the traceback leads through, the outermost first
	generator string   // at work, or that gave no file
	hint      string   // what a DEBUG record said about a missing build
	first     bool     // the generator is the first of the device
	news      bool     // those before it had new files
	xz        string   // what xz said
	file      string   // the last new file of the device, below www

	channel, device string
	version         int
	since           string   // when the run began
	lines           []string // numbers of the lines of etc/config that are at fault
}

// Explain says what an exception of the server's programs means and what to do
// about it. output is what the program wrote, or nil: where in the program an
// exception came from can tell more than its words.
func Explain(exception string, output []byte) Finding {
	e := evidence{event: died, text: exception}
	if isEnding(exception) {
		e.event = killed
	}
	var t trace
	for line := range bytes.Lines(output) {
		t.read(bytes.TrimRight(line, "\r\n"))
	}
	e.trace = t.functions
	return *e.explain()
}

// explain is the finding of the first rule that fits.
func (e evidence) explain() *Finding {
	f, _ := e.explainBy()
	return f
}

// explainBy returns the rule as well. TestRules has it that every event has a rule
// that fits at last.
func (e evidence) explainBy() (*Finding, *rule) {
	for i := range rules {
		if name, ok := rules[i].fits(e); ok {
			return rules[i].finding(e, name), &rules[i]
		}
	}
	return (&rule{about: AboutRun, remedy: "look at the log"}).finding(e, ""), &rule{}
}

// fits reports whether a rule explains the evidence, and what stands behind the
// words that it knows it by.
func (r *rule) fits(e evidence) (name string, ok bool) {
	within := func(list []string, text string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return strings.Contains(text, s) })
	}
	isGenerator := func(g string) bool {
		return g == e.generator || strings.HasSuffix(g, "-") && strings.HasPrefix(e.generator, g)
	}
	switch {
	case r.on != e.event,
		!within(r.has, e.text),
		!within(r.hint, e.hint),
		r.in != "" && !slices.Contains(e.trace, r.in),
		slices.ContainsFunc(r.notIn, func(f string) bool { return slices.Contains(e.trace, f) }),
		len(r.generator) > 0 && !slices.ContainsFunc(r.generator, isGenerator),
		r.first && !e.first,
		r.news && !e.news,
		r.said && e.text == "",
		r.xz && e.xz == "",
		r.file && !strings.HasPrefix(e.file, "pool/"):
		return "", false
	}
	for _, words := range r.has {
		if _, name, ok = strings.Cut(e.text, words); ok {
			name = strings.TrimLeft(name, `'" `)
			if end := strings.IndexAny(name, `'"`); end >= 0 {
				name = name[:end]
			}
			break
		}
	}
	return strings.TrimSpace(name), true
}

// finding fills in what the rule leaves open.
func (r *rule) finding(e evidence, name string) *Finding {
	payload := strings.TrimSuffix(name, ".asc")
	if r.file {
		payload = path.Join("www", e.file)
	}
	lines := "the line that is named"
	if len(e.lines) > 0 {
		lines = "line " + strings.Join(e.lines, ", ")
	}
	xz := e.xz
	if xz != "" {
		xz = " (" + xz + ")"
	}
	fields := strings.NewReplacer("{text}", e.text, "{name}", name, "{hint}", e.hint, "{generator}", e.generator, "{xz}", xz,
		"{payload}", payload, "{meta}", strings.TrimSuffix(payload, ".tar.xz"), "{lines}", lines,
		"{channel}", e.channel, "{device}", e.device, "{version}", fmt.Sprint(e.version), "{since}", e.since)
	f := &Finding{About: r.about, Finding: systemimage.Finding{Severity: cmp.Or(r.severity, systemimage.Harmful), Class: r.class,
		Channel: e.channel, Device: e.device, Problem: fields.Replace(cmp.Or(r.cause, "{text}")), Remedy: fields.Replace(r.remedy)}}
	for _, c := range r.commands {
		f.Commands = append(f.Commands, fill(c, fields))
	}
	if r.on == noFile && len(r.commands) == 0 {
		if f.Commands = askAgain(e.text); len(f.Commands) == 0 && e.channel != "" {
			f.Commands = []string{fill(section, fields), again}
		}
	}
	return f
}

// fill fills in a command. What stands between single quotes is one word.
func fill(template string, fields *strings.Replacer) string {
	parts := strings.Split(template, "'")
	for i := 1; i < len(parts)-1; i += 2 {
		parts[i] = command.Word(fields.Replace(parts[i]))
	}
	return strings.Join(parts, "")
}

var failedURL = regexp.MustCompile(`Failed to (?:download|retrieve url) (\S.*)$`)

// failedURLs are the addresses that records complain about.
func failedURLs(records iter.Seq[string]) []string {
	var urls []string
	for r := range records {
		if m := failedURL.FindStringSubmatch(r); m != nil && !slices.Contains(urls, m[1]) {
			urls = append(urls, m[1])
		}
	}
	return urls
}

// askAgain are commands that ask by hand for the addresses that failed.
func askAgain(text string) []string {
	var commands []string
	for _, u := range failedURLs(strings.SplitSeq(text, "; ")) {
		if strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://") {
			commands = append(commands, "curl -sSIL --max-time 20 "+command.Word(u))
		}
	}
	return commands
}

// A trace reads tracebacks, line by line. Of several the last counts.
type trace struct {
	open      bool
	functions []string
}

const beginTrace = "Traceback (most recent call last):"

// maxTrace is how many functions of a traceback are kept, the inmost ones.
const maxTrace = 50

// read reads a line outside of any record. It returns the exception when the line
// ends a traceback.
func (t *trace) read(line []byte) (exception []byte) {
	switch {
	case string(line) == beginTrace:
		t.open, t.functions = true, t.functions[:0]
	case !t.open || len(line) == 0:
	case line[0] != ' ' && line[0] != '\t':
		t.open = false
		return line
	case bytes.HasPrefix(line, []byte(`  File "`)):
		if i := bytes.LastIndex(line, []byte(", in ")); i >= 0 {
			if len(t.functions) == maxTrace {
				t.functions = append(t.functions[:0], t.functions[1:]...)
			}
			t.functions = append(t.functions, host.Shorten(string(line[i+len(", in "):])))
		}
	}
	return nil
}
