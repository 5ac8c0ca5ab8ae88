package channelconfig

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

var (
	globalKeys = []string{"base_path", "channels", "gpg_key_path", "gpg_keyring_path", "publish_path", "state_path",
		"public_fqdn", "public_http_port", "public_https_port", "mirrors"}
	channelKeys = []string{"type", "versionbase", "fullcount", "deltabase", "files"}
	mirrorKeys  = []string{"ssh_user", "ssh_key", "ssh_port", "ssh_command", "ssh_host"}
)

// keysOf are the keys that the server looks for in a section, without file_X;
// nil for a section that it does not know.
func keysOf(section string) []string {
	switch {
	case section == "global":
		return globalKeys
	case section == defaultSection:
		return slices.Concat(globalKeys, channelKeys, mirrorKeys)
	case strings.HasPrefix(section, "channel_"):
		return channelKeys
	case strings.HasPrefix(section, "mirror_"):
		return mirrorKeys
	}
	return nil
}

func knownKey(section, key string) bool {
	return slices.Contains(keysOf(section), key) || strings.HasPrefix(key, "file_") && strings.HasPrefix(section, "channel_")
}

// sections looks at every section and key, listed or not.
func (n *lint) sections() {
	listed := n.listed("channels", "channel_")
	mirrors := append(n.listed("mirrors", "mirror_"), "mirror_default")
	for _, s := range n.Config.sections {
		switch {
		case s.name == defaultSection:
			n.add(systemimage.Worth, "default-section", s.name, "", "keys of [DEFAULT] stand in every other section", "somebody who reads a channel's section does not see them")
		case keysOf(s.name) == nil:
			n.unknownSection(s)
			continue
		case strings.HasPrefix(s.name, "channel_") && !slices.Contains(listed, s.name):
			n.add(systemimage.Risky, "unlisted-section", s.name, "", fmt.Sprintf("[%s] is not in the list of channels", s.name),
				"the server ignores the section without a word", Edit{Do: EditAddChannel, Key: strings.TrimPrefix(s.name, "channel_")})
		case strings.HasPrefix(s.name, "mirror_") && !slices.Contains(mirrors, s.name):
			n.add(systemimage.Risky, "unlisted-section", s.name, "", fmt.Sprintf("[%s] is not in the list of mirrors", s.name), "the server ignores the section without a word")
		}
		for _, k := range s.keys {
			n.unknownKey(s, k)
			n.value(s.name, k)
		}
	}
}

func (n *lint) listed(key, prefix string) (list []string) {
	v, ok := n.Get("global", key)
	if ok {
		for _, name := range v.Names() {
			list = append(list, prefix+name)
		}
	}
	return list
}

func (n *lint) unknownSection(s *configSection) {
	name := s.name
	guess := closest(name, []string{"global", defaultSection})
	for _, prefix := range []string{"channel_", "mirror_"} {
		head, rest, ok := strings.Cut(pyStrip(name), "_")
		if ok && guess == "" && (head+"_" == prefix || closest(head+"_", []string{prefix}) != "") {
			guess = prefix + rest
		}
	}
	var fix []Edit
	if guess != "" && n.byName[guess] == nil {
		fix = n.rename(s, guess)
	}
	n.add(systemimage.Risky, "unknown-section", name, "", fmt.Sprintf("the server knows no section [%s]%s", name, meant(guess)),
		"it ignores the section without a word", fix...)
}

// rename is the edit that gives a section another name.
func (n *lint) rename(s *configSection, to string) []Edit {
	l := n.lines[s.header]
	old := string(n.text[l.start:l.stop])
	return []Edit{{Do: EditLine, Line: s.header + 1, Old: old, Value: strings.Replace(old, "["+s.name+"]", "["+to+"]", 1)}}
}

func (n *lint) unknownKey(s *configSection, k *configKey) {
	if knownKey(s.name, k.name) || s.name == defaultSection && strings.HasPrefix(k.name, "file_") {
		return
	}
	words := keysOf(s.name)
	for _, f := range n.missingFiles(s.name) {
		words = append(slices.Clip(words), "file_"+f)
	}
	guess := closest(k.name, words)
	var fix []Edit
	if guess != "" && s.byName[guess] == nil {
		l := n.lines[k.lines[0]]
		old := string(n.text[l.start:l.stop])
		fix = []Edit{{Do: EditLine, Line: k.lines[0] + 1, Old: old, Value: strings.Replace(old, k.name, guess, 1)}}
	}
	n.add(systemimage.Risky, "unknown-key", s.name, k.name, fmt.Sprintf("the server knows no key %q in [%s]%s", k.name, s.name, meant(guess)),
		"it ignores the key without a word, and the default applies", fix...)
}

var (
	inlineComment = regexp.MustCompile(`[ \t]+[#;][ \t].*$|[ \t]+#.*$`)
	singleQuoted  = regexp.MustCompile(`^'[^']*'$`)
)

// value looks at a value as a text.
func (n *lint) value(section string, k *configKey) {
	n.indented(section, k)
	text := newConfigValue(string(k.value)).String()
	first, _, _ := strings.Cut(text, "\n")
	if m := inlineComment.FindString(first); m != "" && knownKey(section, k.name) {
		n.add(systemimage.Harmful, "inline-comment", section, k.name, fmt.Sprintf("%q is part of the value of %s", host.HideSecrets(strings.TrimSpace(m)), k.name),
			"a comment is a line of its own; behind a value it belongs to the value", set(section, k.name, strings.TrimSuffix(first, m)))
	}
	if singleQuoted.MatchString(text) {
		n.add(systemimage.Risky, "single-quotes", section, k.name, fmt.Sprintf("the quotes are part of the value of %s", k.name),
			"the server takes double quotes off, single ones stay", set(section, k.name, strings.Trim(text, "'")))
	}
	if singleValue(k.name) && newConfigValue(string(k.value)).List != nil {
		n.add(systemimage.Harmful, "list-value", section, k.name, fmt.Sprintf("comma and blank make %s a list", k.name),
			"the server expects one text: its programs fail, or the value is none that it knows")
	}
}

// singleValue says that a key's value must not be a list. Those of numbers and
// files have a rule of their own.
func singleValue(key string) bool {
	return slices.Contains([]string{"base_path", "gpg_key_path", "gpg_keyring_path", "publish_path", "state_path", "type",
		"public_fqdn", "public_http_port", "public_https_port", "ssh_user", "ssh_key", "ssh_command", "ssh_host"}, key)
}
