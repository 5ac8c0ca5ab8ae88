package channelconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

var (
	globalKeys = []string{"base_path", "channels", "gpg_key_path", "gpg_keyring_path", "publish_path", "state_path",
		"public_fqdn", "public_http_port", "public_https_port", "mirrors"}
	channelKeys = []string{"type", "versionbase", "fullcount", "deltabase", "files"}
	mirrorKeys  = []string{"ssh_user", "ssh_key", "ssh_port", "ssh_command", "ssh_host"}
)

// sectionRules look at every section, listed or not. Behind the last of them its
// keys are looked at.
var sectionRules = []rule[*configSection]{
	{class: "default-section", severity: systemimage.Worth, why: "somebody who reads a channel's section does not see them", look: keysOfAll},
	{class: "unknown-section", severity: systemimage.Risky, why: "it ignores the section without a word", last: true, look: unknownSection},
	{class: "unlisted-section", severity: systemimage.Risky, why: "the server ignores the section without a word", look: unlistedSection},
}

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

func keysOfAll(n *lint, s *configSection) []mistake {
	return only(s.name == defaultSection, mistake{section: s.name, problem: "keys of [DEFAULT] stand in every other section"})
}

func unlistedSection(n *lint, s *configSection) []mistake {
	for _, list := range []struct{ key, prefix string }{{"channels", "channel_"}, {"mirrors", "mirror_"}} {
		name, ok := strings.CutPrefix(s.name, list.prefix)
		if !ok || slices.Contains(n.listed(list.key, list.prefix), s.name) || s.name == "mirror_default" {
			continue
		}
		m := mistake{section: s.name, problem: fmt.Sprintf("[%s] is not in the list of %s", s.name, list.key)}
		if list.key == "channels" {
			m.fix = []Edit{AddChannel(name, "")}
		}
		return []mistake{m}
	}
	return nil
}

// listed are the sections that a list in [global] names.
func (n *lint) listed(key, prefix string) (list []string) {
	v, ok := n.Get("global", key)
	if ok {
		for _, name := range v.Names() {
			list = append(list, prefix+name)
		}
	}
	return list
}

func unknownSection(n *lint, s *configSection) []mistake {
	if keysOf(s.name) != nil {
		return nil
	}
	name := s.name
	guess := closest(name, []string{"global", defaultSection})
	for _, prefix := range []string{"channel_", "mirror_"} {
		head, rest, ok := strings.Cut(pyStrip(name), "_")
		if ok && guess == "" && (head+"_" == prefix || closest(head+"_", []string{prefix}) != "") {
			guess = prefix + rest
		}
	}
	m := mistake{section: name, problem: fmt.Sprintf("the server knows no section [%s]%s", name, meant(guess))}
	if guess != "" && n.byName[guess] == nil {
		m.fix = n.rename(s, guess)
	}
	return []mistake{m}
}

// rename is the edit that gives a section another name.
func (n *lint) rename(s *configSection, to string) []Edit {
	l := n.lines[s.header]
	old := string(n.text[l.start:l.stop])
	return []Edit{Line{Number: s.header + 1, Text: old}.Replace(strings.Replace(old, "["+s.name+"]", "["+to+"]", 1))}
}
