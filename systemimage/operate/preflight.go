package operate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

const (
	preflightScriptName = "landing-preflight"

	// landing-preflight WWW <QUESTIONS: sizes of the files that matter, as lines
	// "SIZE PATH". A question is "dir PATH" (everything in a folder), "file PATH"
	// (and its signature), "index PATH", "sum PATH" (answer: "sum SHA256 PATH"),
	// "text PATH" (answer: "text PATH<tab>TEXT") or "test PATH" ("torn PATH" when xz
	// cannot read it). Then the payloads of the pool that
	// have no signature ("unsigned PATH") or an empty one ("emptysig PATH"), which
	// the shell finds by itself without starting a program for each.
	preflightScript = `
cd "$1" || exit 3
shift
while read -r kind path; do
	case $kind in
	index) set -- "$@" "$path" ;;
	text) [ -f "$path" ] && printf 'text %s\t%s\n' "$path" "$(head -c 65536 -- "$path" | tr '\n\r\t' '   ')" ;;
	dir) stat -L -c '%s %n' -- "$path"/* 2>/dev/null ;;
	file) stat -L -c '%s %n' -- "$path" "$path.asc" 2>/dev/null ;;
	sum) sum=$(sha256sum <"$path") 2>/dev/null && echo "sum ${sum%% *} $path" ;;
	test) if [ -e "$path" ] && command -v xz >/dev/null 2>&1; then xz -t -- "$path" 2>/dev/null || echo "torn $path"; fi ;;
	esac
done
[ $# -eq 0 ] || stat -L -c '%s %n' -- "$@" 2>/dev/null
for f in pool/*.tar.xz; do
	[ -e "$f" ] || continue
	if [ ! -e "$f.asc" ]; then echo "unsigned $f"
	elif [ ! -s "$f.asc" ]; then echo "emptysig $f"
	fi
done
for f in "${TMPDIR:-/tmp}"/tmp????????; do
	[ -d "$f" ] && echo "temp $f"
done
echo end
`
)

// Preflight looks for broken states that concern a device in a channel: a
// missing index, left-overs of a killed commit, missing or empty signatures,
// payloads of the newest image that are missing or cut. Copy, Tag and
// SetPercentage do the same first. It runs one command on the server and changes
// nothing. A finding without Blocks does no harm to them.
func (s *Server) Preflight(ctx context.Context, channel, device string) ([]systemimage.Finding, error) {
	const op = "look for broken states"
	if err := s.usable(op, false); err != nil {
		return nil, err
	}
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return nil, err
	}
	entry, err := l.Lookup(channel, device)
	if err != nil {
		return nil, err
	}
	look := inspection{dirs: []string{entry.Folder()}}
	p, err := s.Client.IndexOf(ctx, l, channel, device)
	if err == nil {
		if m, ok := p.Latest(); ok {
			look.image(m)
		}
	} else if !errors.Is(err, systemimage.ErrTorn) && !errors.Is(err, systemimage.ErrMalformed) && !errors.Is(err, systemimage.ErrSignature) {
		return nil, err
	}
	return s.inspect(ctx, op, look)
}

// An inspection is what to look at.
type inspection struct {
	dirs    []string           // folders of devices
	follow  []string           // folders of alias channels, which are brought up to date
	indexes []string           // all of the tree: a device without one loses its files in the clean-up
	files   []systemimage.File // payloads that an index names
	details map[string]string  // version-N.json that will be read, or be there before, with the details that it should have
	reused  []string           // pool deltas that a copy would reuse if they are there
}

func (i *inspection) image(m systemimage.Image) { i.files = append(i.files, m.Files...) }

// inspect runs the script and judges its answer. A left-over may be a commit
// that is going on just now: it counts only when it is there twice.
func (s *Server) inspect(ctx context.Context, op string, look inspection) ([]systemimage.Finding, error) {
	for again := false; ; again = true {
		answer, err := s.ask(ctx, op, look)
		if err != nil {
			return nil, err
		}
		findings := answer.judge(look, s.root())
		moving := func(f systemimage.Finding) bool { return strings.Contains(path.Base(f.Place), "index.json") }
		if again || !slices.ContainsFunc(findings, moving) {
			return findings, nil
		}
		if err := host.Sleep(ctx, time.Second); err != nil {
			return nil, &systemimage.Error{Op: op, Err: err}
		}
	}
}

