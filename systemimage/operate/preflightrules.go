package operate

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// A rule is a broken state of one file, with what the next program makes of it.
// Of a list of rules the first that holds counts.
type rule struct {
	class   string
	holds   func(t treeState, p string) bool
	behind  string // of the path that the finding is about
	problem string
	remedy  string // %[1]s is the path on the host
	blocks  bool
}

const (
	history     = "the next program would take the device for an empty one and begin its history again"
	putBack     = "put it back from a mirror or a backup"
	putBackNow  = putBack + " before anything else runs"
	refuseIndex = "devices refuse the index"

	wrongSignature = "wrong-signature"
	olderIndex     = "older-index"
)

// indexRules are about the index of a device that is read or written.
var indexRules = slices.Concat([]rule{
	{"empty-index", func(t treeState, p string) bool { return t.has(p) && t.size[p] == 0 }, "",
		"is empty: " + history, putBackNow, true},
	{"killed-commit", func(t treeState, p string) bool { return !t.has(p) && t.has(p+".new") }, "",
		"is missing: a commit was killed before its last step, and " + history + " at 1", "run mv %[1]s.new %[1]s before anything else runs", true},
	{"missing-index", func(t treeState, p string) bool { return !t.has(p) }, "",
		"is missing: " + history, putBackNow, true},
	{"left-over", func(t treeState, p string) bool { return t.has(p + ".new.asc") }, ".new",
		"is left over from a killed commit: every commit to this device fails",
		"run cleanup-tree, then re-sign-indexes, and check the percentage of the newest image", true},
}, unsignedIndex)

// unsignedIndex are about the signature of an index, be it of a device that nothing
// is done about.
var unsignedIndex = []rule{
	{"missing-signature", func(t treeState, p string) bool { return !t.has(p + ".asc") }, ".asc",
		"is missing: " + refuseIndex, "run re-sign-indexes", true},
	{"empty-signature", func(t treeState, p string) bool { return t.size[p+".asc"] == 0 }, ".asc",
		"is an empty signature: " + refuseIndex, "run re-sign-indexes", true},
	{wrongSignature, func(t treeState, p string) bool { return t.refused[p] != "" }, ".asc",
		"does not fit the index: " + refuseIndex, "run re-sign-indexes; when the team did not change the index, find out by whom first", true},
	{olderIndex, func(t treeState, p string) bool { return t.older[p] != "" }, "",
		"is an older one that was put back: the next image would get a number that devices have seen", putBackNow, true},
}

// keepRules are about a device's folder, beside its index.
var keepRules = []rule{
	{"left-over", func(t treeState, p string) bool { return t.has(p + "/version-None.tar.xz") }, "/version-None.tar.xz",
		"is left over from copy-image -k", "harmless: cleanup-tree removes it", false},
}

// aliasRules are about the index of an alias that is brought up to date.
var aliasRules = []rule{
	{"left-over", func(t treeState, p string) bool { return t.has(p + ".new.asc") }, ".new",
		"is left over from a killed commit: this alias would stay behind", "run cleanup-tree, then re-sign-indexes", true},
}

// signatureRules are about the signature of a payload that an index names.
var signatureRules = []rule{
	{"missing-signature", func(t treeState, p string) bool { return !t.has(p + ".asc") }, ".asc",
		"is missing: programs stop there and devices refuse the file", "run re-sign-indexes", true},
	{"empty-signature", func(t treeState, p string) bool { return t.size[p+".asc"] == 0 }, ".asc",
		"is an empty signature, which would be published as it is", "delete it and run re-sign-indexes", true},
}

// A judgement collects what is found in a tree.
type judgement struct {
	t    treeState
	look inspection
	root string
	all  []systemimage.Finding
}

func (j *judgement) add(class, place, problem, remedy string, blocks bool) {
	j.all = append(j.all, systemimage.Finding{Class: class, Place: place, Problem: problem, Remedy: remedy, Blocks: blocks})
}

// onHost is the path of p on the host.
func (j *judgement) onHost(p string) string { return j.root + "/www/" + p }

// apply adds the first of the rules that holds for p.
func (j *judgement) apply(rules []rule, p string) {
	for _, r := range rules {
		if r.holds(j.t, p) {
			remedy := r.remedy
			if strings.Contains(remedy, "%[1]s") {
				remedy = fmt.Sprintf(remedy, j.onHost(p))
			}
			j.add(r.class, p+r.behind, j.problem(r, p), remedy, r.blocks)
			return
		}
	}
}

// problem is what a rule says of p, with the reason if there is one.
func (j *judgement) problem(r rule, p string) string {
	switch r.class {
	case wrongSignature:
		return r.problem + " (" + j.t.refused[p] + ")"
	case olderIndex:
		return r.problem + " (" + j.t.older[p] + ")"
	}
	return r.problem
}

// judge turns what is there into findings, those that block first.
func (t treeState) judge(look inspection, root string) []systemimage.Finding {
	j := &judgement{t: t, look: look, root: root}
	for _, d := range look.dirs {
		if why := t.bad[d+"/index.json"]; why != "" {
			j.unreadable(d+"/index.json", why)
		} else {
			j.apply(indexRules, d+"/index.json")
		}
		j.apply(keepRules, d)
	}
	for _, d := range look.follow {
		j.apply(aliasRules, d+"/index.json")
	}
	j.otherIndexes()
	named := j.payloads()
	for _, p := range slices.Sorted(maps.Keys(look.details)) {
		j.details(p, look.details[p])
	}
	j.pool(named)
	j.temporary()
	slices.SortStableFunc(j.all, func(a, b systemimage.Finding) int {
		switch {
		case a.Blocks == b.Blocks:
			return 0
		case a.Blocks:
			return -1
		}
		return 1
	})
	return j.all
}

