package upgrade

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/systemimage"
)

// readLines reads a .jsonl file, compressed or not.
func readLines[T any](t testing.TB, name string) []T {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := io.Reader(f)
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	var list []T
	dec := json.NewDecoder(bufio.NewReader(r))
	for {
		var v T
		if err := dec.Decode(&v); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		list = append(list, v)
	}
}

// vectorImage is [type, base, version].
type vectorImage [3]any

func vectorPath(path []systemimage.Image) []vectorImage {
	list := []vectorImage{}
	for _, m := range path {
		v := vectorImage{m.Type, nil, float64(m.Version)}
		if m.Type == systemimage.Delta {
			v[1] = float64(m.Base)
		}
		list = append(list, v)
	}
	return list
}

type vectorRun struct {
	Start      int
	Filter     string
	Enumerated int
	Candidates []struct {
		Path  []vectorImage
		Score int64
		Phase int
	}
	Verdict     string
	SeedTarget  int      `json:"seed_target"`
	WinnerBy    [][3]int `json:"winner_by_percentage"`
	Channel     string
	MachineID   string `json:"machine_id"`
	Percentage  int    `json:"device_percentage"`
	Winner      int
	WinnerFiles [][2]any `json:"winner_files"`
	WinnerSize  int64    `json:"winner_size_all"`
	MaxImage    []any    `json:"maximage"`
}

func number(n int) func(int) int { return func(int) int { return n } }

// check holds Ways and Choose to a recorded run of the client.
func (r vectorRun) check(t *testing.T, x *systemimage.Index) {
	t.Helper()
	q := Request{Build: r.Start, Filter: r.Filter}
	if q.Filter == "none" {
		q.Filter = ""
	}
	seq, err := ways(x, q)
	if (r.Verdict == "error") != (err != nil) {
		t.Fatalf("start %d filter %s: error %v, want verdict %q", r.Start, r.Filter, err, r.Verdict)
	}
	if err != nil {
		return
	}
	var got, want []string
	for c := range seq {
		got = append(got, fmt.Sprint(vectorPath(c.Path), c.Score, c.Path[len(c.Path)-1].Percentage))
	}
	for _, c := range r.Candidates {
		want = append(want, fmt.Sprint(c.Path, c.Score, c.Phase))
	}
	slices.Sort(got) // the client's order is that of a hash table
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("start %d filter %s: ways (-want +got):\n%s", r.Start, r.Filter, diff)
	}
	for _, by := range r.WinnerBy {
		for _, n := range []int{by[0], by[1]} {
			q.Draw = number(n)
			r.checkOffer(t, x, q, n, by[2])
		}
	}
	if r.MachineID != "" {
		r.checkDevice(t, x, q)
	}
}

// choose returns what a device chooses. It fails when files with one name are on
// the way, and only then: the recordings are of choices, not of downloads.
func choose(t *testing.T, x *systemimage.Index, q Request) *Offer {
	t.Helper()
	o, err := Choose(x, q)
	if o == nil {
		t.Fatalf("build %d filter %q: %v", q.Build, q.Filter, err)
	}
	twice := false
	for _, way := range append([][]systemimage.Image{o.Path}, o.Ties...) {
		names := map[string]string{}
		for _, f := range (&Offer{Way: Way{Path: capped(slices.Clone(way), q.MaxImage)}}).Files() {
			name := f.Path[strings.LastIndex(f.Path, "/")+1:]
			twice = twice || names[name] != "" && names[name] != f.Path
			names[name] = f.Path
		}
	}
	if twice != errors.Is(err, systemimage.ErrBroken) || twice != (err != nil) {
		t.Errorf("build %d filter %q: %v, want an error: %v", q.Build, q.Filter, err, twice)
	}
	return o
}

