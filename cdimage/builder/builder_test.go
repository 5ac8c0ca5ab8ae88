package builder_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cause"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook/command"
)

var (
	customSet = cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid", Type: "daily-preinstalled"}
	morning   = time.Date(2016, 9, 6, 2, 11, 59, 0, time.UTC)
)

// newHost gives a builder over a host in a folder.
func newHost(t testing.TB, k cdimagetest.Knobs) (*builder.Builder, string) {
	t.Helper()
	root := t.TempDir()
	if k.Now.IsZero() {
		k.Now = morning
	}
	if err := cdimagetest.SetKnobs(root, k); err != nil {
		t.Fatal(err)
	}
	return &builder.Builder{Runner: hostRunner(root)}, root
}

func hostRunner(root string) command.Runner {
	return command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		var stdout, stderr bytes.Buffer
		exit := cdimagetest.Program(ctx, root, c.Argv, nil, bytes.NewReader(c.Stdin), &stdout, &stderr)
		return command.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Exit: exit}, ctx.Err()
	})
}

func TestBuildOutcomes(t *testing.T) {
	for _, c := range []struct {
		name    string
		knobs   cdimagetest.Knobs
		request builder.Request
		publish cdimage.Outcome
		class   cause.Class
		actions []cause.Action
		safe    bool
		err     error
	}{
		{name: "good", publish: cdimage.Complete, actions: []cause.Action{cause.Nothing}, safe: true},
		{name: "tracker down", knobs: cdimagetest.Knobs{Tracker: true}, publish: cdimage.Complete, actions: []cause.Action{cause.Nothing}, safe: true},
		{name: "mirrors down", knobs: cdimagetest.Knobs{MirrorsDown: true}, publish: cdimage.Complete, class: cause.Network, actions: []cause.Action{cause.TriggerMirrors}, safe: true},
		{name: "one fails", knobs: cdimagetest.Knobs{States: map[string]string{"i386": "Failed to build"}}, publish: cdimage.Partial,
			class: cause.Unknown, actions: []cause.Action{cause.ReadLivefsLog}, err: builder.ErrNotBuilt},
		{name: "all fail", knobs: cdimagetest.Knobs{States: map[string]string{"i386": "Failed to build", "armhf": "Chroot problem"}}, publish: cdimage.None,
			class: cause.Chroot, actions: []cause.Action{cause.Wait, cause.ReadLivefsLog, cause.FullRebuild}, err: builder.ErrNotBuilt},
		{name: "404", knobs: cdimagetest.Knobs{Downloads: map[string]string{"i386": "404"}}, publish: cdimage.Partial,
			class: cause.Network, actions: []cause.Action{cause.PublishOnly}, safe: true, err: builder.ErrNotBuilt},
		{name: "no downloads", knobs: cdimagetest.Knobs{Downloads: map[string]string{"i386": "resolve", "armhf": "refused"}}, publish: cdimage.None,
			class: cause.Network, actions: []cause.Action{cause.PublishOnly}, safe: true, err: builder.ErrNotBuilt},
		{name: "read errors", knobs: cdimagetest.Knobs{Downloads: map[string]string{"i386": "read"}}, publish: cdimage.Partial,
			class: cause.Network, actions: []cause.Action{cause.PublishOnly}, safe: true, err: builder.ErrNotBuilt},
		{name: "full disk while copying", knobs: cdimagetest.Knobs{Crash: "copying"}, publish: cdimage.None,
			class: cause.DiskSpace, actions: []cause.Action{cause.FreeSpace, cause.PublishOnly}, safe: true, err: builder.ErrNotBuilt},
		{name: "full disk while publishing", knobs: cdimagetest.Knobs{Crash: "publishing"}, publish: cdimage.Broken,
			class: cause.DiskSpace, actions: []cause.Action{cause.FreeSpace, cause.PublishOnly}, safe: true, err: builder.ErrNotBuilt},
		{name: "full disk while purging", knobs: cdimagetest.Knobs{Crash: "purging"}, publish: cdimage.Complete,
			class: cause.DiskSpace, actions: []cause.Action{cause.FreeSpace, cause.TriggerMirrors}, safe: true},
		{name: "Launchpad down", knobs: cdimagetest.Knobs{Launchpad: "down"}, publish: cdimage.None,
			class: cause.Infrastructure, actions: []cause.Action{cause.FullRebuild}, err: builder.ErrNotBuilt},
		{name: "pending", knobs: cdimagetest.Knobs{Launchpad: "pending"}, publish: cdimage.None,
			class: cause.Operator, actions: []cause.Action{cause.Wait, cause.FullRebuild}, err: builder.ErrNotBuilt},
		{name: "killed while building", knobs: cdimagetest.Knobs{Kill: "building"}, publish: cdimage.None, actions: []cause.Action{cause.FullRebuild}, err: builder.ErrNotBuilt},
		{name: "killed while downloading", knobs: cdimagetest.Knobs{Kill: "downloading"}, publish: cdimage.None, actions: []cause.Action{cause.PublishOnly}, safe: true, err: builder.ErrNotBuilt},
		{name: "no publish", request: builder.Request{NoPublish: true}, publish: cdimage.Skipped, actions: []cause.Action{cause.PublishOnly}, safe: true},
		{name: "one architecture", request: builder.Request{Arches: []string{"armhf"}}, publish: cdimage.Complete, actions: []cause.Action{cause.Nothing}, safe: true},
		{name: "publish only, nothing built", request: builder.Request{PublishOnly: true}, publish: cdimage.None,
			class: cause.Operator, actions: []cause.Action{cause.FullRebuild}, err: builder.ErrNotBuilt},
		{name: "publish only, today", knobs: cdimagetest.Knobs{Today: true}, request: builder.Request{PublishOnly: true}, publish: cdimage.None,
			class: cause.Operator, actions: []cause.Action{cause.PublishOnly}, err: builder.ErrNotBuilt},
		{name: "reuse, nothing built", knobs: cdimagetest.Knobs{Today: true}, request: builder.Request{PublishOnly: true, Reuse: true}, publish: cdimage.None,
			class: cause.Operator, actions: []cause.Action{cause.FullRebuild}, err: builder.ErrNotBuilt},
		{name: "nothing downloaded, today", knobs: cdimagetest.Knobs{Today: true, Downloads: map[string]string{"i386": "404", "armhf": "503"}}, publish: cdimage.None,
			class: cause.Network, actions: []cause.Action{cause.PublishOnly}, safe: true, err: builder.ErrNotBuilt},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := newHost(t, c.knobs)
			c.request.ImageSet = customSet
			res, err := b.Build(t.Context(), c.request)
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if res.Publish != c.publish {
				t.Errorf("publish %s, want %s", res.Publish, c.publish)
			}
			class := cause.Class("")
			if len(res.Causes) > 0 {
				class = res.Causes[0].Class
			}
			if class != c.class {
				t.Errorf("class %q, want %q: %v", class, c.class, res.Causes)
			}
			if diff := cmp.Diff(c.actions, res.Actions); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if res.Republish.Safe != c.safe {
				t.Errorf("re-run safe %v, want %v: %s", res.Republish.Safe, c.safe, res.Republish.Why)
			}
			if res.ID.String() != "20160906" || res.Running {
				t.Errorf("ID %s, running %v", res.ID, res.Running)
			}
			if (res.Dir != "") != (c.publish == cdimage.Complete || c.publish == cdimage.Partial) && c.publish != cdimage.Broken {
				t.Errorf("publish %s with directory %q, files %v", c.publish, res.Dir, res.Files)
			}
		})
	}
}

