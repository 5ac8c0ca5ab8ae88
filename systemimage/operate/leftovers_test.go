//go:build unix

package operate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// rootfsBuild is what an import has to take into a channel that has an alias.
var rootfsBuild = systemimagetest.Build{Path: "full/ubuntu-touch/daily-preinstalled", Series: "vivid", Version: "20150612"}

// Killed in the commit of an alias, every program that publishes is brought to its end by
// who began it: nothing is left over, and the alias is what its target is.
func TestKilledInAlias(t *testing.T) {
	t.Parallel()
	const stable, rcProposed = "ubuntu-touch/stable/bq-aquaris.en", "ubuntu-touch/rc-proposed/ubuntu"
	copied := operate.CopyRequest{From: "ubuntu-touch/rc-proposed/bq-aquaris.en", Version: 3, To: stable, Device: "krillin", Tag: "OTA-5", Percentage: 5}
	phased := operate.PhaseRequest{Channel: stable, Device: "krillin", Version: 1, Percentage: 30}
	tests := map[string]struct {
		channel, alias, device string
		run                    func(ctx context.Context, s *operate.Server, begun bool) error
	}{
		"import": {rcProposed, "ubuntu-touch/devel-proposed/ubuntu", "mako", func(ctx context.Context, s *operate.Server, begun bool) error {
			_, err := s.Import(ctx, operate.ImportRequest{Job: "import", Begun: begun})
			return err
		}},
		"copy": {stable, "ubuntu-touch/ubuntu-15.04/bq-aquaris.en", "krillin", func(ctx context.Context, s *operate.Server, begun bool) error {
			r := copied
			r.Begun = begun
			if _, done, err := s.CheckCopy(ctx, r); err != nil || done {
				return err
			}
			_, err := s.Copy(ctx, r)
			return err
		}},
		"tag": {stable, "ubuntu-touch/ubuntu-15.04/bq-aquaris.en", "krillin", func(ctx context.Context, s *operate.Server, begun bool) error {
			_, err := s.Tag(ctx, operate.TagRequest{Channel: stable, Device: "krillin", Version: 1, Tag: "OTA-4.1", Begun: begun})
			return err
		}},
		"percentage": {stable, "ubuntu-touch/ubuntu-15.04/bq-aquaris.en", "krillin", func(ctx context.Context, s *operate.Server, begun bool) error {
			r := phased
			r.Begun = begun
			_, err := s.Phase(ctx, r)
			return err
		}},
		"percentages": {stable, "ubuntu-touch/ubuntu-15.04/bq-aquaris.en", "krillin", func(ctx context.Context, s *operate.Server, begun bool) error {
			r := phased
			r.Begun = begun
			var ended error
			err := s.PhaseMany(ctx, operate.PhaseMany{Images: []operate.PhaseRequest{r}, Ended: func(_ int, _ operate.PhaseResult, err error) { ended = err }})
			return errors.Join(err, ended)
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := 1 // commit of the program that may be that of the alias
			for _, point := range []systemimagetest.KillPoint{systemimagetest.Signed, systemimagetest.BeforeSignatureMoved, systemimagetest.BeforeIndexMoved} {
				met := false
				for commit, more := first, true; more; commit++ {
					synctest.Test(t, func(t *testing.T) {
						fake, s := operated(t, nil)
						s.Client = fake.Client()
						if err := errors.Join(fake.AddBuild(rootfsBuild), fake.SetFaults(systemimagetest.Faults{Kill: point, KillCommit: commit})); err != nil {
							t.Fatal(err)
						}
						left := killedUnseen(t, fake, s, tt.run)
						met = strings.Contains(left, "/www/"+tt.alias+"/")
						if more = left != "" && !met; !met {
							return
						}
						first = commit
						if err := tt.run(t.Context(), s, true); err != nil {
							t.Errorf("%s, commit %d, started again: %v", point, commit, err)
						}
						if left := leftOver(t, fake.Root()); left != "" {
							t.Errorf("%s, left over: %s", point, left)
						}
						want, got := offered(t, s, tt.channel, tt.device), offered(t, s, tt.alias, tt.device)
						if d := cmp.Diff(want, got); d != "" {
							t.Errorf("%s, the alias (-its target +it)\n%s", point, d)
						}
					})
				}
				if !met {
					t.Errorf("%s: no commit of the alias was met", point)
				}
			}
		})
	}
}

// killedUnseen runs something whose program is killed while nobody sees it, and returns
// what is left over.
func killedUnseen(t *testing.T, fake *systemimagetest.Server, s *operate.Server, run func(context.Context, *operate.Server, bool) error) (left string) {
	t.Helper()
	s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		out, err := fake.Run(ctx, c)
		if f, _ := fake.Faults(); f.Kill == "" && left == "" {
			left = leftOver(t, fake.Root())
			return command.Output{}, errors.New("the link was lost")
		}
		return out, err
	})
	err := run(t.Context(), s, false)
	if f, _ := fake.Faults(); (f.Kill == "") != (left != "") || left == "" && err != nil {
		t.Fatalf("the first start: %v, left over: %q", err, left)
	}
	return left
}

// leftOver is a file that a killed commit has left, or "".
func leftOver(t *testing.T, root string) (left string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, "www"), func(path string, _ os.DirEntry, err error) error {
		if strings.Contains(filepath.Base(path), ".json.new") {
			left = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// offered is what devices get from a channel, in words; the version tarballs, which
// differ in an alias, by their number.
func offered(t *testing.T, s *operate.Server, channel, device string) (list []string) {
	t.Helper()
	s.Client.Forget(device)
	x, err := s.Client.Index(t.Context(), channel, device)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range x.Images {
		line := fmt.Sprintf("%s %d from %d at %d:", m.Type, m.Version, m.Base, m.Percentage)
		files := map[int]string{}
		for _, f := range m.Files {
			files[f.Order] = filepath.Base(f.Path)
		}
		list = append(list, fmt.Sprint(line, files))
	}
	return list
}