// checkOffer holds an offer to the recorded winner, which may be any of the tied.
func (r vectorRun) checkOffer(t *testing.T, x *systemimage.Index, q Request, number, winner int) {
	t.Helper()
	what := fmt.Sprintf("start %d filter %s number %d", r.Start, r.Filter, number)
	o := choose(t, x, q)
	if o.Paths != uint64(len(r.Candidates)) {
		t.Errorf("%s: Paths = %d, want %d", what, o.Paths, len(r.Candidates))
	}
	if winner < 0 {
		if len(o.Path) > 0 || len(o.Ties) > 0 {
			t.Errorf("%s gets %s, want nothing", what, pathText(o.Path))
		}
		return
	}
	best := r.Candidates[winner]
	if o.Score != best.Score {
		t.Errorf("%s: score %d, want %d", what, o.Score, best.Score)
	}
	want := []string{}
	for _, c := range r.Candidates { // the full filter lists a path more than once
		if s := fmt.Sprint(c.Path); c.Score == best.Score && c.Phase >= max(number, 1) && !slices.Contains(want, s) {
			want = append(want, s)
		}
	}
	if diff := cmp.Diff(sorted(want), tied(o)); diff != "" {
		t.Errorf("%s: ways with the best score (-want +got):\n%s", what, diff)
	}
}

// tied are the paths of an offer with the best score, in order.
func tied(o *Offer) []string {
	list := []string{fmt.Sprint(vectorPath(o.Path))}
	for _, path := range o.Ties {
		list = append(list, fmt.Sprint(vectorPath(path)))
	}
	return sorted(list)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// find returns an offer with the path of a vector, if that is among the tied.
func find(o *Offer, path []vectorImage) (*Offer, bool) {
	for _, p := range append([][]systemimage.Image{o.Path}, o.Ties...) {
		if cmp.Equal(path, vectorPath(p)) {
			own := *o
			own.Path = p
			return &own, true
		}
	}
	return o, false
}

// checkDevice holds an offer to what a recorded device got.
func (r vectorRun) checkDevice(t *testing.T, x *systemimage.Index, q Request) {
	t.Helper()
	what := fmt.Sprintf("start %d filter %s device %s", r.Start, r.Filter, r.MachineID)
	q.Draw = func(target int) int { return phasing.Draw(r.Channel, target, r.MachineID) }
	o := choose(t, x, q)
	if o.Target != r.SeedTarget || o.Number != r.Percentage {
		t.Errorf("%s: Target %d and Number %d, want %d and %d", what, o.Target, o.Number, r.SeedTarget, r.Percentage)
	}
	if r.Winner < 0 {
		if len(o.Path) > 0 {
			t.Errorf("%s: %s, want nothing", what, pathText(o.Path))
		}
		return
	}
	o, ok := find(o, r.Candidates[r.Winner].Path)
	if !ok {
		t.Fatalf("%s: %q, want %v among them", what, tied(o), r.Candidates[r.Winner].Path)
	}
	var files, want []string
	for _, f := range o.Files() {
		files = append(files, f.Path)
	}
	for _, f := range r.WinnerFiles {
		want = append(want, f[1].(string))
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("%s: files (-want +got):\n%s", what, diff)
	}
	if o.Size() != r.WinnerSize {
		t.Errorf("%s: Size = %d, want %d", what, o.Size(), r.WinnerSize)
	}
	if len(r.MaxImage) == 2 && r.MaxImage[0].(float64) > 0 {
		r.checkCap(t, x, q, o)
	}
}

// checkCap holds what a cap leaves to what was recorded; with a tie, of the
// path that the recorded device took.
func (r vectorRun) checkCap(t *testing.T, x *systemimage.Index, q Request, taken *Offer) {
	t.Helper()
	q.MaxImage = int(r.MaxImage[0].(float64))
	o := choose(t, x, q)
	path := o.Path
	if len(o.Ties) > 0 {
		path = capped(slices.Clone(taken.Path), q.MaxImage)
	}
	want, _ := json.Marshal(r.MaxImage[1])
	if got, _ := json.Marshal(vectorPath(path)); string(got) != string(want) {
		t.Errorf("MaxImage %d leaves %s, want %s", q.MaxImage, got, want)
	}
}
