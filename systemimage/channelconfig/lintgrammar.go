package channelconfig

import (
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
		found := mistake{line: f.Line, section: f.Section, key: f.Key}
		found.problem, _, _ = strings.Cut(f.Error(), "; "+f.Effect())
		var line string
		if f.Line > 0 && f.Line <= len(c.lines) {
			line = string(c.text[c.lines[f.Line-1].start:c.lines[f.Line-1].stop])
		}
		var next *Config
		if mended, ok := mendLine(f, line); ok {
			e := Line{Number: f.Line, Text: line}.Replace(mended)
			if edited, err := c.Edit(e); err == nil {
				found.fix, next = []Edit{e}, edited
			}
		}
		n.add("grammar", systemimage.Harmful, f.Effect(), found)
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