// TestRepair walks the way of a partial image: a failed download, published
// again the same day, with the ID that follows.
func TestRepair(t *testing.T) {
	b, root := newHost(t, cdimagetest.Knobs{Downloads: map[string]string{"i386": "404"}})
	first, err := b.Build(t.Context(), builder.Request{ImageSet: customSet, ExtraPPAs: []builder.PPA{{Owner: "ci-train-ppa-service", Name: "stable-snapshot", Pin: 1001}}})
	if !errors.Is(err, builder.ErrNotBuilt) || !first.Republish.Safe {
		t.Fatalf("%v, %+v", err, first.Republish)
	}
	k, err := cdimagetest.GetKnobs(root)
	if err != nil {
		t.Fatal(err)
	}
	k.Downloads = nil
	if err := cdimagetest.SetKnobs(root, k); err != nil {
		t.Fatal(err)
	}
	second, err := b.Build(t.Context(), builder.Request{ImageSet: customSet, PublishOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if second.ID.String() != "20160906.1" || second.Publish != cdimage.Complete || len(second.Arches) != 0 {
		t.Errorf("%s %s %v", second.ID, second.Publish, second.Arches)
	}
	if !slices.Contains(second.Files, "vivid-preinstalled-touch-i386.tar.gz") {
		t.Errorf("files %v", second.Files)
	}
}

// TestExitStatusIsNotTheVerdict: a run that says it published and whose
// directory lacks the file is not complete.
func TestExitStatusIsNotTheVerdict(t *testing.T) {
	b, root := newHost(t, cdimagetest.Knobs{})
	inner := b.Runner
	b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		out, err := inner.Run(ctx, c)
		if c.Argv[0] == "env" {
			os.Remove(filepath.Join(root, "www/full/ubuntu-touch-custom/vivid/daily-preinstalled/20160906/vivid-preinstalled-touch-i386.tar.gz"))
		}
		return out, err
	})
	res, err := b.Build(t.Context(), builder.Request{ImageSet: customSet})
	if !errors.Is(err, builder.ErrNotBuilt) || res.Publish != cdimage.Partial || res.Exit != 0 {
		t.Errorf("%v, publish %s, exit %d", err, res.Publish, res.Exit)
	}
	b, _ = newHost(t, cdimagetest.Knobs{})
	inner2 := b.Runner
	b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		out, err := inner2.Run(ctx, c)
		if c.Argv[0] == "env" {
			out.Exit = 1
		}
		return out, err
	})
	if res, err := b.Build(t.Context(), builder.Request{ImageSet: customSet}); err != nil || res.Publish != cdimage.Complete {
		t.Errorf("a complete image is refused for an exit status: %v", err)
	}
}

