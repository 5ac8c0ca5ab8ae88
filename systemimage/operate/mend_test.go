package operate_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Each state in which a killed commit leaves an index is mended, and what
// follows works again.
func TestMend(t *testing.T) {
	t.Parallel()
	const channel, device = "ubuntu-touch/stable/meizu.en", "arale"
	for _, tt := range []struct {
		name string
		kill systemimagetest.KillPoint
		want []string
		at   int // percentage that is published after the mending
	}{
		{"nothing wrong", "", nil, 30},
		{"killed when signed", systemimagetest.Signed, []string{"removed index.json.new", "removed index.json.new.asc"}, 30},
		{"killed before the signature was moved", systemimagetest.BeforeSignatureMoved,
			[]string{"signed the index again with re-sign-indexes", "removed index.json.new", "removed index.json.new.asc"}, 30},
		{"killed before the index was moved", systemimagetest.BeforeIndexMoved, []string{"moved index.json.new to index.json"}, 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake, s := newOperator(t)
			if tt.kill != "" {
				if err := fake.SetFaults(systemimagetest.Faults{Kill: tt.kill}); err != nil {
					t.Fatal(err)
				}
				out, err := fake.Run(t.Context(), command.Command{Argv: []string{"set-phased-percentage", "-v", channel, device, "1", "60"}})
				if err != nil || out.Exit != 137 {
					t.Fatalf("killed program: exit %d, %v", out.Exit, err)
				}
			}
			got, err := s.Mend(t.Context(), channel, device)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("Mend() (-want +got)\n%s", d)
			}
			m, err := s.Client.Latest(t.Context(), channel, device)
			if err != nil {
				t.Fatal(err)
			}
			if m.Version != 1 || m.Percentage != tt.at {
				t.Errorf("image %d at %d %%, want 1 at %d", m.Version, m.Percentage, tt.at)
			}
			if _, err := s.Phase(t.Context(), operate.PhaseRequest{Channel: channel, Device: device, Version: 1}); err != nil {
				t.Errorf("Phase() after Mend(): %v", err)
			}
		})
	}
}

// An index of another device has lost its signature, and perhaps not by chance: it is
// not signed by the way.
func TestMendSignsNoOther(t *testing.T) {
	t.Parallel()
	const channel, device = "ubuntu-touch/stable/meizu.en", "arale"
	fake, s := newOperator(t)
	index := func(channel, device string) string {
		return filepath.Join(fake.Root(), "www", channel, device, "index.json.asc")
	}
	other := index("ubuntu-touch/stable/bq-aquaris.en", "krillin")
	for _, name := range []string{index(channel, device), other} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := s.Mend(t.Context(), channel, device); !errors.Is(err, systemimage.ErrBroken) || len(done) > 0 ||
		!strings.Contains(err.Error(), "ubuntu-touch/stable/bq-aquaris.en/krillin/index.json.asc is missing") {
		t.Errorf("Mend() = %q, %v, want ErrBroken that names the other", done, err)
	}
	if _, err := os.Stat(other); !os.IsNotExist(err) {
		t.Errorf("the other signature: %v, want none", err)
	}
	if done, err := s.Unblock(t.Context(), channel, device, 1); err != nil || len(done) > 0 {
		t.Errorf("Unblock() = %q, %v", done, err)
	}
}

