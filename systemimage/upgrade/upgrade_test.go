package upgrade

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
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

// check runs a recorded run of the client.
func (r vectorRun) check(t *testing.T, x *systemimage.Index) {
	t.Helper()
	q := Request{Build: r.Start, Filter: r.Filter}
	if q.Filter == "none" {
		q.Filter = ""
	}
	what := fmt.Sprintf("start %d filter %s", r.Start, r.Filter)
	seq, err := Ways(x, q)
	if (r.Verdict == "error") != (err != nil) {
		t.Fatalf("%s: error %v, want verdict %q", what, err, r.Verdict)
	}
	if err != nil {
		return
	}
	var list []Way
	for c := range seq {
		list = append(list, c)
	}
	if len(list) != len(r.Candidates) {
		t.Fatalf("%s: %d candidates, want %d", what, len(list), len(r.Candidates))
	}
	for i, c := range list {
		want := r.Candidates[i]
		if got := vectorPath(c.Path); !cmp.Equal(want.Path, got) || c.Score != want.Score || c.Path[len(c.Path)-1].Percentage != want.Phase {
			t.Errorf("%s: candidate %d is %v with score %d, want %v", what, i, got, c.Score, want)
		}
	}
	for _, by := range r.WinnerBy {
		for _, n := range []int{by[0], by[1]} {
			q.Draw = number(n)
			o, err := Choose(x, q)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if o.Paths != uint64(len(r.Candidates)) {
				t.Errorf("%s: Paths = %d, want %d", what, o.Paths, len(r.Candidates))
			}
			if by[2] < 0 {
				if len(o.Path) > 0 {
					t.Errorf("%s: number %d gets %s, want nothing", what, n, pathText(o.Path))
				}
				continue
			}
			want := r.Candidates[by[2]]
			if got := vectorPath(o.Path); !cmp.Equal(want.Path, got) || o.Score != want.Score {
				t.Errorf("%s: number %d gets %v with score %d, want %v", what, n, got, o.Score, want)
			}
			var ties, wantTies []string
			for _, p := range o.Ties {
				ties = append(ties, fmt.Sprint(vectorPath(p)))
			}
			for _, c := range r.Candidates { // the full filter lists a path more than once
				if s := fmt.Sprint(c.Path); c.Score == want.Score && c.Phase >= max(n, 1) && s != fmt.Sprint(want.Path) && !slices.Contains(wantTies, s) {
					wantTies = append(wantTies, s)
				}
			}
			slices.Sort(ties)
			slices.Sort(wantTies)
			if !cmp.Equal(wantTies, ties) {
				t.Errorf("%s: number %d ties %v, want %v", what, n, ties, wantTies)
			}
		}
	}
	if r.MachineID == "" {
		return
	}
	q.Draw = func(target int) int { return phasing.Draw(r.Channel, target, r.MachineID) }
	o, err := Choose(x, q)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if o.Target != r.SeedTarget || o.Number != r.Percentage {
		t.Errorf("%s: Target %d and Number %d, want %d and %d", what, o.Target, o.Number, r.SeedTarget, r.Percentage)
	}
	if r.Winner < 0 {
		if len(o.Path) > 0 {
			t.Errorf("%s: %s, want nothing", what, pathText(o.Path))
		}
		return
	}
	if got := vectorPath(o.Path); !cmp.Equal(r.Candidates[r.Winner].Path, got) {
		t.Errorf("%s: winner %v, want %v", what, got, r.Candidates[r.Winner].Path)
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
		q.MaxImage = int(r.MaxImage[0].(float64))
		o, err := Choose(x, q)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want, _ := json.Marshal(r.MaxImage[1])
		if got, _ := json.Marshal(vectorPath(o.Path)); string(got) != string(want) {
			t.Errorf("%s: MaxImage %d leaves %s, want %s", what, q.MaxImage, got, want)
		}
	}
}

