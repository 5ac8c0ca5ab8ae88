package operate

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

// looseImage is an image of an index, read without any of the rules under test.
type looseImage struct {
	Type       string
	Version    *int
	Base       *int
	Detail     string `json:"version_detail"`
	Percentage *int   `json:"phased-percentage"`
}

func (m looseImage) percentage() int {
	if m.Percentage == nil {
		return 100
	}
	return *m.Percentage
}

func looseIndex(t *testing.T, text string) []looseImage {
	t.Helper()
	var x struct{ Images []looseImage }
	if text != "" {
		if err := json.Unmarshal([]byte(text), &x); err != nil {
			t.Fatal(err)
		}
	}
	return x.Images
}

// verdict is what a run of copy-image or tag-image came to.
type verdict string

const (
	done    verdict = "done"
	partial verdict = "partial"
	nothing verdict = "nothing"
	torn    verdict = "torn"
	locked  verdict = "locked"
	refused verdict = "refused"
)

func verdictOf(err error) verdict {
	switch {
	case err == nil:
		return done
	case errors.Is(err, systemimage.ErrPartial):
		return partial
	case errors.Is(err, systemimage.ErrLocked):
		return locked
	case errors.Is(err, systemimage.ErrRefused):
		return refused
	case errors.Is(err, systemimage.ErrTorn):
		return torn
	}
	return nothing
}

// tell derives from the folder what a recorded run came to, and the number of
// the image it published: from the indexes before and after, the list of
// changed files and what was asked, by none of the code under test.
func tell(t *testing.T, r *fixture.Recording, before map[string]string, end *world, to, device, sourceDetail string, tag string, percentage int) (verdict, int) {
	t.Helper()
	index := to + "/" + device + "/index.json"
	after := end.docs
	if r.Exit == 2 {
		return refused, 0
	}
	if end.size[index] == 0 || end.size[index+".asc"] == 0 {
		return torn, 0
	}
	old, now := looseIndex(t, before[index]), looseIndex(t, after[index])
	was := func(m looseImage) bool {
		return slices.ContainsFunc(old, func(o looseImage) bool {
			return o.Type == m.Type && m.Version != nil && *o.Version == *m.Version && o.Detail == m.Detail
		})
	}
	var full *looseImage
	highest := 0
	for i, m := range now {
		if m.Type == "full" && !was(m) {
			full = &now[i]
		}
	}
	for _, m := range old {
		highest = max(highest, *m.Version)
	}
	if full == nil || full.Version == nil {
		if r.Said(serverlog.LockText) {
			return locked, 0
		}
		return nothing, 0
	}
	n := *full.Version
	good := full.percentage() == percentage && n > highest
	good = good && strings.Contains(","+full.Detail+",", ",tag="+tag+",") == (tag != "")
	for _, entry := range strings.Split(sourceDetail, ",") {
		if !strings.HasPrefix(entry, "tag=") && !strings.HasPrefix(entry, "version=") {
			good = good && slices.Contains(strings.Split(full.Detail, ","), entry)
		}
	}
	deltas := 0
	for _, m := range now {
		if m.Type == "delta" && *m.Version == n {
			deltas++
			good = good && m.percentage() == percentage
		}
	}
	if announced := regexp.MustCompile(`Publishing new delta from '\d+'`).FindAllString(r.Stdout+r.Stderr, -1); len(announced) > 0 || r.Exit != 0 {
		good = good && deltas == len(announced)
	}
	var channels map[string]struct{ Alias string }
	if err := json.Unmarshal([]byte(after["channels.json"]), &channels); err != nil {
		t.Fatal(err)
	}
	for name, c := range channels {
		if c.Alias != to {
			continue
		}
		good = good && slices.ContainsFunc(looseIndex(t, after[name+"/"+device+"/index.json"]), func(m looseImage) bool {
			return m.Type == "full" && *m.Version == n && m.percentage() == percentage
		})
	}
	if r.Exit != 0 && !r.Said("Triggering a mirror sync") {
		good = false
	}
	if !good {
		return partial, n
	}
	return done, n
}

// Where the tree is broken before the run: the recordings that must be applied first.
var afterwards = map[string][]string{
	"copy-killed-a-retry-v3":             {"copy-killed-a-before-signature-moved-v3"},
	"copy-killed-b-retry-v3":             {"copy-killed-b-before-index-moved-v3"},
	"copy-killed-c-retry-v3":             {"copy-killed-c-full-published-v3"},
	"copy-killed-c-then-phased-v3":       {"copy-killed-c-full-published-v3"},
	"copy-killed-c-then-cleanup":         {"copy-killed-c-full-published-v3"},
	"copy-killed-c-then-phased-again-v3": {"copy-killed-c-full-published-v3", "copy-killed-c-then-cleanup"},
}

func named(list []*fixture.Recording, name string) *fixture.Recording {
	return list[slices.IndexFunc(list, func(r *fixture.Recording) bool { return r.Name == name })]
}

