package channelconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

const (
	programsDie = "every program of the server dies when it loads the configuration, exit status 1"
	loadingDies = "every program dies when it loads the configuration"
)

// globalRules look at [global] and its list of channels.
var globalRules = []rule[string]{
	{class: "missing-section", severity: systemimage.Harmful, last: true, why: "the server knows no channel, and writes no address into version files",
		look: func(n *lint, section string) []mistake {
			return only(n.byName[section] == nil, mistake{section: section, problem: "there is no section [global]"})
		}},
	{class: "missing-key", severity: systemimage.Risky, why: "it is the folder that a program is started in, where SYSTEM_IMAGE_ROOT is not set",
		look: missingKeys("base_path")},
	{class: "missing-key", severity: systemimage.Harmful, look: missingKeys("public_fqdn", "public_http_port", "public_https_port"),
		why: "every program that makes a version file dies of it: import-images, copy-image and tag-image publish nothing"},
	listRule(func(n *lint, section string) (string, string, func(string) bool) {
		return section, "channels", func(name string) bool { return n.byName[Section(name)] != nil }
	}),
	{class: "missing-section", severity: systemimage.Harmful, why: programsDie, look: listedWithoutSection("channels", "channel_")},
	{class: "missing-key", severity: systemimage.Risky, why: "import-images has nothing to do",
		look: func(n *lint, section string) []mistake {
			_, ok := n.Get(section, "channels")
			return only(!ok, mistake{section: section, key: "channels", problem: "no channel is listed"})
		}},
}

// mirrorRules look at the mirrors, where some are listed.
var mirrorRules = []rule[string]{
	listRule(func(n *lint, section string) (string, string, func(string) bool) {
		return section, "mirrors", func(name string) bool { return n.byName["mirror_"+name] != nil }
	}),
	{class: "missing-section", severity: systemimage.Harmful, last: true, why: loadingDies,
		look: func(n *lint, section string) []mistake {
			return only(n.byName["mirror_default"] == nil, mistake{section: section, key: "mirrors", problem: "there are mirrors but no section [mirror_default]"})
		}},
	{class: "missing-key", severity: systemimage.Harmful, why: loadingDies, look: incompleteMirrors},
	{class: "missing-section", severity: systemimage.Harmful, why: programsDie, look: listedWithoutSection("mirrors", "mirror_")},
	numberRule(func(n *lint, section string) (at [][2]string) {
		at = append(at, [2]string{"mirror_default", "ssh_port"})
		for _, mirror := range n.listed("mirrors", "mirror_") {
			at = append(at, [2]string{mirror, "ssh_port"})
		}
		return at
	}),
}

// global looks at [global], the mirrors and the list of channels.
func (n *lint) global() {
	if check(n, globalRules, "global") {
		return
	}
	if _, ok := n.Get("global", "mirrors"); ok {
		check(n, mirrorRules, "global")
	}
}

// missingKeys are those of a section that are not given.
func missingKeys(keys ...string) func(n *lint, section string) []mistake {
	return func(n *lint, section string) (list []mistake) {
		for _, key := range keys {
			if _, ok := n.Get(section, key); !ok {
				list = append(list, mistake{section: section, key: key, problem: key + " is not given"})
			}
		}
		return list
	}
}

func incompleteMirrors(n *lint, _ string) (list []mistake) {
	for _, key := range []string{"ssh_user", "ssh_key", "ssh_port", "ssh_command"} {
		if _, ok := n.Get("mirror_default", key); !ok {
			list = append(list, mistake{section: "mirror_default", problem: "[mirror_default] has no " + key})
		}
	}
	for _, mirror := range n.listed("mirrors", "mirror_") {
		if n.byName[mirror] != nil && n.key(mirror, "ssh_host") == nil {
			list = append(list, mistake{section: mirror, problem: "[" + mirror + "] has no ssh_host"})
		}
	}
	return list
}

// listedWithoutSection finds the names of a list that have no section.
func listedWithoutSection(key, prefix string) func(n *lint, section string) []mistake {
	return func(n *lint, _ string) (list []mistake) {
		for _, section := range n.listed(key, prefix) {
			if n.byName[section] == nil {
				list = append(list, n.missingSection(key, prefix, strings.TrimPrefix(section, prefix)))
			}
		}
		return list
	}
}

// missingSection is about a listed name without a section.
func (n *lint) missingSection(key, prefix, name string) mistake {
	var sections []string
	listed := n.listed(key, prefix)
	for _, s := range n.Config.sections {
		if strings.HasPrefix(s.name, prefix) && !slices.Contains(listed, s.name) {
			sections = append(sections, strings.TrimPrefix(s.name, prefix))
		}
	}
	guess := closest(name, sections)
	v, _ := n.Get("global", key)
	names := slices.DeleteFunc(slices.Clone(v.Names()), func(o string) bool { return o == name && guess == "" })
	for i := range names {
		if names[i] == name {
			names[i] = guess
		}
	}
	fix := []Edit{Set("global", key, strings.Join(names, ", "))}
	if len(names) == 0 {
		fix = []Edit{Remove("global", key)}
	}
	_, published := n.linter.Channels[name]
	_, guessed := n.linter.Channels[guess]
	if guess == "" && published && len(sections) > 0 {
		fix = nil // a person must say which of them it is
	}
	for _, s := range n.Config.sections {
		bare := strings.TrimPrefix(strings.TrimPrefix(pyStrip(s.name), prefix), strings.TrimSuffix(prefix, "_")+" ")
		if bare == name || guess != "" && s.name == prefix+guess && published && !guessed {
			guess = s.name
			fix = n.rename(s, prefix+name)
		}
	}
	return mistake{section: "global", key: key, fix: fix,
		problem: fmt.Sprintf("%q is in %s but there is no section [%s%s]%s", name, key, prefix, name, meant(guess))}
}