func TestLocked(t *testing.T) {
	b, root := newHost(t, cdimagetest.Knobs{})
	lock := filepath.Join(root, "etc", ".lock-build-image-set-ubuntu-touch-custom-vivid-daily-preinstalled")
	if err := os.WriteFile(lock, []byte(morning.Format(time.RFC3339)), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := b.Build(t.Context(), builder.Request{ImageSet: customSet})
	if !errors.Is(err, builder.ErrLocked) {
		t.Errorf("got %v", err)
	}
	if ids, err := b.IDs(t.Context(), customSet); err != nil || len(ids) != 0 {
		t.Errorf("IDs %v, %v", ids, err)
	}
	other := customSet
	other.Project = "ubuntu-touch" // does not share the lock
	if _, err := b.Build(t.Context(), builder.Request{ImageSet: other}); err != nil {
		t.Errorf("another project: %v", err)
	}
	k, _ := cdimagetest.GetKnobs(root)
	k.Now = morning.Add(3 * time.Hour)
	cdimagetest.SetKnobs(root, k)
	if _, err := b.Build(t.Context(), builder.Request{ImageSet: customSet}); err != nil {
		t.Errorf("an old lock is not broken: %v", err)
	}
}

// TestLockedByARunThatBegins: the run that holds the lock is not taken for
// ours, although its log is newer than what was there before.
func TestLockedByARunThatBegins(t *testing.T) {
	b, root := newHost(t, cdimagetest.Knobs{})
	inner := b.Runner
	b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		if c.Argv[0] == "env" {
			if _, err := inner.Run(ctx, c); err != nil { // somebody else's
				return command.Output{}, err
			}
			os.WriteFile(filepath.Join(root, "etc", ".lock-build-image-set-ubuntu-touch-custom-vivid-daily-preinstalled"), []byte(time.Date(2016, 9, 6, 3, 0, 0, 0, time.UTC).Format(time.RFC3339)), 0o644)
		}
		return inner.Run(ctx, c)
	})
	if _, err := b.Build(t.Context(), builder.Request{ImageSet: customSet}); !errors.Is(err, builder.ErrLocked) {
		t.Errorf("got %v", err)
	}
}