func TestUpgradeLikeADevice(t *testing.T) {
	type paths struct {
		Name, File string
		Index      json.RawMessage
		Runs       []vectorRun
		vectorRun
	}
	shared := "../../shared/fixtures/system-image-client"
	for _, file := range []string{"testdata/paths/generated.jsonl.gz", "testdata/paths/special.jsonl.gz",
		shared + "/paths/upstream-expected.jsonl", shared + "/ubports/expected-paths.jsonl"} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if _, err := os.Stat(file); err != nil && strings.HasPrefix(file, shared) {
				t.Skip("recordings of the client's own test data are not beside the project")
			}
			runs := 0
			for _, tt := range readLines[paths](t, file) {
				if tt.File != "" {
					dir := filepath.Join(filepath.Dir(file), "../upstream-testdata")
					if strings.Contains(file, "ubports") {
						dir = filepath.Dir(file)
					}
					data, err := os.ReadFile(filepath.Join(dir, tt.File))
					if err != nil {
						t.Fatal(err)
					}
					tt.Index = data
				}
				x, err := systemimage.ParseIndex(tt.Index)
				if err != nil {
					t.Fatalf("%s%s: %v", tt.Name, tt.File, err)
				}
				if tt.Runs == nil {
					tt.Runs = []vectorRun{tt.vectorRun}
				}
				for _, r := range tt.Runs {
					t.Run(tt.Name+tt.File, func(t *testing.T) { r.check(t, x) })
					runs++
				}
			}
			if runs < 18 {
				t.Errorf("only %d runs", runs)
			}
		})
	}
}

func TestUpgradeTieDependsOnPython(t *testing.T) {
	type tie struct {
		Name     string
		Index    json.RawMessage
		Start    int
		Score    int64
		New, Old []vectorImage
		N        []vectorImage   `json:"winner_python37_and_later"`
		O        []vectorImage   `json:"winner_python36_and_earlier"`
		All      [][]vectorImage `json:"all_paths_with_that_score"`
	}
	for _, tt := range readLines[tie](t, "testdata/paths/tie-depends-on-python.jsonl.gz") {
		x, err := systemimage.ParseIndex(tt.Index)
		if err != nil {
			t.Fatal(err)
		}
		o, err := Choose(x, Request{Build: tt.Start})
		if err != nil {
			t.Fatal(err)
		}
		if o.Score != tt.Score || !cmp.Equal(tt.N, vectorPath(o.Path)) || !cmp.Equal(tt.O, vectorPath(o.Older)) || len(o.Ties) != len(tt.All)-1 {
			t.Errorf("%s: %s, older %s, %d ties; want %v, %v, %d", tt.Name, pathText(o.Path), pathText(o.Older), len(o.Ties), tt.N, tt.O, len(tt.All)-1)
		}
	}
}

// TestUpgradeVerdicts follows a device past the parser: Upgrade fails where it
// fails or never ends. The differences are those of [lenient], reported here
// after all, and one more.
func TestUpgradeVerdicts(t *testing.T) {
	type indexCase struct {
		Name     string
		Text     string `json:"index_text"`
		Verdict  string
		Start    int
		Scores   []int64
		WinnerAt map[string][]vectorImage `json:"winner_at"`
	}
	unlike := map[string]string{"image key named self": "an accident of the client's language"}
	type rawCase struct {
		indexCase
		Scores json.RawMessage
	}
	for _, raw := range fixture.Cases[rawCase](t, "../testdata/client/index-cases.json") {
		tt := raw.indexCase
		t.Run(tt.Name, func(t *testing.T) {
			x, err := systemimage.ParseIndex([]byte(tt.Text))
			var o *Offer
			if err == nil {
				o, err = Choose(x, Request{Build: tt.Start})
			}
			if unlike[tt.Name] != "" {
				if tt.Verdict == "ok" || err != nil {
					t.Errorf("verdict %s, error %v: no difference any more", tt.Verdict, err)
				}
				return
			}
			if (err == nil) != (tt.Verdict == "ok") {
				t.Fatalf("error %v, want verdict %q", err, tt.Verdict)
			}
			if err != nil {
				if tt.Verdict == "never ends" && (Loop(x, tt.Start) == nil || !errors.Is(err, systemimage.ErrBroken)) {
					t.Errorf("Loop = %v, error %v", Loop(x, tt.Start), err)
				}
				return
			}
			if Loop(x, tt.Start) != nil || o == nil {
				t.Errorf("Loop = %v, want none", Loop(x, tt.Start))
			}
			for n, want := range tt.WinnerAt {
				var d int
				_, _ = fmt.Sscan(n, &d)
				o, err := Choose(x, Request{Build: tt.Start, Draw: number(d)})
				if err != nil {
					t.Fatal(err)
				}
				for i := range want {
					if want[i][2] == true {
						want[i][2] = 1.0
					}
				}
				if diff := cmp.Diff(want, vectorPath(o.Path)); diff != "" {
					t.Errorf("number %d (-want +got):\n%s", d, diff)
				}
			}
		})
	}
}

