package channelconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// filesRules look at the files of a channel as a whole: their order, and what an
// automatic channel should have.
var filesRules = []rule[channelAt]{
	{class: "order", severity: systemimage.Harmful, look: fileOrder},
	missingEntry("version", "the image does not tell devices which version it is: they are offered it again and again"),
	missingEntry("keyring", "the image brings no archive-master keyring to the devices"),
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

// entries are those of the names that have a key with a text.
func (n *lint) entries(section string, names []string) (list []FileEntry) {
	for _, entry := range names {
		if v, ok := n.Get(section, "file_"+entry); ok && v.List == nil {
			list = append(list, newFileEntry(entry, v.Text))
		}
	}
	return list
}

func missingFileKeys(n *lint, c channelAt) (list []mistake) {
	for _, entry := range n.missingFiles(c.section) {
		key := "file_" + entry
		guess, fix := n.mendMissingFile(c, entry)
		list = append(list, mistake{section: c.section, key: "files", fix: fix,
			problem: fmt.Sprintf("%q is in files but there is no key %s%s", entry, key, meant(guess))})
	}
	return list
}

// mendMissingFile says which key an entry without one may mean, and how that is put
// right; no fix where a person must say.
func (n *lint) mendMissingFile(c channelAt, entry string) (guess string, fix []Edit) {
	var unused []string
	for _, k := range n.Keys(c.section) {
		if e, ok := strings.CutPrefix(k, "file_"); ok && !slices.Contains(c.names, e) {
			unused = append(unused, e)
		}
	}
	guess = closest(entry, unused)
	key := "file_" + entry
	fix = []Edit{RemoveFile(c.section, entry)}
	switch old, _ := n.Get(c.section, "file_"+guess); {
	case strings.Contains(guess, ", ") && old.List != nil:
		fix = nil
	case strings.Contains(guess, ", "): // a list cannot hold it
		fix = []Edit{Set(c.section, key, old.Text), Remove(c.section, "file_"+guess)}
	case guess != "":
		better := slices.Clone(c.names)
		better[slices.Index(better, entry)] = guess
		fix = []Edit{Set(c.section, "files", strings.Join(better, ", "))}
	case len(unused) > 0, n.elsewhere(c.section, key):
		fix = nil
	}
	if entry == "" || strings.ContainsAny(entry, "\n\t") || len(splitNames(entry, func(string) bool { return false })) > 2 {
		fix = nil // a mistake in the list, which is told as such
	}
	return guess, fix
}

// elsewhere reports whether a key that is missing is there after all: indented,
// and so a part of the value above it, or spelt as no key of a file is. Both are
// told, and mended, as such.
func (n *lint) elsewhere(section, key string) bool {
	var others []string
	for _, k := range n.Keys(section) {
		v, _ := n.Get(section, k)
		for line := range strings.Lines(v.Raw) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok && strings.IndexAny(strings.TrimSpace(rest), "=:") == 0 {
				return true
			}
		}
		if !strings.HasPrefix(k, "file_") {
			others = append(others, k)
		}
	}
	return closest(key, others) != ""
}

func listedFileKeys(n *lint, c channelAt) (list []mistake) {
	for _, entry := range c.names {
		key := "file_" + entry
		if v, ok := n.Get(c.section, key); ok && v.List != nil {
			list = append(list, mistake{section: c.section, key: key, problem: "comma and blank make the value a list",
				fix: []Edit{Set(c.section, key, strings.Join(v.List, ","))}})
		}
	}
	return list
}

func unusedFileKeys(n *lint, c channelAt) (list []mistake) {
	for _, key := range n.Keys(c.section) {
		entry, ok := strings.CutPrefix(key, "file_")
		if ok && !slices.Contains(c.names, entry) && n.byName[c.section].byName[key] != nil {
			list = append(list, mistake{section: c.section, key: key, problem: fmt.Sprintf("%q is not in files", entry)})
		}
	}
	return list
}

func missingEntry(generator, why string) rule[channelAt] {
	return rule[channelAt]{class: "missing-entry", severity: systemimage.Risky, why: why, look: func(n *lint, c channelAt) []mistake {
		has := slices.ContainsFunc(c.entries, func(f FileEntry) bool { return f.Generator == generator })
		return only(c.auto && len(c.entries) > 0 && !has, mistake{section: c.section, key: "files", problem: "no entry of the generator " + generator})
	}}
}

// rank is where in files an entry belongs: version and keyring behind all others,
// because they return nothing as long as no file before them is new.
func rank(f FileEntry) int {
	return slices.Index([]string{"keyring", "version"}, f.Generator)
}

// inOrder are the entries as they should stand.
func inOrder(entries []FileEntry) (names []string) {
	better := slices.Clone(entries)
	slices.SortStableFunc(better, func(a, b FileEntry) int { return rank(a) - rank(b) })
	// Device entries stand in front of the one for any device.
	for i := 0; i < len(better); i++ {
		generic := slices.IndexFunc(better[:i], func(o FileEntry) bool { return o.Name == better[i].Name && !o.ForDevice })
		if f := better[i]; f.ForDevice && generic >= 0 {
			better = slices.Insert(slices.Delete(better, i, i+1), generic, f)
		}
	}
	for _, f := range better {
		names = append(names, f.Entry)
	}
	return names
}

// fileOrder looks for entries that are never used, and for version and keyring in
// front of others.
func fileOrder(n *lint, c channelAt) (list []mistake) {
	if len(c.entries) != len(c.names) {
		return nil // what is missing comes first
	}
	fix := []Edit{Set(c.section, "files", strings.Join(inOrder(c.entries), ", "))}
	found := func(m mistake) {
		m.section, m.key, m.fix = c.section, "files", fix
		list = append(list, m)
	}
	for i, f := range c.entries {
		before, behind := c.entries[:i], c.entries[i+1:]
		if f.ForDevice && slices.ContainsFunc(before, func(o FileEntry) bool { return o.Name == f.Name && !o.ForDevice }) {
			found(mistake{problem: fmt.Sprintf("%q stands behind %q", f.Entry, f.Name),
				why: "the first entry that fits a device is used: the one for the device never is"})
			continue
		}
		next := slices.IndexFunc(behind, func(o FileEntry) bool { return rank(o) < rank(f) })
		if next < 0 {
			continue
		}
		if !slices.ContainsFunc(before, func(o FileEntry) bool { return rank(o) < 0 }) {
			found(mistake{problem: fmt.Sprintf("%q stands in front of all files", f.Entry),
				why: f.Generator + " returns nothing as long as no file before it is new: the channel can never publish"})
			continue
		}
		found(mistake{severity: systemimage.Risky, problem: fmt.Sprintf("%q stands in front of %q", f.Entry, behind[next].Entry),
			why: f.Generator + " returns nothing as long as no file before it is new: what is new behind it is not published"})
	}
	return list
}
