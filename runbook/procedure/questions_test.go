package procedure_test

import (
	"context"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A listener approves, unless it is to say no to a gate, and keeps the questions.
type listener struct {
	no    string
	mu    sync.Mutex
	asked []runbook.Question
}

// Ask implements runbook.Human.
func (h *listener) Ask(ctx context.Context, q runbook.Question) (runbook.Answer, error) {
	h.mu.Lock()
	h.asked = append(h.asked, q)
	h.mu.Unlock()
	a, err := runbooktest.ApproveEverything{}.Ask(ctx, q)
	if path.Base(q.Step) == h.no {
		a.Verdict = runbook.No
	}
	return a, err
}

// rarelyAsked are runs that come to the gates that an ordinary run does not come to.
var rarelyAsked = map[string]func(t *testing.T, h *listener) (*runbook.Runner, runbook.Procedure){
	"two importers": func(t *testing.T, h *listener) (*runbook.Runner, runbook.Procedure) {
		w := systemimagetest.SampleWorld()
		w.Crontab = "0 * * * * bin/import-images\n*/5 * * * * bin/import-images -v\n"
		x, c := copyrc(newWorld(t, w), nil)
		return x, c.Run
	},
	"no update over the air": func(t *testing.T, h *listener) (*runbook.Runner, runbook.Procedure) {
		h.no = "devices can update"
		c := backout(released(t, 50))
		return &runbook.Runner{Name: "backout", Input: c.Input}, c.Run
	},
	"another run holds the importer": func(t *testing.T, h *listener) (*runbook.Runner, runbook.Procedure) {
		l := released(t, 50)
		c := backout(l)
		other := *c.Importer
		other.Owner = operate.Owner{Run: "copyrc-20160907-c0ffee", Operator: "olga"}
		if err := other.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		return &runbook.Runner{Name: "backout", Input: c.Input}, c.Run
	},
	"content that was taken back": func(t *testing.T, h *listener) (*runbook.Runner, runbook.Procedure) {
		c := release(t, backedOut(t, true), newClock(0), "10% 2h, 100%")
		c.Stay = false
		return &runbook.Runner{Name: "release", Input: c.Input}, c.Run
	},
	"bad health": func(t *testing.T, h *listener) (*runbook.Runner, runbook.Procedure) {
		l := newLab(t)
		phase(t, l, 0, stable...)
		c := rollout(t, l, newClock(time.Hour), "10% 2h, 100%")
		bad := true
		c.Health = func(context.Context) (procedure.Health, error) {
			defer func() { bad = false }()
			return procedure.Health{Bad: bad, Why: "crashes of the shell per thousand devices are at 31, and the limit is 4"}, nil
		}
		return &runbook.Runner{Name: "rollout", Input: c.Input}, c.Run
	},
	"a part of the build failed": func(t *testing.T, h *listener) (*runbook.Runner, runbook.Procedure) {
		l := respinLab(t)
		c, _ := respinOn(t, l, false)
		root, err := l.BuildRoot()
		if err == nil {
			err = cdimagetest.SetKnobs(root, cdimagetest.Knobs{Today: true, States: map[string]string{"i386": "Failed to build"}})
		}
		if err != nil {
			t.Fatal(err)
		}
		return &runbook.Runner{Name: "respin", Input: c.Input}, c.Run
	},
	"a snapshot behind its origin": func(t *testing.T, h *listener) (*runbook.Runner, runbook.Procedure) {
		l := respinLab(t)
		srv, err := l.LaunchpadServer()
		if err != nil {
			t.Fatal(err)
		}
		srv.Do(func(w *launchpadtest.World) {
			w.AddPPA("landing-team", "snapshot")
			w.Publish("~landing-team/ubuntu/snapshot", "vivid", launchpadtest.Package{Name: "ubuntu-system-settings", Version: "0.3"})
		})
		c := respin(t, l, false)
		c.Input.AsIs, c.Input.Extra = true, nil
		h.no = "behind the origin"
		return &runbook.Runner{Name: "respin", Input: c.Input}, c.Run
	},
	"a build that cannot be published again": func(t *testing.T, h *listener) (*runbook.Runner, runbook.Procedure) {
		x, p := republish(imageHost(t, cdimagetest.Knobs{Now: morning, States: map[string]string{"i386": "Failed to build"}}), nil, nil)
		return x, p.Run
	},
}

// Every question of every procedure can be read on a terminal of 80 columns and 24
// lines: what is asked stands whole below the evidence, and that is no JSON and has no
// line that cannot be broken. Who judges a fault, or goes on in spite of a warning, is
// to say why.
func TestQuestions(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	needs := map[string]bool{} // by gate: whether it needs a reason
	listen := func(t *testing.T, h *listener) {
		mu.Lock()
		defer mu.Unlock()
		for _, q := range h.asked {
			needs[path.Base(q.Step)] = q.NeedReason
			readable(t, q)
		}
	}
	t.Run("procedures", func(t *testing.T) {
		for name, old := range oldRuns {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s, h := old.fresh(t), &listener{}
				start := s.Start
				s.Start = func() (*runbook.Runner, runbook.Procedure) {
					x, p := start()
					x.Human = h
					return x, p
				}
				if err := resume(t, s, &runbooktest.Memory{}); err != nil {
					t.Fatal(err)
				}
				listen(t, h)
			})
		}
		for name, scene := range rarelyAsked {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := &listener{}
				x, p := scene(t, h)
				x.Human, x.Journal = h, &runbooktest.Memory{}
				t.Log(x.Execute(t.Context(), p)) // it ends where it ends: the questions count
				listen(t, h)
			})
		}
	})
	var got []string
	for name, why := range needs {
		if why {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	want := []string{"assess", "back in time", "behind the origin", "decide", "devices can update", "partial", "publish again", "resume", "take over"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("gates that need a reason (-want +got)\n%s", d)
	}
	if d := cmp.Diff(gatesOfThePackage(t), slices.Sorted(maps.Keys(needs))); d != "" {
		t.Errorf("gates (-in the code +asked here)\n%s", d)
	}
}

// gatesOfThePackage are the names of all gates in the code, and of announcements.
func gatesOfThePackage(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:runbook\.Gate\{\s*|\{)Name: +"([^"]+)",\s*Question|announce\(.*, "([^"]+)",`).FindAllStringSubmatch(string(text), -1) {
			names[m[1]+m[2]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// readable looks at a question as a terminal of 80 columns breaks it.
func readable(t *testing.T, q runbook.Question) {
	t.Helper()
	text := q.EvidenceText()
	if json := regexp.MustCompile(`\{"|\[\{|":["\[{]|\[\]|\{\}`).FindString(text); json != "" {
		t.Errorf("%s: the evidence has JSON in it, %q:\n%s", q.Step, json, text)
	}
	text = regexp.MustCompile(`\S*/systemimagetest-[0-9]+`).ReplaceAllString(text, "/srv/system-image") // the lab's folder
	diff := strings.Contains(text, "\n@@ ")
	for line := range strings.Lines(text) {
		for _, word := range strings.Fields(line) {
			if len(word) > columns-8 && !diff && !strings.Contains(word, ";") { // a value of the configuration stays whole
				t.Errorf("%s: %q cannot be broken:\n%s", q.Step, word, text)
			}
		}
	}
	whole := q.String()
	at := strings.LastIndex(whole, q.Text)
	lines := strings.Split(strings.TrimSpace(q.EvidenceText()), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); at < strings.LastIndex(whole, last) {
		t.Errorf("%s: the question does not stand below its evidence:\n%v", q.Step, q)
	}
	asked := whole[at:] + q.Offers()
	if lines := broken(asked, columns); lines > 12 {
		t.Errorf("%s: the question takes %d of 24 lines:\n%s", q.Step, lines, asked)
	}
}

// columns are those of the terminal that has to do.
const columns = 80

// broken counts the lines of a text that is broken between words.
func broken(text string, width int) (lines int) {
	for line := range strings.Lines(text) {
		lines++
		n := 0
		for _, word := range strings.Fields(line) {
			if n > 0 && n+1+len(word) > width {
				lines, n = lines+1, 0
			}
			n += len(word) + 1
		}
	}
	return lines
}
