package lab_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
	"github.com/landingteam/landing/systemimage/treecheck"
)

// farPairs are the sizes that are measured:
//
//	go test ./runbook/lab -run FarLine -v -args -pairs "3 12 48"
var farPairs = flag.String("pairs", "3", "for how many pairs the slow line is measured: numbers from 3 on, with blanks between")

// What a round trip and the server's programs take in the measurements, in virtual
// time: what differs from run to run is only how often each is waited for.
const (
	roundTrip = 40 * time.Millisecond
	setting   = 150 * time.Millisecond // set-phased-percentage
	copying   = 480 * time.Millisecond // copy-image
)

// A farLine is a server at the end of a slow line: each request and each command
// takes a round trip, and each program of the server its time.
type farLine struct {
	*systemimagetest.Server
	tree http.RoundTripper

	mu       sync.Mutex
	begun    time.Time
	requests map[string]int // by kind
	commands int
	programs time.Duration // that the server's programs took
	set      []time.Duration
}

func newFarLine(t *testing.T, template *systemimagetest.Server) *farLine {
	t.Helper()
	s, err := template.Clone(systemimagetest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &farLine{Server: s, tree: s.Client().HTTP.Transport}
	s.Before = func(argv []string) error {
		if !slices.Contains(argv, "--help") {
			w.run(filepath.Base(argv[0]))
		}
		return nil
	}
	w.reset()
	return w
}

// reset begins a measurement.
func (w *farLine) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun, w.requests, w.commands, w.programs, w.set = time.Now(), map[string]int{}, 0, 0, nil
}

// run lets a program take its time.
func (w *farLine) run(program string) {
	took := map[string]time.Duration{"set-phased-percentage": setting, "copy-image": copying}[program]
	time.Sleep(took)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.programs += took
	if program == "set-phased-percentage" {
		w.set = append(w.set, time.Since(w.begun))
	}
}

// Run implements command.Runner.
func (w *farLine) Run(ctx context.Context, c command.Command) (command.Output, error) {
	time.Sleep(roundTrip)
	w.mu.Lock()
	w.commands++
	w.mu.Unlock()
	return w.Server.Run(ctx, c)
}

// RoundTrip implements http.RoundTripper.
func (w *farLine) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(roundTrip)
	w.mu.Lock()
	w.requests[requestKind(r)]++
	w.mu.Unlock()
	return w.tree.RoundTrip(r)
}

// requestKind tells what is asked for: an index, a keyring, the listing or a payload.
func requestKind(r *http.Request) string {
	kind := "payload"
	switch p := strings.TrimSuffix(r.URL.Path, ".asc"); {
	case path.Base(p) == "channels.json":
		kind = "listing"
	case path.Base(p) == "index.json":
		kind = "index"
	case strings.HasPrefix(p, "/gpg/"), path.Base(p) == "device.tar.xz":
		kind = "keyring"
	}
	if strings.HasSuffix(r.URL.Path, ".asc") {
		kind = "signature"
	}
	if r.Method == http.MethodHead {
		kind = "HEAD"
	}
	return kind
}

func (w *farLine) client() *systemimage.Client {
	c := w.Client()
	c.HTTP = &http.Client{Transport: w}
	return c
}

func (w *farLine) operator() *operate.Server {
	return &operate.Server{Runner: w, Root: w.Root(), Client: w.client()}
}

func (w *farLine) importer() *operate.Importer {
	return &operate.Importer{Runner: w, Root: w.Root()}
}