func TestReadOnlyAndInvalid(t *testing.T) {
	never := command.Func(func(context.Context, command.Command) (command.Output, error) {
		t.Error("something was run")
		return command.Output{}, nil
	})
	b := &builder.Builder{Runner: never, ReadOnly: true}
	if _, err := b.Build(t.Context(), builder.Request{ImageSet: customSet}); !errors.Is(err, builder.ErrReadOnly) {
		t.Error(err)
	}
	b.ReadOnly = false
	for name, change := range map[string]func(*builder.Request){
		"project":   func(r *builder.Request) { r.Project = "x; rm -rf /" },
		"no series": func(r *builder.Request) { r.Series = "" },
		"series":    func(r *builder.Request) { r.Series = "../etc" },
		"arch":      func(r *builder.Request) { r.Arches = []string{"armhf i386"} },
		"owner":     func(r *builder.Request) { r.ExtraPPAs = []builder.PPA{{Owner: "a b", Name: "c"}} },
		"name":      func(r *builder.Request) { r.ExtraPPAs = []builder.PPA{{Owner: "a", Name: "c:1001"}} },
		"pin":       func(r *builder.Request) { r.ExtraPPAs = []builder.PPA{{Owner: "a", Name: "c", Pin: 100000}} },
		"flag":      func(r *builder.Request) { r.Project = "--live" },
		"ppa publish only": func(r *builder.Request) {
			r.PublishOnly, r.ExtraPPAs = true, []builder.PPA{{Owner: "a", Name: "c"}}
		},
	} {
		r := builder.Request{ImageSet: customSet}
		change(&r)
		if _, err := b.Build(t.Context(), r); !errors.Is(err, builder.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestArgv(t *testing.T) {
	for _, c := range []struct {
		request builder.Request
		want    string
	}{
		{builder.Request{ImageSet: customSet, ExtraPPAs: []builder.PPA{{"ci-train-ppa-service", "stable-snapshot", 1001}, {"o", "n", 0}}},
			"env|DIST=vivid|EXTRA_PPAS=ci-train-ppa-service/stable-snapshot:1001 o/n|for-project|ubuntu-touch-custom|cron.daily-preinstalled|--live"},
		{builder.Request{ImageSet: customSet, PublishOnly: true}, "env|DIST=vivid|for-project|ubuntu-touch-custom|cron.daily-preinstalled"},
		{builder.Request{ImageSet: customSet, PublishOnly: true, Reuse: true}, "env|DIST=vivid|CDIMAGE_REUSE_BUILD=1|for-project|ubuntu-touch-custom|cron.daily-preinstalled|--live"},
		{builder.Request{ImageSet: cdimage.ImageSet{Subtree: "nvidia-tegra", Project: "ubuntu-touch", Series: "ubuntu-rtm/14.09", Type: "daily-preinstalled"},
			Arches: []string{"armhf", "arm64+raspi"}, Proposed: true, Subproject: "live", Channel: "rc", NoPublish: true, NoPurge: true},
			"env|DIST=ubuntu-rtm/14.09|ARCHES=armhf arm64+raspi|SUBPROJECT=live|CHANNEL=rc|CDIMAGE_SUBTREE=nvidia-tegra|PROPOSED=1|CDIMAGE_NOPUBLISH=1|CDIMAGE_NOPURGE=1|for-project|ubuntu-touch|cron.daily-preinstalled|--live"},
	} {
		argv, err := c.request.Argv()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, strings.Join(argv, "|")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestProgress follows a run by its growing log.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newHost(t, cdimagetest.Knobs{Pause: 40 * time.Second})
		var seen []builder.Progress
		b.Observe = func(p builder.Progress) { seen = append(seen, p) }
		if _, err := b.Build(t.Context(), builder.Request{ImageSet: customSet}); err != nil {
			t.Fatal(err)
		}
		stages := map[string]bool{}
		for i, p := range seen {
			stages[p.Stage] = true
			if p.Build.ID.String() != "20160906" || i > 0 && (p.Bytes < seen[i-1].Bytes || p.Done < seen[i-1].Done) {
				t.Errorf("step %d: %+v after %+v", i, p, seen[max(0, i-1)])
			}
		}
		if !stages["Building live filesystems"] || !stages["Publishing"] || seen[len(seen)-1].Done != 2 {
			t.Errorf("seen %+v", seen)
		}
	})
}

// TestLinkLost: the end of the run was not seen, and it is found afterwards.
func TestLinkLost(t *testing.T) {
	b, _ := newHost(t, cdimagetest.Knobs{})
	inner := b.Runner
	b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		out, err := inner.Run(ctx, c)
		if c.Job == "build-42" {
			return command.Output{}, errors.New("connection lost")
		}
		return out, err
	})
	_, err := b.Build(t.Context(), builder.Request{ImageSet: customSet, Job: "build-42"})
	if own := (*builder.Error)(nil); !errors.Is(err, builder.ErrInDoubt) || !errors.As(err, &own) || !own.InDoubt() {
		t.Fatalf("got %v", err)
	}
	id, err := b.Newest(t.Context(), customSet)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.Result(t.Context(), cdimage.Build{ImageSet: customSet, ID: id})
	if err != nil || res.Publish != cdimage.Complete || res.Running {
		t.Errorf("%v %s", err, res.Publish)
	}
}

