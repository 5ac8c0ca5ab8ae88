package systemimagetest

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook/command"
)

var _ command.Runner = (*Server)(nil)

const (
	proposed = "ubuntu-touch/rc-proposed/bq-aquaris.en"
	rc       = "ubuntu-touch/rc/bq-aquaris.en"
	stable   = "ubuntu-touch/stable/bq-aquaris.en"
)

func run(t *testing.T, s *Server, argv ...string) command.Output {
	t.Helper()
	return runInput(t, s, "", argv...)
}

func runInput(t *testing.T, s *Server, stdin string, argv ...string) command.Output {
	t.Helper()
	out, err := s.Run(t.Context(), command.Command{Argv: argv, Stdin: []byte(stdin)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readObject(t *testing.T, path string) object {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := decodeJSON(b)
	if err != nil {
		t.Fatal(err)
	}
	return v.(object)
}

func TestCopyPublishes(t *testing.T) {
	s := New(t, SampleWorld())
	out := run(t, s, "env", "SYSTEM_IMAGE_ROOT="+s.Root(), s.Root()+"/bin/copy-image", "-r", "3", "-p", "30", "-t", "OTA-13", proposed, rc, "krillin", "-vvv")
	if out.Exit != 0 || !strings.Contains(string(out.Stdout), " INFO Publishing new image '2' (") {
		t.Fatalf("exit %d\n%s%s", out.Exit, out.Stdout, out.Stderr)
	}
	index := readObject(t, filepath.Join(s.Root(), "www", rc, "krillin/index.json"))
	var got []object
	for _, i := range imagesOf(index) {
		i["files"] = len(i["files"].([]any))
		delete(i, "description")
		got = append(got, i)
	}
	const details = "ubuntu=20150611,device=20150611-4c0ffee,custom=20150612-102-29-15-vivid,keyring=archive-master,tag=OTA-13,version=2"
	want := []object{
		{"type": "full", "version": 1, "files": 5, "version_detail": "ubuntu=20150610,device=20150604-1c0ffee,custom=20150601-101-29-15-vivid,keyring=archive-master,tag=OTA-4-rc,version=1"},
		{"type": "full", "version": 2, "files": 5, "phased-percentage": 30, "version_detail": details},
		{"type": "delta", "version": 2, "base": 1, "files": 5, "phased-percentage": 30, "version_detail": details},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images of rc (-want +got):\n%s", diff)
	}
}

func TestCrontab(t *testing.T) {
	w := SampleWorld()
	w.Crontab = ""
	s := New(t, w)
	steps := []struct {
		stdin, out, err string
		argv            []string
		exit            int
	}{
		{argv: []string{"crontab", "-l"}, exit: 1, err: "no crontab for "},
		{argv: []string{"crontab", "-"}, stdin: "*/5 * * * * true\n"},
		{argv: []string{"crontab", "-l"}, out: "*/5 * * * * true\n"},
		{argv: []string{"crontab", "-"}, stdin: "# paused\n#*/5 * * * * true\n\nMAILTO=x\n@daily true\n"},
		{argv: []string{"sh", "-c", "crontab -l | sed s/^#// | crontab -"}, exit: 1, err: `"-":1: bad minute`},
		{argv: []string{"crontab", "-"}, stdin: "* * * * * true", exit: 1, err: "missing newline before EOF"},
		{argv: []string{"crontab", "nowhere"}, exit: 1, err: "No such file"},
		{argv: []string{"crontab", "etc/config"}, exit: 1, err: "errors in crontab file, can't install."},
		{argv: []string{"crontab", "-l"}, out: "# paused\n#*/5 * * * * true\n\nMAILTO=x\n@daily true\n"},
		{argv: []string{"crontab", "-r"}},
		{argv: []string{"crontab", "-l"}, exit: 1, err: "no crontab for "},
	}
	for _, step := range steps {
		out := runInput(t, s, step.stdin, step.argv...)
		if out.Exit != step.exit || string(out.Stdout) != step.out || !strings.Contains(string(out.Stderr), step.err) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q", step.argv, out.Exit, out.Stdout, out.Stderr)
		}
	}
}

func TestRunRunsOtherPrograms(t *testing.T) {
	s := New(t, World{})
	if out := run(t, s, "sh", "-c", `echo "$1"; pwd; exit 3`, "name", "a b"); string(out.Stdout) != "a b\n"+s.Root()+"\n" || out.Exit != 3 {
		t.Errorf("sh: exit %d, %q", out.Exit, out.Stdout)
	}
	if out := run(t, s, "sh", "-c", "kill -9 $$"); out.Exit != 137 {
		t.Errorf("killed: exit %d", out.Exit)
	}
	if out := run(t, s, "no-such-program"); out.Exit != 127 {
		t.Errorf("no such program: exit %d", out.Exit)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Run(ctx, command.Command{Argv: []string{"true"}}); err == nil {
		t.Error("a cancelled command ran")
	}
}

// TestSignatures checks signatures with the real gpg.
func TestSignatures(t *testing.T) {
	gpg, err := exec.LookPath("gpg")
	if err != nil {
		t.Skip("no gpg")
	}
	s := sampleServer(t)
	run(t, s, "bin/copy-image", proposed, rc, "krillin")
	home := t.TempDir()
	for _, name := range []string{"archive-master", "image-master", "image-signing"} {
		path := filepath.Join(s.Root(), "www/gpg", name+".tar.xz")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		members, err := unpackXZ(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			if m.name != "keyring.gpg" {
				continue
			}
			cmd := exec.Command(gpg, "--homedir", home, "--batch", "--import")
			cmd.Stdin = strings.NewReader(string(m.data))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, out)
			}
		}
	}
	var signed []string
	err = filepath.WalkDir(filepath.Join(s.Root(), "www"), func(path string, e fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".asc") {
			signed = append(signed, path)
		}
		return err
	})
	if err != nil || len(signed) < 80 {
		t.Fatal(len(signed), err)
	}
	// One file of each kind; a snapshot checks all of them, without gpg.
	kinds := map[string]string{}
	for _, sig := range signed {
		kinds[regexp.MustCompile(`[0-9a-f]{64}|\d+`).ReplaceAllString(filepath.Base(sig), "")] = sig
	}
	for kind, sig := range kinds {
		if out, err := exec.Command(gpg, "--homedir", home, "--batch", "--verify", sig, strings.TrimSuffix(sig, ".asc")).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", kind, err, out)
		}
	}
	if len(kinds) < 10 {
		t.Errorf("only %d kinds of files", len(kinds))
	}
	if got := problems(t, s); got[0] != "" {
		t.Errorf("problems: %q", got)
	}
}

