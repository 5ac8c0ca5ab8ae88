package upgrade

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

func TestChooseLikeADevice(t *testing.T) {
	type paths struct {
		Name, File string
		Index      json.RawMessage
		Runs       []vectorRun
		vectorRun
	}
	shared := "../../../shared/fixtures/system-image-client"
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

// Of these two, devices with CPython up to 3.6 take another path than later ones.
func TestTieDependsOnPython(t *testing.T) {
	type tie struct {
		Name  string
		Index json.RawMessage
		Start int
		Score int64
		New   []vectorImage   `json:"winner_python37_and_later"`
		Old   []vectorImage   `json:"winner_python36_and_earlier"`
		All   [][]vectorImage `json:"all_paths_with_that_score"`
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
		want := []string{}
		for _, path := range tt.All {
			want = append(want, fmt.Sprint(path))
		}
		if diff := cmp.Diff(sorted(want), tied(o)); diff != "" || o.Score != tt.Score {
			t.Errorf("%s: score %d, want %d; ties (-want +got):\n%s", tt.Name, o.Score, tt.Score, diff)
		}
		for _, path := range [][]vectorImage{tt.New, tt.Old} {
			if _, ok := find(o, path); !ok {
				t.Errorf("%s: %v is not among the ties", tt.Name, path)
			}
		}
	}
}

// TestVerdicts follows a device past the parser: Choose fails where it
// fails or never ends.
func TestVerdicts(t *testing.T) {
	type indexCase struct {
		Name     string
		Text     string `json:"index_text"`
		Verdict  string
		Start    int
		Scores   []int64
		WinnerAt map[string][]vectorImage `json:"winner_at"`
	}
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
				if len(o.Path) == 0 && len(want) == 0 {
					continue
				}
				if _, ok := find(o, want); !ok {
					t.Errorf("number %d gets one of %v, want %v", d, tied(o), want)
				}
			}
		})
	}
}

func TestRequestOfADevice(t *testing.T) {
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

// TestChooseAgainstListing holds the shortest-path search to the client's way:
// list every path, take one of the best.
func TestChooseAgainstListing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ties := 0
	for range 2000 {
		x := random(r)
		q := Request{Build: []int{0, anyVersion(r, x)}[r.IntN(2)], Filter: []string{"", "", "", systemimage.Full, systemimage.Delta}[r.IntN(5)]}
		n := r.IntN(101)
		q.Draw = number(n)
		seq, err := ways(x, q)
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
		if best.Path == nil != (o.Path == nil) || best.Path != nil && !same[pathText(o.Path)] || o.Score != best.Score || o.Paths != count || o.Target != target {
			t.Fatalf("%+v: %s score %d paths %d target %d, want %s score %d paths %d target %d\n%v", q,
				pathText(o.Path), o.Score, o.Paths, o.Target, pathText(best.Path), best.Score, count, target, x.Images)
		}
		if want := min(16, max(0, len(same)-1)); len(o.Ties) != want {
			t.Fatalf("%d ties, want %d", len(o.Ties), want)
		}
		for _, path := range o.Ties {
			if !same[pathText(path)] || pathText(path) == pathText(o.Path) {
				t.Fatalf("%s is no tie of %s", pathText(path), pathText(o.Path))
			}
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
			if got := tiedJSON(o, tt.Cap); !slices.Contains(got, string(w[1])) || o.Target != tt.Target || o.Paths != tt.Paths {
				t.Errorf("row %d: number %s of %d gets one of %q of %d paths, want %s of %d, %d\n%s", i+1, w[0], o.Target, got, o.Paths, w[1], tt.Target, tt.Paths, tt.Text)
			}
		}
	}
}

// tiedJSON are the tied paths of an offer as they stand in a row.
func tiedJSON(o *Offer, most int) (list []string) {
	for _, path := range append([][]systemimage.Image{o.Path}, o.Ties...) {
		b, _ := json.Marshal(vectorPath(capped(slices.Clone(path), most)))
		list = append(list, string(b))
	}
	return list
}

// A device looks at the version of a full only if it may take it.
func TestUnusableFullBehindMinVersion(t *testing.T) {
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
