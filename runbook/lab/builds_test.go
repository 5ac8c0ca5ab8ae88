package lab_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cause"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func TestMain(m *testing.M) {
	lab.Program()
	os.Exit(systemimagetest.InMemory(m.Run))
}

// folder opens a lab in a folder whose builds take a while.
func folder(t *testing.T) (*lab.Lab, *builder.Builder) {
	t.Helper()
	l, err := lab.Open(filepath.Join(t.TempDir(), "lab"), systemimagetest.SampleWorld())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	b, err := l.Builds()
	if err != nil {
		t.Fatal(err)
	}
	root, err := l.BuildRoot()
	if err != nil {
		t.Fatal(err)
	}
	if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Today: true, Pause: 30 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	return l, b
}

// onceAtWork calls f when the build has begun to show progress.
func onceAtWork(b *builder.Builder, f func()) {
	called := false
	b.Poll = 20 * time.Millisecond
	b.Observe = func(p builder.Progress) {
		if !called && p.Total > 0 {
			called = true
			f()
		}
	}
}

func builds(t *testing.T, b *builder.Builder, set cdimage.ImageSet) []cdimage.BuildID {
	t.Helper()
	ids, err := b.IDs(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// A link that is cut while a build runs is dialled anew, and the build watched to
// its end.
func TestRepublishOverALostLink(t *testing.T) {
	t.Parallel()
	l, b := folder(t)
	cut := 0
	onceAtWork(b, func() { cut = l.SSH.Drop() })
	p := &procedure.RepublishBuild{Builder: b}
	p.Input.ImageSet = lab.FailedBuild
	x := &runbook.Runner{Name: "republish", Input: p.Input, Journal: &runbooktest.Memory{}}
	if err := x.Execute(t.Context(), p.Run); err != nil {
		t.Fatal(err)
	}
	if cut == 0 {
		t.Error("no link was cut")
	}
	ids := builds(t, b, lab.FailedBuild)
	if len(ids) != 3 {
		t.Fatalf("builds %v, want three", ids)
	}
	res, err := b.Result(t.Context(), cdimage.Build{ImageSet: lab.FailedBuild, ID: ids[2]})
	if err != nil || res.Publish != cdimage.Complete {
		t.Errorf("published: %s, %v", res.Publish, err)
	}
}

// A program that is stopped while its build runs finds it when it is started
// again: at work, where it attaches to the job, or ended, where it adopts what
// came of it. No second build is started.
func TestRebuildGoesOnWithoutUs(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]bool{"still at work": false, "ended meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, b := folder(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			first := *b
			onceAtWork(&first, func() { l.SSH.Drop(); cancel() })
			j := &runbooktest.Memory{}
			start := func(ctx context.Context, b *builder.Builder) error {
				p := &procedure.RebuildImage{Builder: b, Input: procedure.RebuildInput{ImageSet: lab.FailedBuild}}
				x := &runbook.Runner{Name: "rebuild", Input: p.Input, Journal: j}
				return x.Execute(ctx, p.Run)
			}
			if err := start(ctx, &first); !errors.Is(err, runbook.ErrInDoubt) {
				t.Fatalf("stopped in the middle: %v, want ErrInDoubt", err)
			}
			ids := builds(t, b, lab.FailedBuild)
			if len(ids) != 3 {
				t.Fatalf("builds %v, want three", ids)
			}
			build := cdimage.Build{ImageSet: lab.FailedBuild, ID: ids[2]}
			for ended {
				res, err := b.Result(t.Context(), build)
				if err != nil {
					t.Fatal(err)
				}
				if !res.Running {
					break
				}
				select {
				case <-t.Context().Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
			if err := start(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if ids := builds(t, b, lab.FailedBuild); len(ids) != 3 {
				t.Errorf("builds %v, want three", ids)
			}
			if res, err := b.Result(t.Context(), build); err != nil || res.Publish != cdimage.Complete {
				t.Errorf("published: %s, %v", res.Publish, err)
			}
		})
	}
}

// The lab's logs and live file systems are read as the public ones are.
func TestInvestigate(t *testing.T) {
	t.Parallel()
	l := lab.New(t)
	logs, err := l.BuildLogs()
	if err != nil {
		t.Fatal(err)
	}
	livefs, err := l.LivefsLogs()
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Builds()
	if err != nil {
		t.Fatal(err)
	}
	i := &procedure.InvestigateBuild{Logs: logs, Livefs: livefs, Builder: b}
	i.Input.ImageSet = lab.FailedBuild
	i.Input.Project = "ubuntu-touch"
	x := &runbook.Runner{Name: "investigate", Input: i.Input, Journal: &runbooktest.Memory{}}
	if err := x.Execute(t.Context(), i.Run); err != nil {
		t.Fatal(err)
	}
	r, err := i.Investigate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Causes) != 1 || r.Causes[0].Class != cause.Dependency || !r.Imports[0].Can || r.Imports[1].Can {
		t.Errorf("report:\n%s", r)
	}
	builds, err := logs.Builds(t.Context(), i.Input.ImageSet)
	if err != nil || len(builds) == 0 {
		t.Errorf("builds %v, %v", builds, err)
	}
}

// What the log says was published and is not in the directory cannot be imported.
func TestInvestigateLooksIntoTheDirectory(t *testing.T) {
	t.Parallel()
	l := lab.New(t)
	logs, err := l.BuildLogs()
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Builds()
	if err != nil {
		t.Fatal(err)
	}
	good := cdimage.Build{ImageSet: lab.FailedBuild, ID: builds(t, b, lab.FailedBuild)[0]}
	i := &procedure.InvestigateBuild{Logs: logs, Builder: b, Input: procedure.InvestigateBuildInput{Build: good}}
	r, err := i.Investigate(t.Context())
	if err != nil || r.Wrong() || len(r.Imports) != 2 || !r.Imports[0].Can || !r.Imports[1].Can {
		t.Fatalf("a good build: %v\n%s", err, r)
	}
	res, err := b.Result(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(res.Dir, "vivid-preinstalled-touch-i386.tar.gz")); err != nil {
		t.Fatal(err)
	}
	r, err = i.Investigate(t.Context())
	if err != nil || !r.Wrong() || r.Publish != cdimage.Partial || !r.Imports[0].Can || r.Imports[1].Can {
		t.Errorf("with a file gone: %v\n%s", err, r)
	}
}

// A folder that is opened again holds the builds that were made there.
func TestBuildsAreKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lab")
	for n := 2; n < 4; n++ {
		l, err := lab.Open(dir, systemimagetest.SampleWorld())
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.Builds()
		if err != nil {
			t.Fatal(err)
		}
		if ids := builds(t, b, lab.FailedBuild); len(ids) != n {
			t.Errorf("builds %v, want %d", ids, n)
		}
		if _, err := b.Build(t.Context(), builder.Request{ImageSet: lab.FailedBuild, Job: "build"}); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
