package channelconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// global looks at [global], the mirrors and the list of channels.
func (n *lint) global() {
	if n.byName["global"] == nil {
		n.add(systemimage.Harmful, "missing-section", "global", "", "there is no section [global]", "the server knows no channel, and writes no address into version files")
		return
	}
	if _, ok := n.Get("global", "base_path"); !ok {
		n.add(systemimage.Risky, "missing-key", "global", "base_path", "base_path is not given",
			"it is the folder that a program is started in, where SYSTEM_IMAGE_ROOT is not set")
	}
	for _, key := range []string{"public_fqdn", "public_http_port", "public_https_port"} {
		if _, ok := n.Get("global", key); !ok {
			n.add(systemimage.Harmful, "missing-key", "global", key, key+" is not given", "every program that makes a version file dies of it: import-images, copy-image and tag-image publish nothing")
		}
	}
	n.list("global", "channels", func(name string) bool { return n.byName[Section(name)] != nil })
	if v, ok := n.Get("global", "channels"); ok {
		for _, name := range v.Names() {
			if n.byName[Section(name)] == nil {
				n.missingSection("channels", "channel_", name)
			}
		}
	} else {
		n.add(systemimage.Risky, "missing-key", "global", "channels", "no channel is listed", "import-images has nothing to do")
	}
	v, ok := n.Get("global", "mirrors")
	if !ok {
		return
	}
	n.list("global", "mirrors", func(name string) bool { return n.byName["mirror_"+name] != nil })
	const why = "every program dies when it loads the configuration"
	if n.byName["mirror_default"] == nil {
		n.add(systemimage.Harmful, "missing-section", "global", "mirrors", "there are mirrors but no section [mirror_default]", why)
		return
	}
	for _, key := range []string{"ssh_user", "ssh_key", "ssh_port", "ssh_command"} {
		if _, ok := n.Get("mirror_default", key); !ok {
			n.add(systemimage.Harmful, "missing-key", "mirror_default", "", "[mirror_default] has no "+key, why)
		}
	}
	n.number("mirror_default", "ssh_port")
	for _, name := range v.Names() {
		section := "mirror_" + name
		switch {
		case n.byName[section] == nil:
			n.missingSection("mirrors", "mirror_", name)
		case n.key(section, "ssh_host") == nil:
			n.add(systemimage.Harmful, "missing-key", section, "", "["+section+"] has no ssh_host", why)
		}
		n.number(section, "ssh_port")
	}
}

// missingSection is about a listed name without a section.
func (n *lint) missingSection(key, prefix, name string) {
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
	fix := []Edit{set("global", key, strings.Join(names, ", "))}
	if len(names) == 0 {
		fix = []Edit{{Do: EditRemove, Section: "global", Key: key}}
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
	n.add(systemimage.Harmful, "missing-section", "global", key, fmt.Sprintf("%q is in %s but there is no section [%s%s]%s", name, key, prefix, name, meant(guess)),
		"every program of the server dies when it loads the configuration, exit status 1", fix...)
}

// list looks for names that were meant to be several, or none. known says which
// names exist.
func (n *lint) list(section, key string, known func(string) bool) {
	v, ok := n.Get(section, key)
	if !ok {
		return
	}
	names := v.Names()
	var better []string
	odd := ""
	for i, name := range names {
		switch {
		case name == "":
			odd = "an empty name"
		case slices.Contains(names[:i], name):
			odd = fmt.Sprintf("%q a second time", name)
		case known(name) || !strings.ContainsAny(name, ",\n\t"):
			better = append(better, name)
		default:
			odd = fmt.Sprintf("the name %q", name)
			parts := splitNames(name, known)
			if slices.ContainsFunc(parts, func(p string) bool { return !known(p) }) && strings.Contains(strings.Trim(name, ","), ",") && !strings.ContainsAny(name, "\n\t") {
				parts = []string{name} // perhaps one name after all, whose key is misspelt
			}
			for _, part := range parts {
				if !slices.Contains(better, part) {
					better = append(better, part)
				}
			}
		}
	}
	if odd == "" {
		return
	}
	fix := []Edit{set(section, key, strings.Join(better, ", "))}
	if slices.Equal(better, v.Names()) {
		fix = nil
	}
	if len(better) == 0 {
		fix = []Edit{{Do: EditRemove, Section: section, Key: key}}
	}
	n.add(systemimage.Harmful, "list", section, key, fmt.Sprintf("%s has %s", key, odd),
		"only comma and blank separate names: \"a,b\" is one name, and a comma at the end of a line or of the list belongs to the name", fix...)
}

// splitNames takes a name apart at every comma and white space. Two neighbours
// that are known as one name, such as "device,mako", stay together.
func splitNames(name string, known func(string) bool) (list []string) {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == ',' || pySpace(r) })
	for i := 0; i < len(parts); i++ {
		if i+1 < len(parts) && known(parts[i]+","+parts[i+1]) {
			list = append(list, parts[i]+","+parts[i+1])
			i++
			continue
		}
		list = append(list, parts[i])
	}
	return list
}

