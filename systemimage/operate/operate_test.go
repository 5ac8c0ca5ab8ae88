package operate_test

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// worlds are made once. Each test gets a clone of one, which is much cheaper.
var worlds struct {
	sync.Mutex
	dir  string
	made map[string]*systemimagetest.Server
}

func TestMain(m *testing.M) {
	// These tests wait most of their time, for a mending that looks twice: many do so side
	// by side. A -parallel of the command line still counts.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(systemimagetest.InMemory(func() int {
		defer os.RemoveAll(worlds.dir)
		return m.Run()
	}))
}

// made is a server that has a world.
func made(t *testing.T, w systemimagetest.World) *systemimagetest.Server {
	t.Helper()
	if w.Now != nil {
		return systemimagetest.New(t, w)
	}
	s, err := firstOf(w)
	if err == nil {
		s, err = s.Clone(systemimagetest.TempDir(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func firstOf(w systemimagetest.World) (s *systemimagetest.Server, err error) {
	worlds.Lock()
	defer worlds.Unlock()
	text := time.Now().Format("2006 ") + w.String() // a key of today is not good yet in a bubble, where it is the year 2000
	if s := worlds.made[text]; s != nil {
		return s, nil
	}
	if worlds.made == nil {
		if worlds.dir, err = os.MkdirTemp("", "operate-worlds-"); err != nil {
			return nil, err
		}
		worlds.made = map[string]*systemimagetest.Server{}
	}
	if s, err = systemimagetest.Create(filepath.Join(worlds.dir, strconv.Itoa(len(worlds.made))), w); err == nil {
		worlds.made[text] = s
	}
	return s, err
}

// operated is a fake server and the library working on it.
func operated(t *testing.T, change func(*systemimagetest.World)) (*systemimagetest.Server, *operate.Server) {
	t.Helper()
	world := systemimagetest.SampleWorld()
	if change != nil {
		change(&world)
	}
	fake := made(t, world)
	return fake, &operate.Server{Runner: fake, Root: fake.Root(), LockWait: -1,
		Client: &systemimage.Client{BaseURL: "http://si.example", Unverified: true, HTTP: &http.Client{Transport: direct{fake.Handler()}}}}
}

// direct asks a handler without a network in between, so that time can stand still.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

var rcCopy = operate.CopyRequest{From: "ubuntu-touch/rc-proposed/bq-aquaris.en", Version: 3,
	To: "ubuntu-touch/rc/bq-aquaris.en", Device: "krillin", Tag: "OTA-5-rc"}

// From rc-proposed over rc to stable and an alias, phased in and backed out, on
// both command lines of copy-image.
func TestOperateRelease(t *testing.T) {
	t.Parallel()
	for _, era := range []string{"today", "2016"} {
		t.Run(era, func(t *testing.T) {
			ctx := t.Context()
			_, s := operated(t, func(w *systemimagetest.World) { w.Era2016 = era == "2016" })
			rc, err := s.Copy(ctx, rcCopy)
			if err != nil || rc.Version != 2 || rc.Tag != "OTA-5-rc" || rc.Percentage != 0 || !slices.Equal(rc.Deltas, []int{1}) {
				t.Fatalf("to rc: %+v, %v", rc, err)
			}
			if again, err := s.Copy(ctx, rcCopy); err != nil || again.Version != 2 {
				t.Errorf("again: %+v, %v", again, err)
			}
			toStable := operate.CopyRequest{From: rc.Channel, Version: rc.Version, To: "ubuntu-touch/stable/bq-aquaris.en",
				Device: "krillin", Tag: "OTA-5", Percentage: 5}
			stable, err := s.Copy(ctx, toStable)
			if err != nil || stable.Version != 2 || stable.Percentage != 5 || !slices.Equal(stable.Aliases, []string{"ubuntu-touch/ubuntu-15.04/bq-aquaris.en"}) {
				t.Fatalf("to stable: %+v, %v", stable, err)
			}
			for _, p := range []int{50, 100, 0} {
				r := operate.PhaseRequest{Channel: stable.Channel, Device: "krillin", Version: 2, Percentage: p}
				got, err := s.Phase(ctx, r)
				if err != nil || got.Percentage != p || len(got.Aliases) != 1 {
					t.Errorf("to %d %%: %+v, %v", p, got, err)
				}
				if _, done, err := s.CheckPhase(ctx, r); err != nil || !done {
					t.Errorf("%d %% checked: %v, %v", p, done, err)
				}
			}
			tagged, err := s.Tag(ctx, operate.TagRequest{Channel: stable.Channel, Device: "krillin", Version: 2, Tag: "OTA-5.1"})
			if err != nil || tagged.Version != 3 || tagged.Percentage != 0 || tagged.Tag != "OTA-5.1" || !slices.Contains(tagged.Deltas, 2) {
				t.Errorf("tag: %+v, %v", tagged, err)
			}
		})
	}
}

// Another operator's copy comes between the look and the program: what was asked
// for is there, or the refusal names the command that fits.
func TestOperateCopyRace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ tag, wantErr string }{{rcCopy.Tag, ""}, {"OTA-9-rc", "use tag-image ubuntu-touch/rc/bq-aquaris.en krillin 2"}} {
		fake, s := operated(t, nil)
		other := &operate.Server{Runner: fake, Root: s.Root, LockWait: s.LockWait, Client: s.Client}
		raced := false
		fake.Before = func(argv []string) error {
			if raced || filepath.Base(argv[0]) != "copy-image" || slices.Contains(argv, "--help") {
				return nil
			}
			raced = true
			theirs := rcCopy
			theirs.Tag = tt.tag
			_, err := other.Copy(t.Context(), theirs)
			return err
		}
		got, err := s.Copy(t.Context(), rcCopy)
		switch {
		case !raced:
			t.Error("no copy came between")
		case tt.wantErr == "" && (err != nil || got.Version != 2 || got.Tag != rcCopy.Tag):
			t.Errorf("the same copy: %+v, %v", got, err)
		case tt.wantErr != "" && (!errors.Is(err, systemimage.ErrRefused) || !strings.Contains(err.Error(), tt.wantErr)):
			t.Errorf("with tag %s: %+v, %v", tt.tag, got, err)
		}
	}
}

// Killed at every point of a copy, the library says what is there, what to do,
// and after that the copy can be brought to its end.
func TestOperateKilledCopy(t *testing.T) {
	t.Parallel()
	for commit := 1; commit <= 3; commit++ {
		for _, point := range []systemimagetest.KillPoint{systemimagetest.Signed,
			systemimagetest.BeforeSignatureMoved, systemimagetest.BeforeIndexMoved} {
			t.Run(string(point)+strings.Repeat("+", commit-1), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { killCopy(t, point, commit) })
			})
		}
	}
}

