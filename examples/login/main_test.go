package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func TestMain(m *testing.M) {
	lab.Program()
	os.Exit(systemimagetest.InMemory(m.Run))
}

// The credentials that a person grants write to Launchpad, and nobody else can read
// them.
func TestLogin(t *testing.T) {
	t.Parallel()
	srv := launchpadtest.New(t, nil)
	srv.Do(func(w *launchpadtest.World) { w.AddPerson("landing-team", "operator") })
	path := filepath.Join(t.TempDir(), "new", "folder", "credentials")
	var out bytes.Buffer
	start := func(access string) (*login, func(string) error) {
		c := srv.Client()
		c.Credentials, c.Consumer = nil, "landing"
		return &login{client: c, path: path, out: &out}, func(page string) error { return srv.Review(page, "operator", access) }
	}
	l, person := start("WRITE_PUBLIC")
	if err := l.run(t.Context(), person); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v, want mode 0600", fi.Mode(), err)
	}
	if !strings.Contains(out.String(), "/+authorize-token?oauth_token=") || strings.Contains(out.String(), "secret") {
		t.Errorf("it prints\n%s", &out)
	}
	cred := new(launchpad.Credentials)
	err = cred.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := srv.Client()
	c.Credentials = cred
	if _, err := c.CreatePPA(t.Context(), "ppa:landing-team/mine", ""); err != nil {
		t.Errorf("the new credentials do not write: %v", err)
	}

	before, _ := os.ReadFile(path)
	l, person = start("WRITE_PUBLIC")
	if err := l.run(t.Context(), person); err == nil || !strings.Contains(err.Error(), "-renew") {
		t.Errorf("credentials that are there are replaced: %v", err)
	}
	l, person = start("")
	l.renew = true
	if err := l.run(t.Context(), person); !errors.Is(err, launchpad.ErrRefused) {
		t.Errorf("the person refuses: %v", err)
	}
	if err := l.run(t.Context(), nil); !errors.Is(err, launchpad.ErrNoCredentials) {
		t.Errorf("nobody is there: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("credentials that work were replaced by none")
	}
	l, person = start("READ_PUBLIC")
	l.renew = true
	if err := l.run(t.Context(), person); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); bytes.Equal(before, after) {
		t.Error("-renew kept the old credentials")
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	site := filepath.Join(dir, "site.conf")
	for name, text := range map[string]string{site: "[launchpad]\ncredentials = sub/credentials\nroot = http://127.0.0.1:1/devel/\n", filepath.Join(dir, "bare.conf"): "[launchpad]\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "lab.credentials")
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"on the lab", []string{"-o", file}, 0, "The credentials are in " + file},
		{"again", []string{"-o", file}, 1, "-renew replaces them"},
		{"again, renewed, in JSON", []string{"-json", "-renew", "-o", file}, 0, `{"credentials":"` + file + `","name":"landing"}`},
		{"nobody at a terminal", []string{"-site", site}, 1, "run examples/login once at a terminal"},
		{"no file", []string{"-site", filepath.Join(dir, "bare.conf")}, 2, "-o FILE"},
		{"an argument", []string{"x"}, 2, "no arguments"},
	} {
		var out bytes.Buffer
		if code := program().Run(t.Context(), tt.args, strings.NewReader(""), &out, &out); code != tt.code || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: exit status %d, want %d that says %q\n%s", tt.name, code, tt.code, tt.says, &out)
		}
	}
	if err := new(launchpad.Credentials).ReadFile(file); err != nil {
		t.Error(err)
	}
}