func (j *judgement) unreadable(p, why string) {
	problem, remedy := unreadable(j.onHost(p), why)
	j.add("unreadable-index", p, problem, remedy, true)
}

// otherIndexes looks at the indexes of all other devices.
func (j *judgement) otherIndexes() {
	var lost []string
	unsigned := map[string][]string{} // by the class of a rule
	for _, x := range j.look.indexes {
		p := x.path
		switch why := j.t.bad[p]; {
		case slices.Contains(j.look.dirs, path.Dir(p)):
		case why != "" && x.alias:
			problem, _ := unreadable(p, why)
			j.add("unreadable-index", p, problem, putBack+", or delete it with its .asc: the next program that publishes for its target makes it anew", true)
		case why != "":
			j.unreadable(p, why)
		case x.alias:
		case j.t.size[p] == 0:
			lost = append(lost, p)
		default:
			if i := slices.IndexFunc(unsignedIndex, func(r rule) bool { return r.holds(j.t, p) }); i >= 0 {
				unsigned[unsignedIndex[i].class] = append(unsigned[unsignedIndex[i].class], p)
			}
		}
	}
	for _, r := range unsignedIndex {
		if list := unsigned[r.class]; len(list) > 0 {
			j.add(r.class, list[0]+r.behind, j.problem(r, list[0])+andMore(len(list), ", and %d more indexes are like it"), r.remedy, r.blocks)
		}
	}
	if len(lost) > 0 {
		j.add("missing-index", lost[0],
			"is missing or empty: the next clean-up would delete the files of that device"+andMore(len(lost), ", and of %d more without an index"),
			"move "+j.onHost(lost[0])+".new into its place if it is there, else "+putBack+", before anything else runs", true)
	}
}

// everyIndex reports whether a finding counts for all devices: see [judgement.otherIndexes].
func everyIndex(f systemimage.Finding) bool {
	name := path.Base(f.Place)
	return name == "index.json" || name == "index.json.asc"
}

// andMore says that there are more than the one that is named.
func andMore(n int, words string) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(words, n-1)
}

// payloads looks at the files that an index names, and returns which they are.
func (j *judgement) payloads() (named map[string]bool) {
	named = map[string]bool{}
	for _, f := range j.look.files {
		p := inTree(f)
		if named[p] {
			continue
		}
		named[p] = true
		size := j.t.size[p]
		switch {
		case !j.t.has(p):
			j.add("missing-file", p, "is missing though the index names it", putBack+"; this image cannot be copied without it", true)
			continue
		case size != f.Size:
			j.add("wrong-size", p, fmt.Sprintf("has %d bytes, and %d in the index: it was cut or replaced", size, f.Size),
				putBack+", or import it again under a new name", true)
		case j.t.sum[p] != "" && !strings.EqualFold(j.t.sum[p], f.Checksum):
			j.add("wrong-sum", p, "has another SHA-256 than in the index", putBack, true)
		}
		j.apply(signatureRules, p)
	}
	return named
}

// details looks at the metadata of a version tarball. A copy takes its details
// from that of its source, and the whole tarball from its own, if a run that was
// killed has left it.
func (j *judgement) details(p, want string) {
	tar := strings.TrimSuffix(p, ".json") + ".tar.xz"
	var meta struct {
		Ini *struct {
			Detail *string `json:"version_detail"`
		} `json:"channel.ini"`
	}
	err := json.Unmarshal([]byte(j.t.text[p]), &meta)
	known := err == nil && meta.Ini != nil && meta.Ini.Detail != nil
	same := known && *meta.Ini.Detail == want
	if !slices.ContainsFunc(j.look.files, func(f systemimage.File) bool { return inTree(f) == tar }) { // of the copy
		if j.t.has(tar) && (!same || j.t.size[tar] == 0 || j.t.size[tar+".asc"] == 0) {
			j.add("left-over", tar, "is left over from a killed run, unsigned or with other details, and would be published as it is", "run cleanup-tree", true)
		}
		return
	}
	switch {
	case !j.t.has(p):
		j.add("missing-details", p, "is missing: copies of this image would lose their version_detail", putBack, true)
	case !known:
		j.add("missing-details", p, "does not say the version_detail: copies of this image would lose theirs, or the program dies of it", putBack, true)
	case !same:
		j.add("other-details", p, fmt.Sprintf("has the details %q, and %q in the index: a copy gets the former", *meta.Ini.Detail, want), putBack, false)
	}
}

// pool looks at the files of the pool that no index needs to name: a copy reuses
// deltas without looking into them, and an import whatever has the right name.
func (j *judgement) pool(named map[string]bool) {
	for _, p := range j.t.torn {
		j.add("torn-file", p, "is a cut delta that the copy would reuse and publish", fmt.Sprintf("run rm %[1]s %[1]s.asc", j.onHost(p)), true)
	}
	for _, p := range j.t.unsigned {
		j.unnamed(p, "missing-signature", "has no signature", named[p])
	}
	for _, p := range j.t.emptySig {
		j.unnamed(p, "empty-signature", "has an empty signature", named[p])
	}
	for _, p := range j.t.empty {
		j.emptyMetadata(p, named[p])
	}
}

// temporary tells of the folders that killed programs leave.
func (j *judgement) temporary() {
	if len(j.t.temp) == 0 {
		return
	}
	problem := "is a temporary folder of a program that was killed or is running"
	if n := len(j.t.temp) - 1; n > 0 {
		problem += fmt.Sprintf(", and there are %d more like it", n)
	}
	j.add("temporary-folder", j.t.temp[0], problem, "remove it when nothing runs: it may hold a whole root file system", false)
}