func killCopy(t *testing.T, point systemimagetest.KillPoint, commit int) {
	ctx := t.Context()
	fake, s := operated(t, nil)
	if err := fake.SetFaults(systemimagetest.Faults{Kill: point, KillCommit: commit}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Copy(ctx, rcCopy)
	if err == nil {
		t.Fatalf("no error: %+v", got)
	}
	if err := fake.SetFaults(systemimagetest.Faults{}); err != nil {
		t.Fatal(err)
	}
	mend(t, fake, s)
	// With the tree whole, either the copy is done anew, or what it left
	// is brought to what was asked.
	got, err = s.Copy(ctx, rcCopy)
	if errors.Is(err, systemimage.ErrRefused) && strings.Contains(err.Error(), "set-phased-percentage") {
		if _, err = s.Phase(ctx, operate.PhaseRequest{Channel: rcCopy.To, Device: "krillin", Version: 2}); err == nil {
			got, err = s.Copy(ctx, rcCopy)
		}
	}
	if err != nil || got.Version != 2 || got.Percentage != 0 {
		t.Errorf("in the end: %+v, %v", got, err)
	}
}

// mend does what the findings ask for.
func mend(t *testing.T, fake *systemimagetest.Server, s *operate.Server) {
	t.Helper()
	found, err := s.Preflight(t.Context(), rcCopy.To, rcCopy.Device)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if !f.Blocks {
			continue
		}
		var commands [][]string
		if _, move, ok := strings.Cut(f.Remedy, "run mv "); ok {
			words := strings.Fields(move)
			commands = append(commands, []string{"mv", words[0], words[1]})
		}
		for _, program := range []string{"cleanup-tree", "re-sign-indexes"} {
			if strings.Contains(f.Remedy, program) {
				commands = append(commands, []string{fake.Root() + "/bin/" + program})
			}
		}
		if len(commands) == 0 {
			t.Fatalf("no command in %v", f)
		}
		for _, argv := range commands {
			if out, err := fake.Run(t.Context(), command.Command{Argv: argv}); err != nil || out.Exit != 0 {
				t.Fatalf("%q: %d, %v\n%s", argv, out.Exit, err, out.Stderr)
			}
		}
	}
	if found, err = s.Preflight(t.Context(), rcCopy.To, rcCopy.Device); err != nil || slices.ContainsFunc(found, func(f systemimage.Finding) bool { return f.Blocks }) {
		t.Fatalf("after mending: %v, %v", found, err)
	}
}