// treeState is what the script answered.
type treeState struct {
	size     map[string]int64 // of the files that are there
	sum      map[string]string
	text     map[string]string
	torn     []string
	unsigned []string
	emptySig []string
	temp     []string
}

func (s *Server) ask(ctx context.Context, op string, look inspection) (treeState, error) {
	var q bytes.Buffer
	for _, d := range slices.Concat(look.dirs, look.follow) {
		if !plainPath(d) {
			return treeState{}, &systemimage.Error{Op: op, Place: d, Kind: systemimage.ErrRefused, Err: errors.New("no path below the published tree")}
		}
		fmt.Fprintf(&q, "dir %s\n", d)
	}
	for _, f := range look.files {
		p := strings.TrimPrefix(f.Path, "/")
		if !plainPath(p) {
			return treeState{}, &systemimage.Error{Op: op, Place: f.Path, Kind: systemimage.ErrRefused, Err: errors.New("no path below the published tree")}
		}
		fmt.Fprintf(&q, "file %s\n", p)
		if s.Checksums {
			fmt.Fprintf(&q, "sum %s\n", p)
		}
	}
	for _, p := range look.indexes {
		if plainPath(p) {
			fmt.Fprintf(&q, "index %s\n", p)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(look.details)) {
		fmt.Fprintf(&q, "file %[1]s\ntext %[1]s\n", p)
	}
	for _, p := range look.reused {
		fmt.Fprintf(&q, "test %s\n", p)
	}
	c := host.Script(preflightScript, preflightScriptName, s.root()+"/www")
	c.Stdin = q.Bytes()
	out, err := s.Runner.Run(ctx, c)
	if err != nil {
		return treeState{}, &systemimage.Error{Op: op, Err: fmt.Errorf("looking at the published tree on the server: %w", err)}
	}
	t := treeState{size: map[string]int64{}, sum: map[string]string{}, text: map[string]string{}}
	whole := false
	for line := range strings.Lines(string(out.Stdout)) {
		line = strings.TrimRight(line, "\r\n")
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "sum":
			sum, p, _ := strings.Cut(rest, " ")
			t.sum[p] = sum
		case "text":
			p, text, _ := strings.Cut(rest, "\t")
			t.text[p] = text
		case "torn":
			t.torn = append(t.torn, rest)
		case "unsigned":
			t.unsigned = append(t.unsigned, rest)
		case "emptysig":
			t.emptySig = append(t.emptySig, rest)
		case "temp":
			t.temp = append(t.temp, rest)
		case "end":
			whole = true
		default:
			if n, err := strconv.ParseInt(word, 10, 64); err == nil {
				t.size[rest] = n
			}
		}
	}
	if out.Exit != 0 || !whole {
		return treeState{}, &systemimage.Error{Op: op, Place: s.root() + "/www", Kind: systemimage.ErrBroken,
			Err: fmt.Errorf("cannot be looked at on the server: exit status %d%s", out.Exit, host.LastWords(out.Stderr))}
	}
	return t, nil
}

// plainPath reports whether p is a path that stays below the published tree and
// fits on a line.
func plainPath(p string) bool {
	return p != "" && p[0] != '/' && p[0] != '-' && path.Clean(p) == p && p != ".." && !strings.HasPrefix(p, "../") &&
		!strings.ContainsAny(p, "\n\r\x00") && strings.TrimSpace(p) == p
}