// A job that was lost is over: its log tells how far the run came, and where it
// has none yet, it is started anew.
func TestLostJob(t *testing.T) {
	for _, tt := range []struct {
		name   string
		kill   string // the stage in which the run dies; "" before it has a log
		before bool   // the job was lost before it was asked for
		ids    int    // logs in the end
		want   error
	}{
		{"with a log", "building", true, 1, builder.ErrNotBuilt},
		{"with a log, while watched", "building", false, 1, builder.ErrNotBuilt},
		{"without a log", "", true, 1, nil},
		{"without a log, while watched", "", false, 0, builder.ErrNotBuilt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, _ := newHost(t, cdimagetest.Knobs{Kill: tt.kill})
			inner, lost := b.Runner, false
			b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if c.Job == "" || lost {
					return inner.Run(ctx, c)
				}
				if lost = true; tt.kill != "" {
					if _, err := inner.Run(ctx, c); err != nil {
						t.Error(err)
					}
				}
				return command.Output{}, &command.LostJob{Name: c.Job, Reason: "the host was restarted", Before: tt.before}
			})
			res, err := b.Build(t.Context(), builder.Request{ImageSet: customSet, Job: "build-42"})
			if !errors.Is(err, tt.want) || errors.Is(err, builder.ErrInDoubt) {
				t.Errorf("Build() = %v, want %v", err, tt.want)
			}
			if tt.kill != "" && (res.ID.IsZero() || res.Running) {
				t.Errorf("build %s, running %v; want the one that died", res.ID, res.Running)
			}
			if ids, err := b.IDs(t.Context(), customSet); err != nil || len(ids) != tt.ids {
				t.Errorf("builds %v, %v; want %d", ids, err, tt.ids)
			}
		})
	}
}

// TestTruncatedOutput: a log longer than the runner's limit is read in pieces.
func TestTruncatedOutput(t *testing.T) {
	b, _ := newHost(t, cdimagetest.Knobs{})
	inner := b.Runner
	b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		out, err := inner.Run(ctx, c)
		if c.Argv[0] == "tail" && len(out.Stdout) > 100 {
			out.Stdout, out.Truncated = out.Stdout[:100], true
		}
		return out, err
	})
	res, err := b.Build(t.Context(), builder.Request{ImageSet: customSet})
	if err != nil || len(res.Arches) != 2 || !res.Finished {
		t.Errorf("%v %+v", err, res.Diagnosis)
	}
}