func TestQueryOfAnInstalledDevice(t *testing.T) {
	type alias struct {
		Name       string
		Channel    string  `json:"config_channel"`
		Target     *string `json:"config_channel_target"`
		Alias      *string `json:"server_alias"`
		Build      int     `json:"config_build"`
		Override   *int    `json:"build_override"`
		Percentage int     `json:"phased_percentage_of_7"`
		MachineID  string  `json:"machine_id"`
		Used       int     `json:"build_used"`
		SeedTarget int     `json:"seed_target"`
		Number     int     `json:"device_percentage"`
		Winner     []vectorImage
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	cases := readLines[alias](t, "testdata/alias-cases.jsonl.gz")
	if len(cases) != 74 {
		t.Fatalf("%d cases, want 74", len(cases))
	}
	for _, tt := range cases {
		in := Device{Channel: tt.Channel, Target: text(tt.Target), Build: tt.Build, MachineID: tt.MachineID}
		if tt.Override != nil {
			in.Build, in.BuildGiven = *tt.Override, true
		}
		q := in.Request(systemimage.Channels{tt.Channel: {Alias: text(tt.Alias)}})
		x := &systemimage.Index{GeneratedAt: "Tue Mar 01 01:01:01 UTC 2016", Images: []systemimage.Image{
			{Type: systemimage.Full, Version: 6, Percentage: 100, Files: []systemimage.File{{Size: 300 * mib}}},
			{Type: systemimage.Full, Version: 7, Percentage: tt.Percentage, Files: []systemimage.File{{Size: 310 * mib}}},
			{Type: systemimage.Delta, Version: 7, Base: 6, Percentage: tt.Percentage, Files: []systemimage.File{{Size: 20 * mib}}},
		}}
		o, err := Choose(x, q)
		if err != nil {
			t.Fatal(err)
		}
		if q.Build != tt.Used || o.Target != tt.SeedTarget || o.Number != tt.Number || !cmp.Equal(tt.Winner, vectorPath(o.Path)) {
			t.Errorf("%s: build %d, target %d, number %d, %s; want %+v", tt.Name, q.Build, o.Target, o.Number, pathText(o.Path), tt)
		}
	}
}

// random makes an index full of ties: few sizes, few percentages, many forks.
func random(r *rand.Rand) *systemimage.Index {
	x := &systemimage.Index{GeneratedAt: "Tue Mar 01 01:01:01 UTC 2016"}
	versions := make([]int, 2+r.IntN(9))
	for i := range versions {
		versions[i] = 1 + r.IntN(400)
	}
	slices.Sort(versions)
	pick := func() (percentage int, files []systemimage.File) {
		return []int{100, 100, 50, 0}[r.IntN(4)], []systemimage.File{{Size: int64(r.IntN(3)) * mib / 2}}
	}
	for i, v := range versions {
		if r.IntN(3) > 0 {
			m := systemimage.Image{Type: systemimage.Full, Version: v, Bootme: r.IntN(9) == 0, MinVersion: r.IntN(2) * r.IntN(40)}
			m.Percentage, m.Files = pick()
			x.Images = append(x.Images, m)
		}
		for _, base := range versions[:i] {
			if base != v && r.IntN(2) > 0 {
				m := systemimage.Image{Type: systemimage.Delta, Version: v, Base: base}
				m.Percentage, m.Files = pick()
				x.Images = append(x.Images, m)
			}
		}
	}
	r.Shuffle(len(x.Images), func(i, j int) { x.Images[i], x.Images[j] = x.Images[j], x.Images[i] })
	return x
}

// TestUpgradeAgainstListing holds the shortest-path search to the client's way:
// list every path, take the first of the best.
func TestUpgradeAgainstListing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ties := 0
	for range 2000 {
		x := random(r)
		q := Request{Build: []int{0, anyVersion(r, x)}[r.IntN(2)], Filter: []string{"", "", "", systemimage.Full, systemimage.Delta}[r.IntN(5)]}
		n := r.IntN(101)
		q.Draw = number(n)
		seq, err := Ways(x, q)
		if err != nil {
			t.Fatal(err)
		}
		var best Way
		count := uint64(0)
		target := 0
		same := map[string]bool{}
		for c := range seq {
			count++
			last := c.Path[len(c.Path)-1]
			target = max(target, last.Version)
			if last.Percentage == 0 || n > last.Percentage {
				continue
			}
			if best.Path == nil || c.Score < best.Score {
				best = c
				clear(same)
			}
			if c.Score == best.Score {
				same[pathText(c.Path)] = true
			}
		}
		o, err := Choose(x, q)
		if err != nil {
			t.Fatal(err)
		}
		if pathText(o.Path) != pathText(best.Path) || o.Score != best.Score || o.Paths != count || o.Target != target {
			t.Fatalf("%+v: %s score %d paths %d target %d, want %s score %d paths %d target %d\n%v", q,
				pathText(o.Path), o.Score, o.Paths, o.Target, pathText(best.Path), best.Score, count, target, x.Images)
		}
		if want := min(16, max(0, len(same)-1)); len(o.Ties) != want {
			t.Fatalf("%d ties, want %d", len(o.Ties), want)
		}
		ties += min(1, len(o.Ties))
	}
	if ties < 200 {
		t.Errorf("only %d ties met", ties)
	}
}

