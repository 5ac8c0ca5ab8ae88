package phasing

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type row struct {
	Channel    string
	Target     string
	MachineID  string `json:"machine_id"`
	Percentage int
	Kind       string
}

func readRows(t testing.TB, name string) (rows []row) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	for line := range bytes.Lines(data) {
		var r row
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rows = append(rows, r)
	}
	return rows
}

func readJSON[T any](t testing.TB, name string) (v T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func TestDrawVectors(t *testing.T) {
	rows := readRows(t, "rows.jsonl.gz")
	if len(rows) != 1523 {
		t.Fatalf("%d rows, want 1523", len(rows))
	}
	shared := readRows(t, "no-channel.jsonl")
	if len(shared) != 4 {
		t.Fatalf("%d rows without a channel, want 4", len(shared))
	}
	asInt := 0
	for _, r := range append(rows, shared...) {
		seed := r.Channel + "." + r.Target + "." + r.MachineID
		if got := draw([]byte(seed)); got != r.Percentage {
			t.Errorf("draw(%.80q) = %d, want %d (%s)", seed, got, r.Percentage, r.Kind)
		}
		n, err := strconv.Atoi(r.Target)
		if err != nil {
			continue // more than 64 bits
		}
		asInt++
		if got := Draw(r.Channel, n, r.MachineID); got != r.Percentage {
			t.Errorf("Draw(%.40q, %d, %.40q) = %d, want %d", r.Channel, n, r.MachineID, got, r.Percentage)
		}
		for id, got := range Draws(r.Channel, n, slices.Values([]string{r.MachineID, r.MachineID, r.MachineID, r.MachineID})) {
			if id != r.MachineID || got != r.Percentage {
				t.Errorf("Draws(%.40q, %d, %.40q) = %d, want %d", r.Channel, n, r.MachineID, got, r.Percentage)
			}
		}
	}
	if asInt < 1400 {
		t.Errorf("only %d rows have a target that fits an int", asInt)
	}
}

func TestSeedSteps(t *testing.T) {
	type step struct {
		SeedText string   `json:"seed_text"`
		UTF8     string   `json:"utf8_hex"`
		Outputs  []uint32 `json:"mt_outputs_u32"`
		Top7     []uint32
		Result   int
	}
	steps := readJSON[[]step](t, "seed-steps.json")
	if len(steps) != 3 {
		t.Fatalf("%d steps, want 3", len(steps))
	}
	for _, s := range steps {
		if got := hex.EncodeToString([]byte(s.SeedText)); got != s.UTF8 {
			t.Errorf("%q is %s, want %s", s.SeedText, got, s.UTF8)
		}
		key := make([]uint32, 100)
		var mt twister
		mt.seed(key[:seedKey([]byte(s.SeedText), key)])
		for k, want := range s.Outputs {
			mt[k] = twist(mt[k], mt[k+1], mt[k+397])
			if got := temper(mt[k]); got != want || got>>25 != s.Top7[k] {
				t.Errorf("%q: output %d = %d, want %d", s.SeedText, k, got, want)
			}
		}
		if got := draw([]byte(s.SeedText)); got != s.Result {
			t.Errorf("draw(%q) = %d, want %d", s.SeedText, got, s.Result)
		}
	}
}

func TestMachineID(t *testing.T) {
	type file struct {
		Note, Stripped, Channel, Target string
		Hex                             string `json:"file_hex"`
		Percentage                      int
	}
	for _, f := range readJSON[[]file](t, "machine-id-files.json") {
		contents, err := hex.DecodeString(f.Hex)
		if err != nil {
			t.Fatal(err)
		}
		got, err := MachineID(contents)
		if err != nil || got != f.Stripped {
			t.Errorf("%s: MachineID(%q) = %q, %v, want %q", f.Note, contents, got, err, f.Stripped)
		}
		target, err := strconv.Atoi(f.Target)
		if err != nil {
			t.Fatal(err)
		}
		if n := Draw(f.Channel, target, got); n != f.Percentage {
			t.Errorf("%s: number %d, want %d", f.Note, n, f.Percentage)
		}
	}
	for _, tt := range []struct{ in, want string }{
		{"\x1c\x1d\x1e\x1fid\x1f", "id"},
		{"\u3000\u2028id\u205f\v\f", "id"},
		{"\ufeffid\u200b", "\ufeffid\u200b"},
		{"", ""},
	} {
		if got, err := MachineID([]byte(tt.in)); got != tt.want || err != nil {
			t.Errorf("MachineID(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
	for _, bad := range []string{"id\xff", "\xc0\x80", "\xed\xa0\x80", "abc\xe2\x82"} {
		if got, err := MachineID([]byte(bad)); !errors.Is(err, ErrMachineID) {
			t.Errorf("MachineID(%q) = %q, %v, want ErrMachineID", bad, got, err)
		}
	}
}

func TestDistribution(t *testing.T) {
	type distribution struct {
		N, Target int
		Channel   string
		Table     [][]float64
	}
	d := readJSON[distribution](t, "distribution.json")
	var census Census
	for _, n := range Draws(d.Channel, d.Target, fleet(d.N)) {
		census.Add(n)
	}
	for _, line := range d.Table {
		if got := census[int(line[0])]; got != int(line[1]) {
			t.Errorf("%v devices drew %v, want %v", got, line[0], line[1])
		}
		if p := Percent(line[0]); p > 0 && census.Admitted(p) != int(line[2]) {
			t.Errorf("%v admits %d, want %v", p, census.Admitted(p), line[2])
		}
	}
	if census.Total() != d.N || census.Admitted(0) != 0 || census.Admitted(100) != d.N {
		t.Errorf("total %d, at 0%%: %d, at 100%%: %d, want %d, 0, %d", census.Total(), census.Admitted(0), census.Admitted(100), d.N, d.N)
	}
}

func TestWord(t *testing.T) {
	for _, tt := range []struct{ alias, target, want string }{
		{"", "", "None"}, {"", "stable", "stable"}, {"saucy", "", "saucy"}, {"saucy", "daily", "saucy"},
	} {
		if got := SeedChannel(tt.alias, tt.target); got != tt.want {
			t.Errorf("SeedChannel(%q, %q) = %q, want %q", tt.alias, tt.target, got, tt.want)
		}
	}
}

// Draws works on four at a time; stragglers, mixed lengths, long ids and an early stop
// must not change what comes out.
func TestDrawsIsDraw(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var ids []string
	for i := range 1003 {
		n := 32
		switch {
		case i > 900:
			n = rng.IntN(400)
		case i%13 == 0:
			n = rng.IntN(40)
		}
		ids = append(ids, randomText(rng, n))
	}
	i := 0
	for id, got := range Draws("ubuntu-touch/stable", 42, slices.Values(ids)) {
		if id != ids[i] || got != Draw("ubuntu-touch/stable", 42, id) {
			t.Fatalf("Draws gave %q %d at %d, want %q %d", id, got, i, ids[i], Draw("ubuntu-touch/stable", 42, ids[i]))
		}
		i++
	}
	if i != len(ids) {
		t.Errorf("Draws yielded %d of %d", i, len(ids))
	}
	for stop := range 10 {
		n := 0
		for range Draws("c", 1, slices.Values(ids)) {
			if n++; n > stop {
				break
			}
		}
		if n != stop+1 {
			t.Errorf("stopped after %d, want %d", n, stop+1)
		}
	}
}

func TestDrawAllocatesNothing(t *testing.T) {
	id := "0123456789abcdef0123456789abcdef"
	if n := testing.AllocsPerRun(100, func() { Draw("ubuntu-touch/stable", 42, id) }); n != 0 {
		t.Errorf("Draw allocates %v times", n)
	}
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = id
	}
	if n := testing.AllocsPerRun(10, func() {
		for range Draws("ubuntu-touch/stable", 42, slices.Values(ids)) {
		}
	}); n > 20 {
		t.Errorf("1000 Draws allocate %v times", n)
	}
}

// fleet makes n machine ids: 0, 1, 2 … as 32 hexadecimal digits.
func fleet(n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range n {
			if !yield(fmt.Sprintf("%032x", i)) {
				return
			}
		}
	}
}

// fleetInPlace is the same, formatted faster, for benchmarks.
func fleetInPlace(n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		const hex = "0123456789abcdef"
		id := []byte(strings.Repeat("0", 32))
		for i := range n {
			for d, v := 31, i; v > 0; d, v = d-1, v>>4 {
				id[d] = hex[v&15]
			}
			if !yield(string(id)) {
				return
			}
		}
	}
}

// FuzzDraw holds the fast paths against init_by_array as it is written in the paper:
// state filled first, then two passes, then a whole block regenerated.
func FuzzDraw(f *testing.F) {
	f.Add("ubuntu-touch/stable", 42, "0123456789abcdef0123456789abcdef")
	f.Add("\x00\x00", -1, "")
	f.Add(strings.Repeat("c", 3000), 65536, "x")
	f.Fuzz(func(t *testing.T, channel string, target int, id string) {
		if len(channel)+len(id) > 1<<16 {
			return
		}
		want := slowDraw(fmt.Sprintf("%s.%d.%s", channel, target, id))
		if got := Draw(channel, target, id); got != want {
			t.Errorf("Draw = %d, want %d", got, want)
		}
		for _, got := range Draws(channel, target, slices.Values([]string{id, id, id, id})) {
			if got != want {
				t.Errorf("Draws = %d, want %d", got, want)
			}
		}
	})
}

func FuzzMachineID(f *testing.F) {
	f.Add([]byte("0123456789abcdef\n"))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, contents []byte) {
		id, err := MachineID(contents)
		if err != nil {
			return
		}
		if again, err := MachineID([]byte(id)); err != nil || again != id {
			t.Errorf("MachineID(%q) = %q, and of that %q, %v", contents, id, again, err)
		}
	})
}
