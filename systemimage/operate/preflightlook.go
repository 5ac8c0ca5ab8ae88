package operate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

const (
	preflightScriptName = "landing-preflight"

	// landing-preflight WWW TEMP <QUESTIONS: sizes of the files that matter, as lines
	// "SIZE PATH". A question is "dir PATH" (everything in a folder), "file PATH"
	// (and its signature), "sizes" (the end of these, which are looked at hundreds at a
	// time: a program for each would take a millisecond), "index PATH" (and its
	// signature, with the SHA-256 of both), "sum PATH" (answer: "SHA256  PATH"),
	// "text PATH" (answer: "text PATH<tab>TEXT") or "test PATH" ("torn PATH" when xz
	// cannot read it), or "versions" (of version tarballs what is said of the pool). Then the payloads of the pool that
	// have no signature ("unsigned PATH"), an empty one ("emptysig PATH") or an empty
	// .json ("emptyjson PATH"), which the shell finds by itself without starting a program for each, and the folders
	// of this user that killed programs left in TEMP, or where this shell would make
	// its own.
	preflightScript = `
cd "$1" || exit 3
temp=${2:-${TMPDIR:-/tmp}}
shift 2
sizes() { [ $# -eq 0 ] || stat -L -c '%s %n' -- "$@" 2>/dev/null; }
while read -r kind path; do
	case $kind in
	dir) set -- "$@" "$path"/* ;;
	file | index) set -- "$@" "$path" "$path.asc" ;;
	sizes) sizes "$@"; set -- ;;
	text) [ -f "$path" ] && printf 'text %s\t%s\n' "$path" "$(head -c 65536 -- "$path" | tr '\n\r\t' '   ')" ;;
	sum) sum=$(sha256sum <"$path") 2>/dev/null && echo "${sum%% *}  $path" ;;
	versions)
		for f in $(find . -path ./pool -prune -o -name 'version-*.tar.xz' -print); do
			f=${f#./}
			if [ ! -e "$f.asc" ]; then echo "unsigned $f"
			elif [ ! -s "$f.asc" ]; then echo "emptysig $f"
			elif [ -e "${f%.tar.xz}.json" ] && [ ! -s "${f%.tar.xz}.json" ]; then echo "emptyjson $f"
			fi
		done ;;
	test) if [ -e "$path" ] && command -v xz >/dev/null 2>&1; then xz -t -- "$path" 2>/dev/null || echo "torn $path"; fi ;;
	esac
	case $kind in dir | file) [ $# -lt 500 ] || { sizes "$@"; set --; } ;; esac
done
if [ $# -gt 0 ]; then
	sizes "$@"
	sha256sum -- "$@" 2>/dev/null
fi
for f in pool/*.tar.xz; do
	[ -e "$f" ] || continue
	if [ ! -e "$f.asc" ]; then echo "unsigned $f"
	elif [ ! -s "$f.asc" ]; then echo "emptysig $f"
	elif [ -e "${f%.tar.xz}.json" ] && [ ! -s "${f%.tar.xz}.json" ]; then echo "emptyjson $f"
	fi
done
for f in "$temp"/tmp????????; do
	[ -d "$f" ] && [ -O "$f" ] && echo "temp $f"
done
echo end
`
)

// An inspection is what to look at in the published tree, by paths below it.
type inspection struct {
	temp    string             // where killed programs left their temporary files; empty: where a shell makes its own
	dirs    []string           // folders of devices
	follow  []string           // folders of alias channels, which are brought up to date
	indexes []listedIndex      // all of the tree: a device without one loses its files in the clean-up
	files   []systemimage.File // payloads that an index names
	details map[string]string  // version-N.json that will be read, or be there before, with the details that it should have
	imports bool               // an import follows, which takes whatever has the right name
	reused  []string           // pool deltas that a copy would reuse if they are there
}

func (i *inspection) image(m systemimage.Image) { i.files = append(i.files, m.Files...) }

// questions are the lines that the script reads. A published document that names
// a file outside of the tree is refused.
func (i inspection) questions(op string, checksums bool) ([]byte, error) {
	var q bytes.Buffer
	outside := func(p string) error {
		return &systemimage.Error{Op: op, Place: p, Kind: systemimage.ErrRefused, Err: errors.New("no path below the published tree")}
	}
	for _, d := range slices.Concat(i.dirs, i.follow) {
		if !plainPath(d) {
			return nil, outside(d)
		}
		fmt.Fprintf(&q, "dir %s\n", d)
	}
	for _, f := range i.files {
		p := inTree(f)
		if !plainPath(p) {
			return nil, outside(f.Path)
		}
		fmt.Fprintf(&q, "file %s\n", p)
	}
	details := slices.Sorted(maps.Keys(i.details))
	for _, p := range details {
		fmt.Fprintf(&q, "file %s\n", p)
	}
	q.WriteString("sizes\n")
	for _, p := range i.allIndexes() {
		if plainPath(p) {
			fmt.Fprintf(&q, "index %s\n", p)
		}
	}
	if checksums {
		for _, f := range i.files {
			fmt.Fprintf(&q, "sum %s\n", inTree(f))
		}
	}
	for _, p := range details {
		fmt.Fprintf(&q, "text %s\n", p)
	}
	if i.imports {
		q.WriteString("versions\n")
	}
	for _, p := range i.reused {
		fmt.Fprintf(&q, "test %s\n", p)
	}
	return q.Bytes(), nil
}