// judge turns what is there into findings, those that block first.
func (t treeState) judge(look inspection, root string) []systemimage.Finding {
	var all []systemimage.Finding
	add := func(blocks bool, place, problem, remedy string, a ...any) {
		all = append(all, systemimage.Finding{Place: place, Problem: problem, Remedy: fmt.Sprintf(remedy, a...), Blocks: blocks})
	}
	has := func(p string) bool { _, ok := t.size[p]; return ok }
	for _, d := range look.dirs {
		index := d + "/index.json"
		size, ok := t.size[index]
		switch {
		case ok && size == 0:
			add(true, index, "is empty: the next program would take the device for one without images and begin its history again",
				"put it back from a mirror or a backup before anything else runs")
		case !has(index) && has(index+".new"):
			add(true, index, "is missing: a commit was killed before its last step, and the next program would take the device for an empty one "+
				"and begin its history again at 1", "run mv %[1]s.new %[1]s before anything else runs", root+"/www/"+index)
		case !has(index):
			add(true, index, "is missing: the next program would take the device for an empty one and begin its history again",
				"put it back from a mirror or a backup before anything else runs")
		case has(index + ".new.asc"):
			add(true, index+".new", "is left over from a killed commit: every commit to this device fails",
				"run cleanup-tree, then re-sign-indexes, and check the percentage of the newest image")
		case !has(index + ".asc"):
			add(true, index+".asc", "is missing: devices refuse the index", "run re-sign-indexes")
		case t.size[index+".asc"] == 0:
			add(true, index+".asc", "is an empty signature: devices refuse the index", "run re-sign-indexes")
		}
		if has(d + "/version-None.tar.xz") {
			add(false, d+"/version-None.tar.xz", "is left over from copy-image -k", "harmless: cleanup-tree removes it")
		}
	}
	for _, d := range look.follow {
		if has(d + "/index.json.new.asc") {
			add(true, d+"/index.json.new", "is left over from a killed commit: this alias would stay behind", "run cleanup-tree, then re-sign-indexes")
		}
	}
	lost := slices.DeleteFunc(slices.Clone(look.indexes), func(p string) bool {
		return t.size[p] > 0 || slices.Contains(look.dirs, path.Dir(p))
	})
	if n := len(lost); n > 0 {
		problem := "is missing or empty: the clean-up at the end would delete the files of that device"
		if n > 1 {
			problem += fmt.Sprintf(", and of %d more without an index", n-1)
		}
		add(true, lost[0], problem, "move %s.new into its place if it is there, else put it back from a mirror or a backup, before anything else runs",
			root+"/www/"+lost[0])
	}
	named := map[string]bool{}
	for _, f := range look.files {
		p := strings.TrimPrefix(f.Path, "/")
		if named[p] {
			continue
		}
		named[p] = true
		size, ok := t.size[p]
		sig, signed := t.size[p+".asc"]
		switch {
		case !ok:
			add(true, p, "is missing though the index names it", "put it back from a mirror or a backup; this image cannot be copied without it")
			continue
		case size != f.Size:
			add(true, p, fmt.Sprintf("has %d bytes, and %d in the index: it was cut or replaced", size, f.Size),
				"put it back from a mirror or a backup, or import it again under a new name")
		case t.sum[p] != "" && !strings.EqualFold(t.sum[p], f.Checksum):
			add(true, p, "has another SHA-256 than in the index", "put it back from a mirror or a backup")
		}
		switch {
		case !signed:
			add(true, p+".asc", "is missing: programs stop there and devices refuse the file", "run re-sign-indexes")
		case sig == 0:
			add(true, p+".asc", "is an empty signature, which would be published as it is", "delete it and run re-sign-indexes")
		}
	}
	t.judgeDetails(look, add)
	for _, p := range t.torn {
		add(true, p, "is a cut delta that the copy would reuse and publish", "run rm %[1]s %[1]s.asc", root+"/www/"+p)
	}
	for _, p := range t.unsigned {
		if !named[p] {
			add(slices.Contains(look.reused, p), p, "has no signature: whatever reuses it stops there, every import",
				"run rm %s, then cleanup-tree", root+"/www/"+p)
		}
	}
	for _, p := range t.emptySig {
		if !named[p] {
			add(slices.Contains(look.reused, p), p, "has an empty signature, and would be published with it",
				"run rm %[1]s %[1]s.asc before the next import", root+"/www/"+p)
		}
	}
	const mayHold = "remove it when nothing runs: it may hold a whole root file system"
	switch n := len(t.temp) - 1; {
	case n > 0:
		add(false, t.temp[0], fmt.Sprintf("is a temporary folder of a program that was killed or is running, and there are %d more like it", n), mayHold)
	case n == 0:
		add(false, t.temp[0], "is a temporary folder of a program that was killed or is running", mayHold)
	}
	slices.SortStableFunc(all, func(a, b systemimage.Finding) int {
		switch {
		case a.Blocks == b.Blocks:
			return 0
		case a.Blocks:
			return -1
		}
		return 1
	})
	return all
}