func BenchmarkCreate(b *testing.B) {
	for b.Loop() {
		if _, err := Create(b.TempDir(), SampleWorld()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClone(b *testing.B) {
	s := New(b, SampleWorld())
	for b.Loop() {
		if _, err := s.Clone(b.TempDir()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCopy(b *testing.B) {
	s := New(b, SampleWorld())
	for b.Loop() {
		b.StopTimer()
		c, err := s.Clone(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		out, err := c.Run(b.Context(), command.Command{Argv: []string{"bin/copy-image", "-r", "3", proposed, rc, "krillin"}})
		if err != nil || out.Exit != 0 {
			b.Fatal(err, out)
		}
	}
}

// What the real programs die of in trees and configurations that somebody has
// damaged, as they were seen to do it.
func TestDamagedTree(t *testing.T) {
	write := func(path, text string) func(*Server) error {
		return func(s *Server) error { return writeFile(filepath.Join(s.root, path), []byte(text)) }
	}
	version := "www/" + proposed + "/krillin/version-3.json"
	index := "www/" + rc + "/krillin/index.json"
	tests := []struct {
		name   string
		damage func(*Server) error
		last   string
	}{
		{"no details", write(version, `{"channel.ini": {}}`), "AttributeError: 'NoneType' object has no attribute 'split'"},
		{"no JSON", write(version, "not JSON"), "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"},
		{"no list of images", write(index, "{}"), "KeyError: 'images'"},
		{"no global part", write(index, `{"images": []}`), "KeyError: 'global'"},
		{"a null version", write(index, `{"global": {}, "images": [{"version": null, "type": "full", "files": []}]}`),
			"TypeError: '>=' not supported between instances of 'NoneType' and 'int'"},
		{"a list for channels.json", write("www/channels.json", "[]"), "TypeError: Invalid channels.json, not a dict."},
		{"a list for a path", func(s *Server) error {
			return edit(s, "publish_path = www/", "publish_path = www/, www/")
		}, "AttributeError: 'list' object has no attribute 'startswith'"},
		{"one port", func(s *Server) error {
			return edit(s, "public_https_port = 443\n", "")
		}, "AttributeError: 'Config' object has no attribute 'public_https_port'. Did you mean: 'public_http_port'?"},
		{"Latin-1", func(s *Server) error {
			return edit(s, "# Generic", "# G\xe9n\xe9rique")
		}, "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9 in position"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sampleServer(t)
			if err := tt.damage(s); err != nil {
				t.Fatal(err)
			}
			out := run(t, s, "copy-image", "-r", "3", proposed, rc, "krillin")
			lines := strings.Split(strings.TrimSpace(string(out.Stderr)), "\n")
			if last := lines[len(lines)-1]; out.Exit != 1 || !strings.HasPrefix(last, tt.last) {
				t.Errorf("exit %d, %s\nwant 1, %s", out.Exit, last, tt.last)
			}
		})
	}
}

// A source with two tags in a row keeps the second, as the real programs do.
func TestTagStays(t *testing.T) {
	s := sampleServer(t)
	if err := replaceIn(s, "www/"+stable+"/krillin/version-1.json", "tag=OTA-4", "tag=a,tag=b,tag=c"); err != nil {
		t.Fatal(err)
	}
	out := run(t, s, "tag-image", "-vvv", stable, "krillin", "1", "x")
	if !strings.Contains(string(out.Stdout), "keyring=archive-master,tag=b,tag=x,version=2) with 5 files.") {
		t.Errorf("%s", out.Stdout)
	}
}

func edit(s *Server, old, new string) error { return replaceIn(s, "etc/config", old, new) }

func replaceIn(s *Server, path, old, new string) error {
	path = filepath.Join(s.root, path)
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !strings.Contains(string(b), old) {
		return fmt.Errorf("no %q in %s", old, path)
	}
	return writeFile(path, []byte(strings.Replace(string(b), old, new, 1)))
}