// allIndexes are the indexes that are looked at, each once.
func (i inspection) allIndexes() []string {
	var all []string
	for _, x := range i.indexes {
		all = append(all, x.path)
	}
	for _, d := range i.dirs {
		all = append(all, d+"/index.json")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// inTree is the path of a file below the published tree.
func inTree(f systemimage.File) string { return strings.TrimPrefix(f.Path, "/") }

// plainPath reports whether p is a path that stays below the published tree and
// fits on a line.
func plainPath(p string) bool {
	return p != "" && p[0] != '/' && p[0] != '-' && path.Clean(p) == p && p != ".." && !strings.HasPrefix(p, "../") &&
		!strings.ContainsAny(p, "\n\r\x00") && strings.TrimSpace(p) == p
}

// A treeState is what the script answered.
type treeState struct {
	size     map[string]int64 // of the files that are there
	sum      map[string]string
	text     map[string]string
	torn     []string
	unsigned []string
	emptySig []string
	empty    []string // signed payloads whose .json is empty
	temp     []string

	named, unfinished []string // of those without a signature: see notYetNamed

	newest  map[string]int    // of the indexes that can be read, by path; see readIndexes
	bad     map[string]string // why the others cannot
	refused map[string]string // why devices do not believe them
	older   map[string]string // than what was seen of them
}

func (t treeState) has(p string) bool { _, ok := t.size[p]; return ok }

// read takes one line of the answer; anything unknown is left out.
func (t *treeState) read(line string) {
	word, rest, _ := strings.Cut(line, " ")
	lists := map[string]*[]string{"torn": &t.torn, "unsigned": &t.unsigned, "emptysig": &t.emptySig, "emptyjson": &t.empty, "temp": &t.temp}
	switch list := lists[word]; {
	case list != nil:
		*list = append(*list, rest)
	case len(word) == 64:
		t.sum[strings.TrimLeft(rest, " *")] = word
	case word == "text":
		p, text, _ := strings.Cut(rest, "\t")
		t.text[p] = text
	default:
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			t.size[rest] = n
		}
	}
}

// ask runs the script. An answer without its last line was cut.
func (s *Server) ask(ctx context.Context, op string, look inspection) (treeState, error) {
	questions, err := look.questions(op, s.Checksums)
	if err != nil {
		return treeState{}, err
	}
	c := command.Look(preflightScriptName, preflightScript, s.root()+"/www", look.temp)
	c.Stdin = questions
	out, err := s.Runner.Run(ctx, c)
	if err != nil {
		return treeState{}, &systemimage.Error{Op: op, Err: fmt.Errorf("looking at the published tree on the server: %w", err)}
	}
	t := treeState{size: map[string]int64{}, sum: map[string]string{}, text: map[string]string{}}
	whole := false
	for line := range strings.Lines(string(out.Stdout)) {
		line = strings.TrimRight(line, "\r\n")
		whole = whole || line == "end"
		t.read(line)
	}
	if out.Exit != 0 || !whole {
		return treeState{}, &systemimage.Error{Op: op, Place: s.root() + "/www", Kind: systemimage.ErrBroken,
			Err: fmt.Errorf("cannot be looked at on the server: exit status %d%s", out.Exit, out.LastWords())}
	}
	return t, nil
}

// inspect runs the script and judges its answer. A left-over may be a commit
// that is going on just now: it counts only when it is there twice.
func (s *Server) inspect(ctx context.Context, op string, look inspection) ([]systemimage.Finding, error) {
	findings, _, err := s.inspectTree(ctx, op, look)
	return findings, err
}

// inspectTree is inspect, with what the findings were made from.
func (s *Server) inspectTree(ctx context.Context, op string, look inspection) ([]systemimage.Finding, treeState, error) {
	for again := false; ; again = true {
		answer, err := s.ask(ctx, op, look)
		if err == nil {
			err = s.readIndexes(ctx, op, &answer, look)
		}
		if err == nil {
			err = s.notYetNamed(ctx, op, &answer, look)
		}
		if err != nil {
			return nil, answer, err
		}
		findings := answer.judge(look, s.root())
		moving := func(f systemimage.Finding) bool { return strings.Contains(path.Base(f.Place), "index.json") }
		if again || !slices.ContainsFunc(findings, moving) {
			return findings, answer, nil
		}
		if err := host.Sleep(ctx, time.Second); err != nil {
			return nil, answer, &systemimage.Error{Op: op, Err: err}
		}
	}
}