// anyVersion picks the version of an image.
func anyVersion(r *rand.Rand, x *systemimage.Index) int {
	if len(x.Images) == 0 {
		return 0
	}
	return x.Images[r.IntN(len(x.Images))].Version
}

// TestOddIndexes has what a publisher would not write.
func TestOddIndexes(t *testing.T) {
	type odd struct {
		Text, Filter, Verdict, Generated string
		Build, Cap, Target               int
		Paths                            uint64
		WinnerAt                         [][2]json.RawMessage `json:"winner_at"` // number and path
	}
	for i, tt := range readLines[odd](t, "testdata/odd.jsonl.gz") {
		q := Request{Build: tt.Build, Filter: tt.Filter, MaxImage: tt.Cap}
		x, err := systemimage.ParseIndex([]byte(tt.Text))
		if err == nil {
			_, err = Choose(x, q)
		}
		if (err == nil) != (tt.Verdict == "ok") || (tt.Verdict == "never") != (err != nil && x != nil && Loop(x, tt.Build) != nil) {
			t.Errorf("row %d: error %v, the client: %s\n%s", i+1, err, tt.Verdict, tt.Text)
			continue
		}
		if err != nil {
			continue
		}
		if at, err := x.Generated(); err != nil || at.Format("2006-01-02T15:04:05") != tt.Generated {
			t.Errorf("row %d: generated %v, %v, want %s", i+1, at, err, tt.Generated)
		}
		for _, w := range tt.WinnerAt {
			q.Draw = func(int) int { n, _ := strconv.Atoi(string(w[0])); return n }
			o, err := Choose(x, q)
			if err != nil {
				t.Fatalf("row %d: %v", i+1, err)
			}
			if got, _ := json.Marshal(vectorPath(o.Path)); string(got) != string(w[1]) || o.Target != tt.Target || o.Paths != tt.Paths {
				t.Errorf("row %d: number %s of %d gets %s of %d paths, want %s of %d, %d\n%s", i+1, w[0], o.Target, got, o.Paths, w[1], tt.Target, tt.Paths, tt.Text)
			}
		}
	}
}

// A device looks at the version of a full only if it may take it.
func TestUpgradeUnusableFullBehindMinVersion(t *testing.T) {
	x, err := systemimage.ParseIndex([]byte(`{"global": {"generated_at": "Tue Mar 01 01:01:01 UTC 2016"},"images":[{"type":"full","minversion":5},{"type":"full","version":7}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for build, ok := range map[int]bool{4: true, 5: false} {
		if o, err := Choose(x, Request{Build: build}); (err == nil) != ok || ok && pathText(o.Path) != "full 7" {
			t.Errorf("build %d: %v, %v, want ok %v", build, o, err, ok)
		}
	}
}
