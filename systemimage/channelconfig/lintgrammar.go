package channelconfig

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// grammar finds the faults of the text one after the other: as each of them
// empties the whole configuration, the next is found in the text with the ones
// before it mended. Mends keep the number of lines.
func (n *lint) grammar() {
	const most = 50
	c := n.Config
	for range most {
		f := c.failure
		if f == nil {
			return
		}
		found := Finding{Line: f.Line, Severity: systemimage.Harmful, Class: "grammar", Section: f.Section, Key: f.Key, Why: f.Effect()}
		found.Problem, _, _ = strings.Cut(f.Error(), "; "+f.Effect())
		var line string
		if f.Line > 0 && f.Line <= len(c.lines) {
			line = string(c.text[c.lines[f.Line-1].start:c.lines[f.Line-1].stop])
		}
		var next *Config
		if mended, ok := mendLine(f, line); ok {
			e := Edit{Do: EditLine, Line: f.Line, Old: line, Value: mended}
			if edited, err := c.Edit(e); err == nil {
				found.Fix, next = []Edit{e}, edited
			}
		}
		n.findings = append(n.findings, found)
		if next == nil {
			return
		}
		c = next
	}
}

var (
	forgotSeparator = regexp.MustCompile(`^([ \t]*)(base_path|channels|gpg_key_path|gpg_keyring_path|publish_path|state_path|public_[a-z_]+|mirrors|type|versionbase|fullcount|deltabase|files|file_\S+|ssh_[a-z]+)[ \t]+(\S.*)$`)
	neverClosed     = regexp.MustCompile(`^\s*\[([^\[\]]+?)\s*$`)
)

// mendLine is what the line of a fault should be, where that can be told.
func mendLine(f *Failure, line string) (string, bool) {
	switch f.Class {
	case classParsing, classNoSection:
		if rest, ok := strings.CutPrefix(line, "\ufeff"); ok {
			return rest, true
		}
		if m := forgotSeparator.FindStringSubmatch(line); m != nil && f.Class == classParsing {
			return m[1] + m[2] + " = " + m[3], true
		}
		if m := neverClosed.FindStringSubmatch(line); m != nil {
			return "[" + m[1] + "]", true
		}
		return "# " + line, true
	case classDuplicateOption:
		return "# " + line, true
	}
	return "", false // two sections: somebody must look which keys to keep
}

// indented looks for lines that look like keys but are part of the value above.
func (n *lint) indented(section string, k *configKey) {
	for _, line := range k.lines[1:] {
		l := n.lines[line]
		text := string(n.text[l.start:l.stop])
		name := pyStrip(text)
		sep := strings.IndexAny(name, "=:")
		if sep < 0 {
			continue
		}
		name = pyTrimRight(name[:sep])
		if !knownKey(section, name) {
			continue
		}
		n.findings = append(n.findings, Finding{
			Line: line + 1, Severity: systemimage.Harmful, Class: "indented-key", Section: section, Key: name,
			Problem: fmt.Sprintf("%s is indented: it is part of the value of %s", name, k.name),
			Why:     "a line indented deeper than the key above continues that key's value; both keys have another value than it seems",
			Fix:     []Edit{{Do: EditLine, Line: line + 1, Old: text, Value: n.indent(k.lines[0]) + pyTrimLeft(text)}},
		})
	}
}