// What a killed percentage was about to publish is not published by who goes on with it
// while the file is there that says that nothing is raised.
func TestStopFileKeepsAKilledPercentageBack(t *testing.T) {
	t.Parallel()
	const channel, device = "ubuntu-touch/stable/meizu.en", "arale"
	for name, set := range map[string]func(context.Context, *operate.Server, operate.PhaseRequest) error{
		"one": func(ctx context.Context, s *operate.Server, r operate.PhaseRequest) error {
			_, err := s.Phase(ctx, r)
			return err
		},
		"many": func(ctx context.Context, s *operate.Server, r operate.PhaseRequest) (err error) {
			m := operate.PhaseMany{Images: []operate.PhaseRequest{r}, Unless: r.Unless}
			m.Ended = func(_ int, _ operate.PhaseResult, e error) { err = e }
			return errors.Join(s.PhaseMany(ctx, m), err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, s := newOperator(t)
			if err := fake.SetFaults(systemimagetest.Faults{Kill: systemimagetest.BeforeIndexMoved}); err != nil {
				t.Fatal(err)
			}
			if out, err := fake.Run(t.Context(), command.Command{Argv: []string{"set-phased-percentage", "-v", channel, device, "1", "60"}}); err != nil || out.Exit != 137 {
				t.Fatalf("killed program: exit %d, %v", out.Exit, err)
			}
			r := operate.PhaseRequest{Channel: channel, Device: device, Version: 1, Percentage: 60, Begun: true, Unless: filepath.Join(t.TempDir(), "done")}
			if err := os.WriteFile(r.Unless, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := set(t.Context(), s, r); !errors.Is(err, systemimage.ErrRefused) || !strings.Contains(err.Error(), r.Unless) {
				t.Errorf("with the file: %v, want ErrRefused that names it", err)
			}
			if m, err := s.Client.Latest(t.Context(), channel, device); err == nil {
				t.Errorf("with the file: image %d at %d %% is published", m.Version, m.Percentage)
			}
			if err := os.Remove(r.Unless); err != nil {
				t.Fatal(err)
			}
			if err := set(t.Context(), s, r); err != nil {
				t.Error(err)
			}
			if m, err := s.Client.Latest(t.Context(), channel, device); err != nil || m.Percentage != 60 {
				t.Errorf("image %d at %d %%, %v, want 60", m.Version, m.Percentage, err)
			}
		})
	}
}

// A copy or a tag that was begun, and whose program was not even run, finds an index
// without a signature: somebody has taken it away since, so that devices take nothing
// from it. Who goes on does not put it back.
func TestBegunSignsOnlyWhatItsProgramLeft(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(context.Context, *operate.Server) error{
		"copy": func(ctx context.Context, s *operate.Server) error {
			r := rcCopy
			r.Begun = true
			_, err := s.Copy(ctx, r)
			return err
		},
		"tag": func(ctx context.Context, s *operate.Server) error {
			_, err := s.Tag(ctx, operate.TagRequest{Channel: rcCopy.To, Device: rcCopy.Device, Version: 1, Tag: "OTA-4.1", Begun: true})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, s := operated(t, nil)
			signature := filepath.Join(fake.Root(), "www", rcCopy.To, rcCopy.Device, "index.json.asc")
			if err := os.Remove(signature); err != nil {
				t.Fatal(err)
			}
			if err := run(t.Context(), s); !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "signature") {
				t.Errorf("%v, want ErrBroken that says that the signature is missing", err)
			}
			if _, err := os.Stat(signature); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the signature: %v, want none", err)
			}
		})
	}
}

// A mending that is killed before it has signed is brought to its end by the next: what
// says that the signature was lost in a commit stays until then.
func TestKilledMendingIsFinished(t *testing.T) {
	t.Parallel()
	const channel, device = "ubuntu-touch/stable/meizu.en", "arale"
	fake, s := newOperator(t)
	if err := fake.SetFaults(systemimagetest.Faults{Kill: systemimagetest.BeforeSignatureMoved}); err != nil {
		t.Fatal(err)
	}
	if out, err := fake.Run(t.Context(), command.Command{Argv: []string{"set-phased-percentage", "-v", channel, device, "1", "60"}}); err != nil || out.Exit != 137 {
		t.Fatalf("killed program: exit %d, %v", out.Exit, err)
	}
	index := filepath.Join(fake.Root(), "www", channel, device, "index.json")
	before, err := filepath.Glob(index + "*")
	if err != nil {
		t.Fatal(err)
	}
	errLost := errors.New("link lost")
	fake.Before = func(argv []string) error { return errLost }
	if _, err := s.Mend(t.Context(), channel, device); err == nil {
		t.Fatal("the signing did not fail")
	}
	left, err := filepath.Glob(index + "*")
	if d := cmp.Diff(before, left); err != nil || d != "" {
		t.Errorf("files behind a killed mending (-want +got)\n%s%v", d, err)
	}
	fake.Before = nil
	if _, err := s.Mend(t.Context(), channel, device); err != nil {
		t.Error(err)
	}
	left, err = filepath.Glob(index + "*")
	if d := cmp.Diff([]string{index, index + ".asc"}, left); err != nil || d != "" {
		t.Errorf("files (-want +got)\n%s%v", d, err)
	}
}