// A command that the host does not know is refused, and no build that failed.
func TestUsage(t *testing.T) {
	for name, tt := range map[string]struct {
		out  command.Output
		want error
		says string
	}{
		"option":          {command.Output{Exit: 2, Stderr: []byte("Usage: cron.x\n\ncron.x: error: no such option: -l\n")}, builder.ErrUsage, "no such option"},
		"image type":      {command.Output{Exit: 1, Stderr: []byte("Traceback (most recent call last):\n  File \"bin/for-project\", line 45, in main\n    os.execvp(args[1], args[1:])\n  File \"<frozen os>\", line 574, in execvp\nFileNotFoundError: [Errno 2] No such file or directory\n")}, builder.ErrUsage, "cron.daily-preinstalled"},
		"image type, 2.7": {command.Output{Exit: 1, Stderr: []byte("Traceback (most recent call last):\n  File \"bin/for-project\", line 45, in main\n    os.execvp(args[1], args[1:])\n  File \"/usr/lib/python2.7/os.py\", line 344, in execvp\nOSError: [Errno 2] No such file or directory\n")}, builder.ErrUsage, "cron.daily-preinstalled"},
		"series":          {command.Output{Exit: 1, Stderr: []byte("Traceback (most recent call last):\n  File \"lib/cdimage/config.py\", line 300, in fix_paths\ncdimage.config.UnknownSeries: nope\n")}, builder.ErrUsage, "UnknownSeries: nope"},
		"no builder":      {command.Output{Exit: 127, Stderr: []byte("env: 'for-project': No such file or directory\n")}, builder.ErrUsage, "for-project"},
		"something else":  {command.Output{Exit: 1, Stderr: []byte("Traceback (most recent call last):\nPermissionError: [Errno 13] Permission denied: 'etc/.next-build-suffix'\n")}, builder.ErrNotBuilt, "Permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := newHost(t, cdimagetest.Knobs{})
			inner := b.Runner
			b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if c.Argv[0] == "env" {
					return tt.out, nil
				}
				return inner.Run(ctx, c)
			})
			_, err := b.Build(t.Context(), builder.Request{ImageSet: customSet})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.says)
			}
		})
	}
	b, _ := newHost(t, cdimagetest.Knobs{})
	if _, err := b.Build(t.Context(), builder.Request{ImageSet: cdimage.ImageSet{Project: "ubuntu-touch", Series: "vivid", Type: "daily-nothing"}}); !errors.Is(err, builder.ErrUsage) {
		t.Errorf("an unknown image type: %v, want ErrUsage", err)
	}
}

// A run whose log has no end is over when the host was started after it.
func TestHostRestarted(t *testing.T) {
	for name, tt := range map[string]struct {
		booted time.Time
		want   bool
	}{
		"not known": {time.Time{}, true},
		"before":    {morning.AddDate(0, 0, -3), true},
		"after":     {morning.Add(10 * time.Minute), false},
	} {
		t.Run(name, func(t *testing.T) {
			b, root := newHost(t, cdimagetest.Knobs{Kill: "building"})
			if _, err := b.Build(t.Context(), builder.Request{ImageSet: customSet}); !errors.Is(err, builder.ErrNotBuilt) {
				t.Fatal(err)
			}
			if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Now: morning.Add(30 * time.Minute), Booted: tt.booted}); err != nil {
				t.Fatal(err)
			}
			id, err := b.Newest(t.Context(), customSet)
			if err != nil {
				t.Fatal(err)
			}
			res, err := b.Result(t.Context(), cdimage.Build{ImageSet: customSet, ID: id})
			if err != nil || res.Running != tt.want {
				t.Errorf("running %v, %v; want %v", res.Running, err, tt.want)
			}
		})
	}
}