// reusedDeltas returns the pool files that hold, if they are there, the deltas
// from base to target: a copy reuses them without looking into them.
func reusedDeltas(base, target systemimage.Image) []string {
	var list []string
	for _, f := range target.Files {
		name, ok := strings.CutSuffix(path.Base(f.Path), ".tar.xz")
		prefix := name
		if i := strings.LastIndexByte(name, '-'); i >= 0 {
			prefix = name[:i]
		}
		if !ok || slices.Contains([]string{"version", "keyring", "boot"}, prefix) {
			continue // put whole into the delta
		}
		for _, g := range base.Files {
			from, ok := strings.CutSuffix(path.Base(g.Path), ".tar.xz")
			if ok && strings.HasPrefix(from, prefix) {
				if p := "pool/" + name + ".delta-" + from + ".tar.xz"; from != name && plainPath(p) {
					list = append(list, p)
				}
				break
			}
		}
	}
	return list
}

// judgeDetails looks at the metadata of version tarballs. A copy takes its
// details from that of its source, and the whole tarball from its own, if a run
// that was killed has left it.
func (t treeState) judgeDetails(look inspection, add func(blocks bool, place, problem, remedy string, a ...any)) {
	for _, p := range slices.Sorted(maps.Keys(look.details)) {
		want := look.details[p]
		tar := strings.TrimSuffix(p, ".json") + ".tar.xz"
		source := slices.ContainsFunc(look.files, func(f systemimage.File) bool { return strings.TrimPrefix(f.Path, "/") == tar })
		var meta struct {
			Ini *struct {
				Detail *string `json:"version_detail"`
			} `json:"channel.ini"`
		}
		err := json.Unmarshal([]byte(t.text[p]), &meta)
		known := err == nil && meta.Ini != nil && meta.Ini.Detail != nil
		_, isThere := t.size[p]
		_, tarThere := t.size[tar]
		switch {
		case !source && !tarThere:
		case !source && (!known || *meta.Ini.Detail != want || t.size[tar] == 0 || t.size[tar+".asc"] == 0):
			add(true, tar, "is left over from a killed run, unsigned or with other details, and would be published as it is", "run cleanup-tree")
		case !source:
		case !isThere:
			add(true, p, "is missing: copies of this image would lose their version_detail", "put it back from a mirror or a backup")
		case !known:
			add(true, p, "does not say the version_detail: copies of this image would lose theirs, or the program dies of it", "put it back from a mirror or a backup")
		case *meta.Ini.Detail != want:
			add(false, p, fmt.Sprintf("has the details %q, and %q in the index: a copy gets the former", *meta.Ini.Detail, want), "put it back from a mirror or a backup")
		}
	}
}

// blocked joins the findings that stand in the way of an effect, or is nil.
func blocked(op, channel, device string, findings []systemimage.Finding) error {
	var words []string
	for _, f := range findings {
		if f.Blocks {
			words = append(words, f.String())
		}
	}
	if len(words) == 0 {
		return nil
	}
	return &systemimage.Error{Op: op, Channel: channel, Device: device, Kind: systemimage.ErrBroken, Err: errors.New("nothing was run: " + strings.Join(words, "; "))}
}