// A full disk and an expired key leave damage behind that the next run
// publishes with exit status 0, unless it is kept back.
func TestOperateDamage(t *testing.T) {
	t.Parallel()
	newBuild := systemimagetest.Build{URL: "http://jenkins.example.net/krillin/device_krillin.tar.xz", Version: "20150619-6c0ffee",
		Monitor: "http://jenkins.example.net/krillin/device_krillin.build"}
	t.Run("disk full", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, s := operated(t, nil)
			if err := fake.AddBuild(newBuild); err != nil {
				t.Fatal(err)
			}
			if err := fake.SetFaults(systemimagetest.Faults{DiskFull: true}); err != nil {
				t.Fatal(err)
			}
			if run, err := s.Import(t.Context(), operate.ImportRequest{}); !errors.Is(err, systemimage.ErrBroken) {
				t.Errorf("on a full disk: %+v, %v", run, err)
			}
			if err := fake.SetFaults(systemimagetest.Faults{}); err != nil {
				t.Fatal(err)
			}
			if run, err := s.Import(t.Context(), operate.ImportRequest{}); run != nil || !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "has an empty signature") {
				t.Errorf("with room again: %+v, %v", run, err)
			}
		})
	})
	t.Run("disk full after the look", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, s := operated(t, nil)
			if err := fake.AddBuild(newBuild); err != nil {
				t.Fatal(err)
			}
			s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if slices.Contains(c.Argv, fake.Root()+"/bin/import-images") { // the crontab's comes first
					if err := fake.SetFaults(systemimagetest.Faults{DiskFull: true}); err != nil {
						t.Fatal(err)
					}
					if out, err := fake.Run(ctx, c); err != nil || out.Exit != 1 {
						t.Errorf("on a full disk: exit %d, %v", out.Exit, err)
					}
					if err := fake.SetFaults(systemimagetest.Faults{}); err != nil {
						t.Fatal(err)
					}
				}
				return fake.Run(ctx, c)
			})
			if run, err := s.Import(t.Context(), operate.ImportRequest{}); !errors.Is(err, systemimage.ErrPartial) || !strings.Contains(err.Error(), "empty signature") {
				t.Errorf("with room again: %+v, %v", run, err)
			}
		})
	})
	t.Run("expired key", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, s := operated(t, nil)
			if err := fake.ExpireKey("image-signing"); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Copy(t.Context(), rcCopy); !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "signing key") {
				t.Errorf("with an expired key: %+v, %v", got, err)
			}
			if err := fake.RestoreKey("image-signing"); err != nil {
				t.Fatal(err)
			}
			// The version tarball of the first try lies there with an empty signature.
			got, err := s.Copy(t.Context(), rcCopy)
			if err == nil || !strings.Contains(err.Error(), "version-2.tar.xz") {
				t.Errorf("with the key back: %+v, %v", got, err)
			}
		})
	})
}

func TestOperateHeldLock(t *testing.T) {
	t.Parallel()
	fake, s := operated(t, nil)
	release, err := fake.HoldLock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Copy(t.Context(), rcCopy); !errors.Is(err, systemimage.ErrLocked) {
		t.Errorf("copy: %v", err)
	}
	if _, err := s.Import(t.Context(), operate.ImportRequest{}); !errors.Is(err, systemimage.ErrLocked) {
		t.Errorf("import: %v", err)
	}
	tries := 0
	fake.After = func([]string, int) {
		if tries++; tries == 3 {
			if err := release(); err != nil {
				t.Error(err)
			}
		}
	}
	s.LockWait, s.LockPoll = time.Minute, time.Millisecond
	if got, err := s.Copy(t.Context(), rcCopy); err != nil || got.Version != 2 {
		t.Errorf("copy after waiting: %+v, %v", got, err)
	}
}