func TestMendRefuses(t *testing.T) {
	t.Parallel()
	fake, s := newOperator(t)
	const channel, device = "ubuntu-touch/stable/meizu.en", "arale"
	if err := os.Remove(filepath.Join(fake.Root(), "www", channel, device, "index.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Mend(t.Context(), channel, device); !errors.Is(err, systemimage.ErrBroken) {
		t.Errorf("Mend() without any index = %v, want ErrBroken", err)
	}
	s.ReadOnly = true
	if _, err := s.Mend(t.Context(), channel, device); !errors.Is(err, systemimage.ErrReadOnly) {
		t.Errorf("Mend() of a reader = %v, want ErrReadOnly", err)
	}
}

// newOperator is a fake server with its operator's side.
func newOperator(t *testing.T) (*systemimagetest.Server, *operate.Server) {
	t.Helper()
	fake := made(t, systemimagetest.SampleWorld())
	tree := httptest.NewServer(fake.Handler())
	t.Cleanup(tree.Close)
	return fake, &operate.Server{Runner: fake, Root: fake.Root(), Client: &systemimage.Client{BaseURL: tree.URL, Unverified: true}}
}

// Blind, the program is run though nothing can be read; what it says is passed on.
func TestPhaseBlind(t *testing.T) {
	t.Parallel()
	_, s := newOperator(t)
	sight := s.Client
	s.Client = &systemimage.Client{BaseURL: "http://127.0.0.1:1", Unverified: true}
	stop := operate.PhaseRequest{Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 1, Quick: true, Blind: true}
	if p, err := s.Phase(t.Context(), stop); !errors.Is(err, systemimage.ErrInDoubt) || !strings.Contains(err.Error(), "says that it is set to 0 %") {
		t.Errorf("Phase() = %+v, %v", p, err)
	}
	if m, err := sight.Latest(t.Context(), stop.Channel, stop.Device); err != nil || m.Percentage != 0 {
		t.Errorf("at %d %%, %v, want 0", m.Percentage, err)
	}
	for _, tt := range []struct {
		change func(r *operate.PhaseRequest)
		kind   error
		want   string
	}{
		{func(r *operate.PhaseRequest) { r.Channel = "stable" }, systemimage.ErrRefused, "Invalid channel: stable"},
		{func(r *operate.PhaseRequest) { r.Version = 7 }, systemimage.ErrInDoubt, "Version doesn't exist: 7"},
		{func(r *operate.PhaseRequest) { r.Device = "-v" }, systemimage.ErrRefused, "dash"},
		{func(r *operate.PhaseRequest) { r.Percentage = 101 }, systemimage.ErrRefused, "101"},
	} {
		r := stop
		tt.change(&r)
		if p, err := s.Phase(t.Context(), r); !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Phase(%+v) = %+v, %v, want %v with %q", r, p, err, tt.kind, tt.want)
		}
	}
	s.Client = sight
	if p, err := s.Phase(t.Context(), stop); err != nil || p.Percentage != 0 {
		t.Errorf("with sight: %+v, %v", p, err)
	}
}

// Blind, too, the program does not run where the index is missing: it would begin
// its history again. The script is really run, with a program that is not.
func TestPhaseBlindWithoutIndex(t *testing.T) {
	t.Parallel()
	fake, s := newOperator(t)
	index := filepath.Join(fake.Root(), "www", "ubuntu-touch/stable/meizu.en/arale/index.json")
	if err := os.Remove(index); err != nil {
		t.Fatal(err)
	}
	s.Client = &systemimage.Client{BaseURL: "http://127.0.0.1:1", Unverified: true}
	stop := operate.PhaseRequest{Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 1, Quick: true, Blind: true}
	for name, runner := range map[string]command.Runner{
		"played": fake,
		"shell": command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
			at := slices.IndexFunc(c.Argv, func(a string) bool { return strings.HasSuffix(a, "set-phased-percentage") })
			cmd := exec.CommandContext(ctx, c.Argv[0], append(slices.Clone(c.Argv[1:at]), "touch", index)...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil {
				return command.Output{}, err
			}
			return command.Output{Stderr: out, Exit: cmd.ProcessState.ExitCode()}, nil
		}),
	} {
		s.Runner = runner
		_, err := s.Phase(t.Context(), stop)
		if _, there := os.Stat(index); !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "nothing was run") || there == nil {
			t.Errorf("%s: %v, index there: %v, want ErrBroken and none", name, err, there == nil)
		}
	}
}

