package channelconfig

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// A keyAt is a key in its section.
type keyAt struct {
	section string
	*configKey
}

// keyRules look at every key and its value as a text.
var keyRules = []rule[keyAt]{
	{class: "unknown-key", severity: systemimage.Risky, why: "it ignores the key without a word, and the default applies", look: unknownKey},
	{class: "indented-key", severity: systemimage.Harmful, look: indentedKey,
		why: "a line indented deeper than the key above continues that key's value; both keys have another value than it seems"},
	{class: "inline-comment", severity: systemimage.Harmful, look: commentBehind,
		why: "a comment is a line of its own; behind a value it belongs to the value"},
	{class: "single-quotes", severity: systemimage.Risky, why: "the server takes double quotes off, single ones stay", look: singleQuotes},
	{class: "list-value", severity: systemimage.Harmful, look: listForText,
		why: "the server expects one text: its programs fail, or the value is none that it knows"},
}

func unknownKey(n *lint, k keyAt) []mistake {
	if knownKey(k.section, k.name) || k.section == defaultSection && strings.HasPrefix(k.name, "file_") {
		return nil
	}
	words := keysOf(k.section)
	for _, f := range n.missingFiles(k.section) {
		words = append(slices.Clip(words), "file_"+f)
	}
	guess := closest(k.name, words)
	m := mistake{section: k.section, key: k.name, problem: fmt.Sprintf("the server knows no key %q in [%s]%s", k.name, k.section, meant(guess))}
	if guess != "" && n.byName[k.section].byName[guess] == nil {
		l := n.lines[k.lines[0]]
		old := string(n.text[l.start:l.stop])
		m.fix = []Edit{Line{Number: k.lines[0] + 1, Text: old}.Replace(strings.Replace(old, k.name, guess, 1))}
	}
	return []mistake{m}
}

// indentedKey looks for lines that look like keys but are part of the value above.
func indentedKey(n *lint, k keyAt) (list []mistake) {
	for _, line := range k.lines[1:] {
		l := n.lines[line]
		text := string(n.text[l.start:l.stop])
		name := pyStrip(text)
		sep := strings.IndexAny(name, "=:")
		if sep < 0 {
			continue
		}
		name = pyTrimRight(name[:sep])
		if !knownKey(k.section, name) {
			continue
		}
		list = append(list, mistake{
			line: line + 1, section: k.section, key: name,
			problem: fmt.Sprintf("%s is indented: it is part of the value of %s", name, k.name),
			fix:     []Edit{Line{Number: line + 1, Text: text}.Replace(n.indent(k.lines[0]) + pyTrimLeft(text))},
		})
	}
	return list
}

var (
	inlineComment = regexp.MustCompile(`[ \t]+[#;][ \t].*$|[ \t]+#.*$`)
	singleQuoted  = regexp.MustCompile(`^'[^']*'$`)
)

func commentBehind(n *lint, k keyAt) []mistake {
	first, _, _ := strings.Cut(newConfigValue(string(k.value)).String(), "\n")
	m := inlineComment.FindString(first)
	return only(m != "" && knownKey(k.section, k.name), mistake{section: k.section, key: k.name,
		problem: fmt.Sprintf("%q is part of the value of %s", host.HideSecrets(strings.TrimSpace(m)), k.name),
		fix:     []Edit{Set(k.section, k.name, strings.TrimSuffix(first, m))}})
}

func singleQuotes(n *lint, k keyAt) []mistake {
	text := newConfigValue(string(k.value)).String()
	return only(singleQuoted.MatchString(text), mistake{section: k.section, key: k.name,
		problem: fmt.Sprintf("the quotes are part of the value of %s", k.name),
		fix:     []Edit{Set(k.section, k.name, strings.Trim(text, "'"))}})
}

// textKeys are the keys whose value must not be a list. Those of numbers and
// files have a rule of their own.
var textKeys = []string{"base_path", "gpg_key_path", "gpg_keyring_path", "publish_path", "state_path", "type",
	"public_fqdn", "public_http_port", "public_https_port", "ssh_user", "ssh_key", "ssh_command", "ssh_host"}

func listForText(n *lint, k keyAt) []mistake {
	return only(slices.Contains(textKeys, k.name) && newConfigValue(string(k.value)).List != nil, mistake{section: k.section, key: k.name,
		problem: fmt.Sprintf("comma and blank make %s a list", k.name)})
}