// What is held is asked for right before a program is sent, behind all looks; a percentage
// may be what takes an image back, and waits for nobody.
func TestHeldIsAskedLast(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do   func(context.Context, *operate.Server) error
		want string
	}{
		"copy": {func(ctx context.Context, s *operate.Server) error { _, err := s.Copy(ctx, rcCopy); return err }, ""},
		"tag": {func(ctx context.Context, s *operate.Server) error {
			_, err := s.Tag(ctx, operate.TagRequest{Channel: rcCopy.To, Device: rcCopy.Device, Version: 1, Tag: "OTA-4.1"})
			return err
		}, ""},
		"import": {func(ctx context.Context, s *operate.Server) error {
			_, err := s.Import(ctx, operate.ImportRequest{})
			return err
		}, ""},
		"percentage": {func(ctx context.Context, s *operate.Server) error {
			_, err := s.Phase(ctx, operate.PhaseRequest{Channel: rcCopy.To, Device: rcCopy.Device, Version: 1})
			return err
		}, "set-phased-percentage"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, s := operated(t, nil)
			asked, sent := false, ""
			s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if asked {
					t.Errorf("%.60q was run behind the last look", c.Argv)
				}
				return fake.Run(ctx, c)
			})
			fake.Before = func(argv []string) error {
				if !slices.Contains(argv, "--help") {
					sent = filepath.Base(argv[0])
				}
				return nil
			}
			errGone := errors.New("somebody put it back")
			s.Held = func(context.Context) error {
				asked = true
				return errGone
			}
			if err := tt.do(t.Context(), s); errors.Is(err, errGone) != (tt.want == "") || sent != tt.want {
				t.Errorf("%v; %q was run, want %q", err, sent, tt.want)
			}
		})
	}
}

func TestOperateWholeTree(t *testing.T) {
	t.Parallel()
	_, s := operated(t, nil)
	s.Checksums = true
	l, err := s.Client.Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for channel, device := range l.Pairs() {
		found, err := s.Preflight(t.Context(), channel, device)
		if err != nil || slices.ContainsFunc(found, func(f systemimage.Finding) bool { return f.Blocks }) {
			t.Errorf("%s %s: %v, %v", channel, device, found, err)
		}
	}
}

func TestOperateImporter(t *testing.T) {
	ctx := t.Context()
	fake, _ := operated(t, nil)
	i := &operate.Importer{Runner: fake, Root: fake.Root(), Owner: operate.Owner{Run: "copy rc", Operator: "operator"}}
	tab := filepath.Join(fake.Root(), "crontab")
	before, err := os.ReadFile(tab)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do   func(context.Context) error
		want operate.ImporterState
	}{{nil, operate.ImporterOn}, {i.Pause, operate.ImporterPaused}, {i.Pause, operate.ImporterPaused}, {i.Resume, operate.ImporterOn}} {
		if step.do != nil {
			if err := step.do(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if st, err := i.Status(ctx); err != nil || st.State != step.want {
			t.Errorf("%+v, %v, want %s", st, err, step.want)
		}
	}
	if after, err := os.ReadFile(tab); err != nil || string(after) != string(before) {
		t.Errorf("crontab:\n%s\n%v, want\n%s", after, err, before)
	}
}

func TestOperateImport(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	fake, s := operated(t, nil)
	run, err := s.Import(ctx, operate.ImportRequest{})
	if err != nil || len(run.Published()) != 0 || !run.Complete {
		t.Fatalf("nothing new: %+v, %v", run, err)
	}
	if err := fake.AddBuild(systemimagetest.Build{URL: "http://jenkins.example.net/krillin/device_krillin.tar.xz", Version: "20150619-6c0ffee",
		Monitor: "http://jenkins.example.net/krillin/device_krillin.build"}); err != nil {
		t.Fatal(err)
	}
	run, err = s.Import(ctx, operate.ImportRequest{})
	if err != nil {
		t.Fatal(err)
	}
	done := run.Published()
	if len(done) != 1 || done[0].Channel != rcCopy.From || done[0].Device != "krillin" || done[0].Version != 4 {
		t.Errorf("published %+v", done)
	}
	config := filepath.Join(fake.Root(), "etc", "config")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		old, new, want string
		kind           error
	}{
		{"[global]", "nonsense\n[global]", "empty configuration", systemimage.ErrBroken},
		{"file_ubuntu = cdimage-ubuntu", "file_ubuntu = cdimage-ubunut", "Invalid generator: cdimage-ubunut", systemimage.ErrBroken},
	} {
		if err := os.WriteFile(config, []byte(strings.Replace(string(text), tt.old, tt.new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Import(ctx, operate.ImportRequest{}); !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.new, err)
		}
	}
}