// many is a world with so many pairs of each stage: those of a small one, and vendors
// with three devices each.
func many(w systemimagetest.World, pairs int) systemimagetest.World {
	w = small(w)
	var config strings.Builder
	have := 0
	for _, c := range w.Channels {
		if strings.Contains(c.Name, "/stable/") {
			have += len(c.Devices)
		}
	}
	for n := range pairs - have {
		vendor, device := fmt.Sprintf("vendor%02d.en", n/3), fmt.Sprintf("device%02d", n)
		for _, stage := range []string{"rc-proposed", "rc", "stable"} {
			like := slices.IndexFunc(w.Channels, func(c systemimagetest.Channel) bool {
				return c.Name == "ubuntu-touch/"+stage+"/bq-aquaris.en"
			})
			d := w.Channels[like].Devices[0]
			d.Name = device
			name := "ubuntu-touch/" + stage + "/" + vendor
			at := slices.IndexFunc(w.Channels, func(c systemimagetest.Channel) bool { return c.Name == name })
			if at < 0 {
				at = len(w.Channels)
				w.Channels = append(w.Channels, systemimagetest.Channel{Name: name})
				fmt.Fprintf(&config, "\n[channel_%s]\ntype = manual\nversionbase = 1\nfullcount = 3\n", name)
				w.Config = strings.Replace(w.Config, "channels = ", "channels = "+name+", ", 1)
			}
			w.Channels[at].Devices = append(w.Channels[at].Devices, d)
		}
	}
	w.Config += config.String()
	return w
}

// stageOf are the newest images of a stage.
func stageOf(t *testing.T, w *farLine, stage string) (list []procedure.NamedImage) {
	t.Helper()
	c := w.Client()
	l, err := c.Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for channel, device := range l.Pairs() {
		if !strings.Contains(channel, "/"+stage+"/") || l.Channels.Kind(channel) != systemimage.KindChannel {
			continue
		}
		x, err := c.IndexOf(t.Context(), l, channel, device)
		if err != nil {
			t.Fatal(err)
		}
		newest, _ := x.Newest()
		list = append(list, procedure.NamedImage{Channel: channel, Device: device, Version: newest})
	}
	return list
}

// A measurement is one job over a slow line, and what it cost.
type measurement struct {
	job      string
	took     time.Duration
	goal     time.Duration
	programs time.Duration
	commands int
	records  int
	requests map[string]int
}

// asked are all requests.
func (m measurement) asked() (n int) {
	for _, k := range m.requests {
		n += k
	}
	return n
}

func (m measurement) String() string {
	var kinds []string
	for _, k := range slices.Sorted(maps.Keys(m.requests)) {
		kinds = append(kinds, fmt.Sprintf("%s %d", k, m.requests[k]))
	}
	ratio := ""
	if m.goal > 0 {
		ratio = fmt.Sprintf("%5.2f × %v", float64(m.took)/float64(m.goal), m.goal.Round(time.Millisecond))
	}
	return fmt.Sprintf("%-34s %8.2fs  programs %6.2fs  %-18s %5d requests (%s), %d commands, %d records",
		m.job, m.took.Seconds(), m.programs.Seconds(), ratio, m.asked(), strings.Join(kinds, ", "), m.commands, m.records)
}

// measured is what w has cost since its last reset.
func (w *farLine) measured(job string, trips int, j *runbooktest.Memory, t *testing.T) measurement {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	m := measurement{job: job, took: time.Since(w.begun), programs: w.programs, commands: w.commands, requests: maps.Clone(w.requests)}
	m.goal = w.programs + time.Duration(trips)*roundTrip
	if j != nil {
		for _, err := range j.Lines(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			m.records++
		}
	}
	return m
}

// A job is something that a landing team does and waits for. Its measurements
// begin with a world of its own.
type farJob struct {
	world   func() systemimagetest.World
	measure func(t *testing.T, w *farLine, pairs int) []measurement
}

var farJobs = map[string]farJob{
	"back-out": {func() systemimagetest.World { return lab.Released(30) }, measureBackOut},
	"copyrc":   {systemimagetest.SampleWorld, measureCopyRC},
	"rollout":  {func() systemimagetest.World { return lab.Released(0) }, measureRollout},
	"release":  {lab.Candidates, measureRelease},
	"look":     {systemimagetest.SampleWorld, measureLooks},
}

func runFar(t *testing.T, j *runbooktest.Memory, human runbook.Human, name string, in any, p runbook.Procedure) error {
	t.Helper()
	x := &runbook.Runner{Name: name, Input: in, Journal: j, Human: human, Operator: "operator"}
	err := x.Execute(t.Context(), p)
	if err != nil && !errors.Is(err, runbook.ErrPending) {
		t.Fatalf("%s: %v", name, err)
	}
	return err
}

