package channelconfig_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func configFile(t *testing.T) (*channelconfig.HostFile, *systemimagetest.Server) {
	t.Helper()
	s := systemimagetest.New(t, systemimagetest.SampleWorld())
	return &channelconfig.HostFile{Runner: s, Path: filepath.Join(s.Root(), "etc/config")}, s
}

func edited(t *testing.T, c *channelconfig.Config) *channelconfig.Config {
	t.Helper()
	next, err := c.Edit(channelconfig.Set(channelconfig.Section("ubuntu-touch/stable/meizu.en"), "fullcount", "7"))
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestConfigFile(t *testing.T) {
	t.Parallel()
	f, _ := configFile(t)
	if err := os.Chmod(f.Path, 0o640); err != nil {
		t.Fatal(err)
	}
	old, err := f.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := edited(t, old)
	for range 2 { // the second time nothing is left to be done
		backup, err := f.Replace(t.Context(), old, next)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{f.Path: string(next.Text()), backup: string(old.Text())} {
			text, err := os.ReadFile(path)
			if err != nil || string(text) != want {
				t.Errorf("%s: %v\n%s", path, err, text)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
			}
		}
	}
	list, err := os.ReadDir(filepath.Dir(f.Path))
	if err != nil || len(list) != 2 {
		t.Errorf("%v, %v: want the file and its backup", list, err)
	}
	// Somebody else was faster.
	if _, err := f.Replace(t.Context(), old, edited(t, old)); err != nil {
		t.Errorf("the same again: %v", err)
	}
	other, err := old.Edit(channelconfig.Set("global", "public_fqdn", "other.example.net"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Replace(t.Context(), old, other); !errors.Is(err, systemimage.ErrRefused) || !strings.Contains(err.Error(), "somebody changed it") {
		t.Errorf("Replace() of a text that is not there any more = %v", err)
	}
	f.ReadOnly = true
	if _, err := f.Replace(t.Context(), next, old); !errors.Is(err, systemimage.ErrReadOnly) {
		t.Errorf("Replace() of a reader = %v", err)
	}
}

func TestConfigFileLink(t *testing.T) {
	t.Parallel()
	f, _ := configFile(t)
	if err := os.Rename(f.Path, f.Path+".real"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("config.real", f.Path); err != nil {
		t.Fatal(err)
	}
	old, err := f.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Replace(t.Context(), old, edited(t, old)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(f.Path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is one no more: %v, %v", info.Mode(), err)
	}
}

func TestConfigFileErrors(t *testing.T) {
	t.Parallel()
	f, s := configFile(t)
	old, err := f.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cut := func(change func(command.Command, *command.Output) error) command.Runner {
		return command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
			out, err := s.Run(ctx, c)
			if err == nil {
				err = change(c, &out)
			}
			return out, err
		})
	}
	writes := func(c command.Command) bool { return c.Argv[3] == "landing-file-replace" }
	for _, tt := range []struct {
		name string
		f    *channelconfig.HostFile
		want error
		text string
	}{
		{"no runner", &channelconfig.HostFile{Path: f.Path}, systemimage.ErrRefused, "Runner is not set"},
		{"no path", &channelconfig.HostFile{Runner: s}, systemimage.ErrRefused, "Path is not set"},
		{"no file", &channelconfig.HostFile{Runner: s, Path: f.Path + "x"}, systemimage.ErrNotFound, "no such file"},
		{"runner fails", &channelconfig.HostFile{Path: f.Path, Runner: cut(func(command.Command, *command.Output) error { return errors.New("link is down") })}, nil, "link is down"},
		{"cut", &channelconfig.HostFile{Path: f.Path, Runner: cut(func(_ command.Command, o *command.Output) error {
			o.Stdout = o.Stdout[:len(o.Stdout)/2]
			return nil
		})}, systemimage.ErrTorn, "incomplete"},
		{"over the limit", &channelconfig.HostFile{Path: f.Path, Runner: cut(func(_ command.Command, o *command.Output) error { o.Truncated = true; return nil })}, systemimage.ErrMalformed, "limit"},
		{"shell fails", &channelconfig.HostFile{Path: f.Path, Runner: cut(func(_ command.Command, o *command.Output) error { o.Exit = 127; return nil })}, systemimage.ErrBroken, "127"},
	} {
		c, err := tt.f.Read(t.Context())
		if c != nil || err == nil || !strings.Contains(err.Error(), tt.text) || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: Read() = %v, %v", tt.name, c, err)
		}
	}
	next := edited(t, old)
	// The text is cut on its way: nothing is written.
	f.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		c.Stdin = c.Stdin[:len(c.Stdin)/2]
		return s.Run(ctx, c)
	})
	if _, err := f.Replace(t.Context(), old, next); !errors.Is(err, systemimage.ErrTorn) {
		t.Errorf("a text that was cut: %v", err)
	}
	if now, err := f.Read(t.Context()); err != nil || now.Checksum() != old.Checksum() {
		t.Errorf("the file has changed: %v", err)
	}
	// The link breaks after the write: the file says that it happened.
	f.Runner = cut(func(c command.Command, _ *command.Output) error {
		if writes(c) {
			return errors.New("link is down")
		}
		return nil
	})
	if _, err := f.Replace(t.Context(), old, next); err != nil {
		t.Errorf("a link that breaks after the write: %v", err)
	}
	broken, _ := channelconfig.Parse([]byte("x"))
	if _, err := f.Replace(t.Context(), next, broken); !errors.Is(err, systemimage.ErrRefused) {
		t.Errorf("a text against the grammar: %v", err)
	}
}

// What the configuration names is looked for on the host, and its URLs are asked.
func TestLintHost(t *testing.T) {
	t.Parallel()
	f, s := configFile(t)
	c, err := f.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	l := &channelconfig.Linter{Root: s.Root(), Runner: command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		commands++
		return s.Run(ctx, c)
	})}
	findings, err := l.Lint(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Errorf("the lab: %v", f)
	}
	text := strings.NewReplacer(";vivid;import=any", ";wily;import=any", "keyring;archive-master", "keyring;archive-mister",
		"state_path = state/", "state_path = stat/").Replace(string(c.Text()))
	text = strings.Replace(text, "daily-preinstalled;vivid;import=good", "nightly;vivid;import=good", 1)
	if c, err = channelconfig.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if findings, err = l.Lint(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	classes := map[string]int{}
	for _, f := range findings {
		classes[f.Class]++
	}
	for class, want := range map[string]int{"missing-folder": 1, "missing-series": 1, "missing-keyring": 8, "missing-path": 1} {
		if classes[class] != want {
			t.Errorf("%d findings of class %s, want %d", classes[class], class, want)
		}
	}
	if commands != 2 {
		t.Errorf("%d commands for two lints, want one each", commands)
	}
	l.Runner = command.Func(func(context.Context, command.Command) (command.Output, error) {
		return command.Output{Stdout: []byte("yes\n")}, nil
	})
	if _, err := l.Lint(t.Context(), c); !errors.Is(err, systemimage.ErrBroken) {
		t.Errorf("a host that does not answer: %v", err)
	}
}