// worldBefore is the tree as it was before the recording.
func worldBefore(t *testing.T, list []*fixture.Recording, r *fixture.Recording) *world {
	w := newWorld(t, r.EmptyWorld)
	for _, name := range afterwards[r.Name] {
		w.apply(t, named(list, name))
	}
	for p, text := range r.Before {
		w.put(p, text)
	}
	return w
}

// Every recorded run of copy-image, replayed: the library must come to the
// verdict that the indexes and the list of changed files come to.
func TestCopyRecorded(t *testing.T) {
	t.Parallel()
	help := map[string]string{}
	for _, group := range []string{"copy-ok", "copy-refuse", "copy-danger", "era2016-copy"} {
		list := fixture.Recordings(t, group)
		for _, r := range list {
			switch r.Name {
			case "copy-help", "era2016-copy-help":
				help[r.Name] = r.Stdout
			}
		}
		positional := group == "era2016-copy"
		for _, r := range list {
			switch {
			case !strings.Contains(r.Command, "copy-image"), strings.HasSuffix(r.Command, "--help"):
				continue
			case r.Name == "era2016-copy-ok-phased-v4":
				continue // its indexes were not recorded; TestAnnouncedIsPublished has it
			}
			t.Run(r.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { replayCopy(t, list, r, positional) })
			})
		}
	}
	if readCopyHelp(help["copy-help"]) != formOption || readCopyHelp(help["era2016-copy-help"]) != formPositional || readCopyHelp("") != formUnknown {
		t.Error("the two command lines of copy-image are not told apart")
	}
}

func replayCopy(t *testing.T, list []*fixture.Recording, r *fixture.Recording, positional bool) {
	q := copyRequest(t, r, positional)
	w := worldBefore(t, list, r)
	w.addSource(t, r, q)
	before := maps.Clone(w.docs)
	var sourceDetail string
	for _, m := range looseIndex(t, before[q.From+"/"+q.Device+"/index.json"]) {
		if m.Type == "full" && *m.Version == q.Version {
			sourceDetail = m.Detail
		}
	}
	tag := q.Tag
	if q.KeepTag {
		tag = systemimage.Image{VersionDetail: sourceDetail}.Detail().Tag()
	}
	asked := q.Percentage
	if asked > 100 {
		asked = 0 // what the run is judged by; nobody can ask for 150 %
	}
	end := worldBefore(t, list, r)
	end.apply(t, r)
	want, version := tell(t, r, before, end, q.To, q.Device, sourceDetail, tag, asked)
	if strings.HasPrefix(r.Name, "copy-reader-goes-away") {
		r.Exit = 120 // of copy-image; recorded is the pipeline's
	}

	help := "usage: copy-image [-h] [-r VERSION]\n SOURCE DESTINATION DEVICE\n\n"
	if positional {
		help = "usage: copy-image [-h] [-k]\n SOURCE-CHANNEL DESTINATION-CHANNEL DEVICE VERSION\n\nimage copier\n"
	}
	h := &replay{t: t, w: w, r: r, help: help}
	s := h.server()
	got, err := s.Copy(t.Context(), q)

	if len(h.runs) == 0 {
		if err == nil {
			t.Fatalf("nothing was run, and no error")
		}
		switch {
		case r.Exit == 2:
			// Argparse's own refusals are of words that a request cannot hold.
			_, text, _ := strings.Cut(lastLine(r.Stderr), "error: ")
			if own := regexp.MustCompile(`^(the following arguments|argument -|unrecognized arguments)`); !own.MatchString(text) && q.Version > 0 && !strings.Contains(r.Command, " -k") &&
				!strings.Contains(err.Error(), strings.TrimSuffix(text, ".")) {
				t.Errorf("refused with\n%v\nwant the program's own words\n%s", err, text)
			}
			if !errors.Is(err, systemimage.ErrRefused) {
				t.Errorf("%v is not ErrRefused", err)
			}
		case errors.Is(err, systemimage.ErrTorn), errors.Is(err, systemimage.ErrBroken):
			if !strings.Contains(err.Error(), "cleanup-tree") && !strings.Contains(err.Error(), " mv ") {
				t.Errorf("no command mends it: %v", err)
			}
			if len(afterwards[r.Name]) == 0 {
				t.Errorf("taken for broken before the run: %v", err)
			}
		case want == locked || q.Percentage > 100:
		default:
			t.Errorf("refused: %v", err)
		}
		// What the run came to must be recognized all the same.
		if err, ok := judgeAnyway(t, s, w, r, q); ok {
			want, _ := tell(t, r, newWorld(t, r.EmptyWorld).docs, end, q.To, q.Device, sourceDetail, tag, asked)
			if v := verdictOf(err); v != want {
				t.Errorf("afterwards judged %q, want %q: %v", v, want, err)
			}
		}
		return
	}
	if v := verdictOf(err); v != want {
		t.Errorf("verdict %q, want %q: %v", v, want, err)
	}
	if version != 0 && got.Version != version {
		t.Errorf("version %d, want %d", got.Version, version)
	}
	if want == done {
		if got.Tag != tag || got.Percentage != asked {
			t.Errorf("got %+v, want tag %q and %d %%", got, tag, asked)
		}
		b, err := json.Marshal(got)
		var back CopyResult
		if err != nil || json.Unmarshal(b, &back) != nil || !cmp.Equal(got, back) {
			t.Errorf("%+v does not survive JSON: %s", got, b)
		}
		if c, again, err := h.server().CheckCopy(t.Context(), q); err != nil || !again || !cmp.Equal(c.Version, got.Version) {
			t.Errorf("checked again: %+v, %v, %v, want that it is done", c, again, err)
		}
	}
	words := strings.Join(h.runs[0], " ")
	if wantWords := wantCopyWords(q, positional); words != wantWords {
		t.Errorf("ran %q, want %q", words, wantWords)
	}
}