func measureBackOut(t *testing.T, w *farLine, pairs int) []measurement {
	in := procedure.BackOutInput{Faulty: stageOf(t, w, "stable"), Tag: "OTA-4.1", Percentage: 100}
	c := &procedure.BackOut{Server: w.operator(), Importer: w.importer(), Input: in,
		Stop: &procedure.StopFile{Runner: w, Path: filepath.Join(w.Root(), "phased-state", "done")}}
	j := &runbooktest.Memory{}
	w.reset()
	runFar(t, j, nil, "backout", in, c.Run)
	question := w.measured("back-out until its question", 5, j, t)
	first, last := question, question
	first.job, first.took, first.goal = "back-out: first at 0 %", w.set[0], setting+5*roundTrip
	last.job, last.took = "back-out: last at 0 %", w.set[pairs-1]
	return []measurement{first, last, question}
}

func measureCopyRC(t *testing.T, w *farLine, pairs int) []measurement {
	in := procedure.CopyRCInput{Tag: "OTA-13-rc", From: "rc-proposed", To: "rc"}
	run := func(j *runbooktest.Memory) {
		c := &procedure.CopyRC{Server: w.operator(), Importer: w.importer(), Input: in}
		w.reset()
		runFar(t, j, nil, "copyrc", in, c.Run)
	}
	c := &procedure.CopyRC{Server: w.operator(), Importer: w.importer(), Input: in}
	w.reset()
	if _, err := (&runbook.Runner{Name: "copyrc", Input: in}).Plan(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	plan := w.measured("copyrc: its plan", 0, nil, t)
	j := &runbooktest.Memory{}
	run(j)
	copied := w.measured("copyrc", 2*pairs, j, t)
	again := &runbooktest.Memory{}
	run(again)
	done := w.measured("copyrc, nothing to do", 0, again, t)
	done.goal = surveyOf(t, w, func(channel string) bool {
		return strings.Contains(channel, "/rc/") || strings.Contains(channel, "/rc-proposed/")
	})
	plan.goal = done.goal
	return []measurement{plan, copied, done}
}

func measureRollout(t *testing.T, w *farLine, pairs int) []measurement {
	schedule, err := phasing.ParseSchedule("1% 1h, 30% 2h, 100%")
	if err != nil {
		t.Fatal(err)
	}
	in := procedure.RolloutInput{Images: stageOf(t, w, "stable"), Schedule: schedule}
	c := &procedure.Rollout{Server: w.operator(), Input: in, Pace: procedure.Pace{
		Stop: &procedure.StopFile{Runner: w, Path: filepath.Join(w.Root(), "phased-state", "done")}}}
	j := &runbooktest.Memory{}
	w.reset()
	runFar(t, j, nil, "rollout", in, c.Run)
	first := w.measured("rollout: start and first step", 5, j, t)
	time.Sleep(2 * time.Hour)
	w.reset()
	runFar(t, j, nil, "rollout", in, c.Run)
	return []measurement{first, w.measured("rollout: one step", 5, j, t)}
}

func measureRelease(t *testing.T, w *farLine, pairs int) []measurement {
	schedule, err := phasing.ParseSchedule("1% 1h, 100%")
	if err != nil {
		t.Fatal(err)
	}
	in := procedure.ReleaseInput{Tag: "OTA-5", From: "rc", To: "stable", Schedule: schedule}
	c := &procedure.Release{Server: w.operator(), Importer: w.importer(), Input: in}
	j := &runbooktest.Memory{}
	w.reset()
	runFar(t, j, nil, "release", in, c.Run)
	question := w.measured("release until its question", 0, j, t)
	question.goal = surveyOf(t, w, func(channel string) bool {
		return strings.Contains(channel, "/rc/") || strings.Contains(channel, "/stable/")
	})
	w.reset()
	runFar(t, j, runbooktest.ApproveEverything{}, "release", in, c.Run)
	all := w.measured("release: all copied, first step", 2*pairs, j, t)
	return []measurement{question, all}
}

// surveyOf is the time of a survey of some channels.
func surveyOf(t *testing.T, w *farLine, wanted func(channel string) bool) time.Duration {
	t.Helper()
	w.reset()
	c := w.client()
	l, err := c.Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	g.SetLimit(8)
	for channel, device := range l.Pairs() {
		if wanted(channel) && l.Channels.Kind(channel) == systemimage.KindChannel {
			g.Go(func() error { _, err := c.IndexOf(t.Context(), l, channel, device); return err })
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return time.Since(w.begun)
}

// measureLooks compares a check of the tree and a survey with plain requests for the
// same documents, eight at a time.
func measureLooks(t *testing.T, w *farLine, pairs int) []measurement {
	looks := []struct {
		job  string
		look func() error
	}{
		{"checktree without payloads", func() error {
			_, err := treecheck.Check(t.Context(), w.client(), treecheck.Options{NoFiles: true})
			return err
		}},
		{"survey", func() error {
			for _, err := range w.client().Survey(t.Context(), 8) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
	}
	var list []measurement
	for _, l := range looks {
		w.Requests()
		w.reset()
		if err := l.look(); err != nil {
			t.Fatal(err)
		}
		m := w.measured(l.job, 0, nil, t)
		asked := w.Requests()
		slices.Sort(asked)
		m.goal = time.Duration((len(slices.Compact(asked))+7)/8) * roundTrip
		list = append(list, m)
	}
	return list
}

// TestFarLine measures what jobs cost over a slow line, and how that grows with the
// number of pairs. Run it with -v to see the table.
func TestFarLine(t *testing.T) {
	var sizes []int
	for _, word := range strings.Fields(*farPairs) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 3 {
			t.Fatalf("-pairs %q: want numbers from 3 on", *farPairs)
		}
		sizes = append(sizes, n)
	}
	for _, name := range slices.Sorted(maps.Keys(farJobs)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pairs := range sizes {
				for _, m := range measureFar(t, name, pairs) {
					t.Logf("%2d pairs: %v", pairs, m)
				}
			}
		})
	}
}

// measureFar measures a job over a slow line, in virtual time.
func measureFar(t *testing.T, job string, pairs int) (list []measurement) {
	t.Helper()
	dir := systemimagetest.TempDir(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := systemimagetest.Create(filepath.Join(dir, fmt.Sprint(pairs)), many(farJobs[job].world(), pairs))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // nothing was signed just now
		list = farJobs[job].measure(t, newFarLine(t, s), pairs)
	})
	return list
}

// TestFarLineGrowth holds fast what one pair more costs: how often it is waited for, and
// what is asked.
func TestFarLineGrowth(t *testing.T) {
	t.Parallel()
	type cost struct {
		Requests, Commands, Records int
	}
	for _, tt := range []struct {
		job, part string
		want      cost // of one pair more
	}{
		// Both indexes, whose signatures are read on the host, and that of the copy with its own.
		// Hold, tree, program, files.
		{"copyrc", "copyrc", cost{Requests: 4, Commands: 4, Records: 5}},
		{"copyrc", "copyrc, nothing to do", cost{Requests: 3, Records: 4}},
		// Decided by the index, read back, and seen when the next step is not due yet.
		{"rollout", "rollout: one step", cost{Requests: 6, Records: 6}},
		{"back-out", "back-out until its question", cost{Requests: 6, Records: 3}},
	} {
		t.Run(tt.part, func(t *testing.T) {
			t.Parallel()
			var at [2]measurement
			for n, pairs := range []int{3, 6} {
				for _, m := range measureFar(t, tt.job, pairs) {
					if m.job == tt.part {
						at[n] = m
					}
				}
			}
			got := cost{(at[1].asked() - at[0].asked()) / 3, (at[1].commands - at[0].commands) / 3, (at[1].records - at[0].records) / 3}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("one pair more (-want +got)\n%s\n%v\n%v", d, at[0], at[1])
			}
		})
	}
}