// number looks at a value that must be an integer.
func (n *lint) number(section, key string) (int, bool) {
	v, ok := n.Get(section, key)
	if !ok {
		return 0, false
	}
	number, ok := pyInt(v.Text)
	if !ok || v.List != nil {
		var fix []Edit
		digits := v.Text[:len(v.Text)-len(strings.TrimLeft(v.Text, "0123456789"))]
		if rest := v.Text[len(digits):]; digits != "" && v.List == nil && strings.Trim(rest, ".0") == "" {
			fix = []Edit{set(section, key, digits)} // 3.0
		}
		n.add(systemimage.Harmful, "not-a-number", section, key, fmt.Sprintf("%s = %s is not an integer", key, v),
			"every program of the server dies when it loads the configuration, exit status 1", fix...)
		return 0, false
	}
	return number, true
}

// missingFiles are the entries of a channel's files that have no file key.
func (n *lint) missingFiles(section string) (list []string) {
	v, ok := n.Get(section, "files")
	if !ok {
		return nil
	}
	for _, entry := range v.Names() {
		if n.key(section, "file_"+entry) == nil && !slices.Contains(list, entry) {
			list = append(list, entry)
		}
	}
	return list
}

func (n *lint) channel(name string) {
	section := Section(name)
	kind, ok := n.Get(section, "type")
	auto := ok && kind.List == nil && kind.Text == "auto"
	if ok && !auto && (kind.List != nil || kind.Text != "manual") {
		word, _, _ := strings.Cut(kind.String(), " ")
		guess := closest(word, []string{"auto", "manual"})
		if guess == "" && (word == "auto" || word == "manual") {
			guess = word
		}
		if guess == "" && strings.HasPrefix(strings.ToLower(word), "auto") {
			guess = "auto" // automatic
		}
		var fix []Edit
		if guess != "" && kind.List == nil {
			fix = []Edit{set(section, "type", guess)}
		}
		n.add(systemimage.Harmful, "unknown-type", section, "type", fmt.Sprintf("type is %q%s", kind, meant(guess)),
			"only the exact word auto makes import-images process the channel; anything else is manual, without a word", fix...)
	}
	if base, ok := n.number(section, "versionbase"); ok && (base < 1 || base > systemimage.MaxVersion) {
		n.add(systemimage.Risky, "versionbase", section, "versionbase", fmt.Sprintf("versionbase is %d", base), fmt.Sprintf("devices take versions from 1 to %d", systemimage.MaxVersion))
	}
	if count, ok := n.number(section, "fullcount"); auto && (ok && count <= 0 || n.key(section, "fullcount") == nil) {
		n.add(systemimage.Worth, "fullcount", section, "fullcount", "no image ever expires", "fullcount is not given, or 0: the pool grows with every import")
	}
	n.deltabase(name, section)
	n.files(name, section, auto)
}

func (n *lint) deltabase(name, section string) {
	v, ok := n.Get(section, "deltabase")
	if !ok {
		return
	}
	known := func(c string) bool {
		_, published := n.linter.Channels[c]
		return published || c == name || n.byName[Section(c)] != nil
	}
	n.list(section, "deltabase", known)
	for _, base := range v.Names() {
		if known(base) || strings.ContainsAny(base, ",\n\t") || base == "" {
			continue
		}
		guess := closest(base, n.allChannels())
		names := slices.Clone(v.Names())
		var fix []Edit
		if guess != "" {
			names[slices.Index(names, base)] = guess
			fix = []Edit{set(section, "deltabase", strings.Join(names, ", "))}
		}
		n.add(systemimage.Risky, "deltabase", section, "deltabase", fmt.Sprintf("there is no channel %q for deltas%s", base, meant(guess)),
			"import-images warns, and publishes without that delta: devices download the full image", fix...)
	}
}

// allChannels are the names of the channels that are known from anywhere.
func (n *lint) allChannels() []string {
	names := n.channelNames()
	for name := range n.linter.Channels {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