func wantCopyWords(q CopyRequest, positional bool) string {
	words := "copy-image"
	if !positional {
		words += fmt.Sprintf(" -r %d", q.Version)
	}
	words += fmt.Sprintf(" -p %d", q.Percentage)
	if q.Tag != "" {
		words += " -t " + q.Tag
	}
	words += " -vvv " + q.From + " " + q.To + " " + q.Device
	if positional {
		words += fmt.Sprintf(" %d", q.Version)
	}
	return words
}

// judgeAnyway judges a recorded run that Copy would not have started, as if it
// had been started when the tree was still whole.
func judgeAnyway(t *testing.T, s *Server, w *world, r *fixture.Recording, q CopyRequest) (error, bool) {
	t.Helper()
	q.Percentage = min(q.Percentage, 100)
	if q.Percentage == 100 && strings.Contains(r.Command, "-p 150") {
		q.Percentage = 0
	}
	whole := newWorld(t, r.EmptyWorld)
	s.Client = whole.client()
	p, isDone, err := s.planCopy(t.Context(), q)
	if err != nil || isDone {
		return nil, false
	}
	w.apply(t, r)
	s.Client = w.client()
	e := ending{program: "copy-image", Output: r.Output(), transcript: readTranscript(r.Output())}
	if e.locked {
		return nil, false
	}
	_, err = s.settle(t.Context(), copyOp, p, e)
	return err, true
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// addSource adds the image that was copied where it came into the source by an
// earlier copy, which was not recorded: its files are those of the copy.
func (w *world) addSource(t *testing.T, r *fixture.Recording, q CopyRequest) {
	t.Helper()
	index := q.From + "/" + q.Device + "/index.json"
	after, ok := r.After[q.To+"/"+q.Device+"/index.json"]
	if !ok || w.docs[index] == "" {
		return
	}
	x, err := systemimage.ParseIndex([]byte(w.docs[index]))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := x.Full(q.Version); ok && !r.EmptyWorld {
		return
	}
	if r.EmptyWorld { // it was made anew: same names, other checksums
		x.Images = nil
	}
	y, err := systemimage.ParseIndex([]byte(after))
	if err != nil {
		t.Fatal(err)
	}
	m, ok := y.Latest()
	if !ok {
		m = y.Images[len(y.Images)-1] // published without a number
		m.NullVersion = false
	}
	m.Version, m.Percentage = q.Version, 100
	m.Files = slices.Clone(m.Files)
	last := &m.Files[len(m.Files)-1]
	last.Path = fmt.Sprintf("/%s/%s/version-%d.tar.xz", q.From, q.Device, q.Version)
	m.VersionDetail = copiedDetail(m.VersionDetail, false, "", q.Version)
	x.Images = append(x.Images, m)
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	w.put(index, string(b))
}

// What the records announce is what the list of changed files shows: in every
// recording of every group, of either era.
func TestAnnouncedIsPublished(t *testing.T) {
	for _, group := range []string{"copy-ok", "copy-danger", "era2016-copy", "tag"} {
		for _, r := range fixture.Recordings(t, group) {
			got := readTranscript(r.Output())
			if got.version == 0 {
				continue
			}
			file := fmt.Sprintf("/version-%d.tar.xz ", got.version)
			if !slices.ContainsFunc(r.Changes, func(c string) bool { return strings.HasPrefix(c, "A ") && strings.Contains(c, file) }) && r.Exit == 0 &&
				r.Name != "copy-killed-b-retry-v3" { // version 1 was there already
				t.Errorf("%s: announced version %d, changes:\n%s", r.Name, got.version, strings.Join(r.Changes, "\n"))
			}
			if got.complete != r.Said("Triggering a mirror sync") {
				t.Errorf("%s: complete is %v", r.Name, got.complete)
			}
		}
	}
}