// A commit is killed at each of its points. What comes out is one index, whole and
// signed: the old one as long as nobody could see the new one, and the new one from
// there on.
func TestMendAtEachPoint(t *testing.T) {
	t.Parallel()
	const channel, device = "ubuntu-touch/stable/meizu.en", "arale"
	move := func(from, to string) func(string) error {
		return func(index string) error { return os.Rename(index+from, index+to) }
	}
	cut := func(suffix string) func(string) error {
		return func(index string) error { return os.WriteFile(index+suffix, []byte(`{"glo`), 0o644) }
	}
	remove := func(suffix string) func(string) error {
		return func(index string) error { return os.Remove(index + suffix) }
	}
	resigned := "signed the index again with re-sign-indexes"
	for name, tt := range map[string]struct {
		kill systemimagetest.KillPoint
		then []func(index string) error
		want []string
		at   int
	}{
		"while the index is written":         {systemimagetest.Signed, []func(string) error{remove(".new.asc"), cut(".new")}, []string{"removed index.json.new"}, 30},
		"before it is signed":                {systemimagetest.Signed, []func(string) error{remove(".new.asc")}, []string{"removed index.json.new"}, 30},
		"while it is signed":                 {systemimagetest.Signed, []func(string) error{cut(".new.asc")}, []string{"removed index.json.new", "removed index.json.new.asc"}, 30},
		"when it is signed":                  {systemimagetest.Signed, nil, []string{"removed index.json.new", "removed index.json.new.asc"}, 30},
		"when the old signature is gone":     {systemimagetest.BeforeSignatureMoved, nil, []string{resigned, "removed index.json.new", "removed index.json.new.asc"}, 30},
		"when the new signature is there":    {systemimagetest.BeforeSignatureMoved, []func(string) error{move(".new.asc", ".asc")}, []string{"moved index.json.new to index.json"}, 60},
		"when the old index is gone":         {systemimagetest.BeforeIndexMoved, nil, []string{"moved index.json.new to index.json"}, 60},
		"an index that somebody has removed": {systemimagetest.Signed, []func(string) error{remove("")}, []string{"moved index.json.new to index.json", "moved index.json.new.asc to index.json.asc"}, 60},
		"signed again before the mending": {systemimagetest.Signed, []func(string) error{remove(".new.asc"), cut(".new"), func(index string) error {
			now := time.Now().Add(time.Minute)
			return os.Chtimes(index+".asc", now, now)
		}}, []string{"removed index.json.new"}, 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, s := newOperator(t)
			s.Client = fake.Client()
			s.Client.Pause = time.Millisecond
			if err := fake.SetFaults(systemimagetest.Faults{Kill: tt.kill}); err != nil {
				t.Fatal(err)
			}
			if out, err := fake.Run(t.Context(), command.Command{Argv: []string{"set-phased-percentage", "-v", channel, device, "1", "60"}}); err != nil || out.Exit != 137 {
				t.Fatalf("killed program: exit %d, %v", out.Exit, err)
			}
			if err := fake.SetFaults(systemimagetest.Faults{}); err != nil {
				t.Fatal(err)
			}
			index := filepath.Join(fake.Root(), "www", channel, device, "index.json")
			for _, f := range tt.then {
				if err := f(index); err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.Mend(t.Context(), channel, device)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("Mend() (-want +got)\n%s", d)
			}
			if m, err := s.Client.Latest(t.Context(), channel, device); err != nil || m.Percentage != tt.at {
				t.Errorf("image %d at %d %%, %v; want %d %%", m.Version, m.Percentage, err, tt.at)
			}
			left, err := filepath.Glob(index + "*")
			if d := cmp.Diff([]string{index, index + ".asc"}, left); err != nil || d != "" {
				t.Errorf("files (-want +got)\n%s%v", d, err)
			}
			if _, err := s.Phase(t.Context(), operate.PhaseRequest{Channel: channel, Device: device, Version: 1}); err != nil {
				t.Errorf("Phase() after Mend(): %v", err)
			}
		})
	}
}
