package operate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

// copyRC is the copy of most recordings.
var copyRC = CopyRequest{From: "ubuntu-touch/rc-proposed/bq-aquaris.en", Version: 3, To: "ubuntu-touch/rc/bq-aquaris.en",
	Device: "krillin", Tag: "OTA-13-rc", Percentage: 100}

func replayOf(t *testing.T, group, name string) *replay {
	return &replay{t: t, w: newWorld(t, false), r: named(fixture.Recordings(t, group), name), help: "usage: copy-image [-r VERSION]\n\n"}
}

func TestServerReadOnly(t *testing.T) {
	s := &Server{ReadOnly: true, Root: "/srv/si", Client: newWorld(t, false).client(),
		Runner: command.Func(func(_ context.Context, c command.Command) (command.Output, error) {
			t.Errorf("ran %q", c.Argv)
			return command.Output{}, nil
		})}
	_, copyErr := s.Copy(t.Context(), copyRC)
	_, tagErr := s.Tag(t.Context(), TagRequest{Channel: copyRC.To, Device: "krillin", Version: 1, Tag: "x"})
	_, phaseErr := s.Phase(t.Context(), PhaseRequest{Channel: copyRC.To, Device: "krillin", Version: 1})
	for _, err := range []error{copyErr, tagErr, phaseErr} {
		if !errors.Is(err, systemimage.ErrReadOnly) {
			t.Errorf("got %v, want ErrReadOnly", err)
		}
	}
	if c, done, err := s.CheckCopy(t.Context(), copyRC); err != nil || done || c.Version != 2 || !slices.Equal(c.Deltas, []int{1}) {
		t.Errorf("CheckCopy of a reader: %+v, %v, %v", c, done, err)
	}
}

func TestCheckCopyRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*CopyRequest)
		want   string
	}{
		{"version 0", func(r *CopyRequest) { r.Version = 0 }, "version 0 of the source is not in 1..65535"},
		{"percentage", func(r *CopyRequest) { r.Percentage = 101 }, "percentage 101 is not in 0..100"},
		{"negative percentage", func(r *CopyRequest) { r.Percentage = -1 }, "percentage -1"},
		{"option", func(r *CopyRequest) { r.Device = "-k" }, `device "-k" begins with a dash`},
		{"option as tag", func(r *CopyRequest) { r.Tag = "--help" }, `tag "--help" begins with a dash`},
		{"line end in tag", func(r *CopyRequest) { r.Tag = "a\nb" }, "control characters"},
		{"no UTF-8 in tag", func(r *CopyRequest) { r.Tag = "a\xff" }, "no UTF-8"},
		{"empty channel", func(r *CopyRequest) { r.To = "" }, "destination channel is empty"},
		{"both tags", func(r *CopyRequest) { r.KeepTag = true }, "contradict"},
		{"channel before tag", func(r *CopyRequest) { r.From, r.Tag = "nope", "a,b" }, "Invalid source channel: nope"},
		{"tag before version", func(r *CopyRequest) { r.Version, r.Tag = 41, "a,b" }, "cannot include the character ','"},
		{"version", func(r *CopyRequest) { r.Version = 41 }, "Can't find version: 41 in ubuntu-touch/rc-proposed/bq-aquaris.en, which has 1, 2, 3"},
		{"tag unstated", func(r *CopyRequest) {
			r.From, r.To, r.Version, r.Tag = r.To, "ubuntu-touch/stable/bq-aquaris.en", 1, ""
		},
			`carries the tag "OTA-4-rc", which the copy would inherit`},
		{"other percentage", func(r *CopyRequest) { r.Version, r.Tag, r.Percentage = 1, "OTA-4-rc", 5 },
			"its percentage is 100, not 5: use set-phased-percentage -v ubuntu-touch/rc/bq-aquaris.en krillin 1 5"},
		{"other tag", func(r *CopyRequest) { r.Version = 1 }, `its tag is "OTA-4-rc", not "OTA-13-rc": use tag-image`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
			r := copyRC
			tt.change(&r)
			_, done, err := h.server().CheckCopy(t.Context(), r)
			if done || !errors.Is(err, systemimage.ErrRefused) || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("done %v, %v, want a refusal with %q", done, err, tt.want)
			}
		})
	}
}

// A held lock is waited for, and the wait ends at its deadline or with the context.
func TestCopyWaitsForTheLock(t *testing.T) {
	held := func(t *testing.T, times int) (*replay, *Server) {
		h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
		s := h.server()
		s.LockWait, s.LockPoll = time.Minute, 10*time.Second
		s.Runner = runnerWith(h, func(c command.Command) (command.Output, bool) {
			if len(c.Argv) < 4 || filepath.Base(c.Argv[3]) != "copy-image" || slices.Contains(c.Argv, "--help") || times == 0 {
				return command.Output{}, false
			}
			times--
			return command.Output{Stdout: []byte(serverlog.LockText + "\n")}, true
		})
		return h, s
	}
	synctest.Test(t, func(t *testing.T) {
		_, s := held(t, 3)
		start := time.Now()
		got, err := s.Copy(t.Context(), copyRC)
		if err != nil || got.Version != 2 || time.Since(start) != 30*time.Second {
			t.Errorf("%+v, %v after %v", got, err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h, s := held(t, -1)
		start := time.Now()
		_, err := s.Copy(t.Context(), copyRC)
		if !errors.Is(err, systemimage.ErrLocked) || !strings.Contains(err.Error(), "process 4711: /srv/si/bin/import-images") || len(h.runs) != 0 || time.Since(start) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, s := held(t, -1)
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		if _, err := s.Copy(ctx, copyRC); !errors.Is(err, systemimage.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// After a restart with the copy still running, the image is there at 100 % and
// the lock is held: that is waited for, and no reason to refuse.
func TestCopyFindsItselfRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := replayOf(t, "copy-danger", "copy-killed-c-full-published-v3")
		h.w.apply(t, h.r)
		h.w.remove(copyRC.To + "/krillin/index.json.new")
		h.w.remove(copyRC.To + "/krillin/index.json.new.asc")
		s := h.server()
		s.LockWait, s.LockPoll = time.Minute, time.Second
		start := time.Now()
		s.Runner = runnerWith(h, func(c command.Command) (command.Output, bool) {
			if c.Argv[3] != lockScriptName || time.Since(start) < 5*time.Second {
				return command.Output{}, false
			}
			h.w.apply(t, named(fixture.Recordings(t, "copy-danger"), "copy-killed-c-then-phased-again-v3"))
			return command.Output{Stdout: []byte("seen\n")}, true
		})
		r := copyRC
		r.Percentage = 0
		got, err := s.Copy(t.Context(), r)
		if err != nil || got.Percentage != 0 || len(h.runs) != 0 || time.Since(start) < 5*time.Second {
			t.Errorf("%+v, %v after %v and %d runs", got, err, time.Since(start), len(h.runs))
		}
	})
}

// A lost connection proves nothing: the index does.
func TestCopyLostConnection(t *testing.T) {
	lost := errors.New("connection reset")
	for _, published := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
			s := h.server()
			s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if filepath.Base(c.Argv[3]) != "copy-image" || slices.Contains(c.Argv, "--help") {
					return h.Run(ctx, c)
				}
				if published {
					h.w.apply(t, h.r)
				}
				return command.Output{}, lost
			})
			got, err := s.Copy(t.Context(), copyRC)
			switch {
			case published && (!errors.Is(err, systemimage.ErrPartial) || got.Version != 2):
				t.Errorf("published: %+v, %v", got, err)
			case !published && (!errors.Is(err, systemimage.ErrAmbiguous) || !errors.Is(err, lost)):
				t.Errorf("not published: %v", err)
			}
			// A second start finds it done, or does it.
			s.Runner = h
			if got, err := s.Copy(t.Context(), copyRC); err != nil || got.Version != 2 {
				t.Errorf("again: %+v, %v", got, err)
			}
		})
	}
}

// A job that was lost is over, so that nothing is in doubt: one lost before is
// started anew, one lost meanwhile is a program that was killed.
func TestCopyLostJob(t *testing.T) {
	for _, before := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
			s := h.server()
			asked := 0
			s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if filepath.Base(c.Argv[3]) != "copy-image" || slices.Contains(c.Argv, "--help") {
					return h.Run(ctx, c)
				}
				if asked++; asked == 1 {
					return command.Output{}, fmt.Errorf("host: %w", &command.LostJob{Name: c.Job, Reason: "the host was restarted", Before: before})
				}
				return h.Run(ctx, c)
			})
			r := copyRC
			r.Job = "copy-1"
			got, err := s.Copy(t.Context(), r)
			switch {
			case before && (err != nil || got.Version != 2 || asked != 2):
				t.Errorf("lost before: %+v, %v, asked %d times", got, err, asked)
			case !before && (!errors.Is(err, systemimage.ErrBroken) || errors.Is(err, systemimage.ErrAmbiguous) || !strings.Contains(err.Error(), "killed")):
				t.Errorf("lost meanwhile: %+v, %v", got, err)
			}
			if got, err := s.Copy(t.Context(), r); err != nil || got.Version != 2 {
				t.Errorf("again: %+v, %v", got, err)
			}
		})
	}
}

// The help is asked for once.
func TestCopyFormIsAskedOnce(t *testing.T) {
	n := 0
	s := &Server{Root: "/srv/si", Runner: command.Func(func(_ context.Context, c command.Command) (command.Output, error) {
		n++
		return command.Output{Stdout: []byte("usage: copy-image [-h] [-k]\n  A B DEVICE VERSION\n\n")}, nil
	})}
	for range 3 {
		if f, err := s.copyForm(t.Context(), "x"); err != nil || f != formPositional {
			t.Errorf("%v, %v", f, err)
		}
	}
	if n != 1 {
		t.Errorf("asked %d times", n)
	}
	s = &Server{Root: "/srv/si", Runner: command.Func(func(_ context.Context, c command.Command) (command.Output, error) {
		return command.Output{Stderr: []byte("env: '/srv/si/bin/copy-image': No such file or directory\n"), Exit: 127}, nil
	})}
	if _, err := s.copyForm(t.Context(), "x"); !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "No such file") {
		t.Errorf("got %v", err)
	}
}

// The script looks at a real folder with a real shell.
func TestPreflightScript(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		p := filepath.Join(root, "www", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const dir = "ubuntu-touch/rc/a b"
	file := func(name, text string) systemimage.File {
		p := name
		write(p, text)
		write(p+".asc", "signature")
		return systemimage.File{Path: "/" + p, Size: int64(len(text)), Checksum: "0be64ae89ddd24e225434de95d501711339baeee18f009ba9b4369af27d30d60"}
	}
	write(dir+"/index.json", "{}")
	write(dir+"/index.json.asc", "s")
	f, g := file("pool/ubuntu-1.tar.xz", "payload"), file("pool/device-1.tar.xz", "payload")
	f.Checksum = "239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5" // of "payload"
	v := file(dir+"/version-3.tar.xz", "payload")
	v.Checksum = f.Checksum
	look := inspection{dirs: []string{dir}, files: []systemimage.File{f, g, v}, details: map[string]string{dir + "/version-3.json": "ubuntu=1,version=3"}, reused: []string{"pool/ubuntu-1.delta-ubuntu-0.tar.xz"}}
	const detail = `{"channel.ini": {"version_detail": "ubuntu=1,version=3"}}`
	write(dir+"/version-3.json", detail)
	h := newCronHost(t, "")
	s := &Server{Runner: h, Root: root, Client: &systemimage.Client{}}
	check := func(step string, want ...string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			found, err := s.inspect(t.Context(), "x", look)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				if f.Blocks || !filepath.IsAbs(f.Place) { // temporary folders of others may lie about
					got = append(got, fmt.Sprintf("%v %s: %s", f.Blocks, f.Place, f.Remedy))
				}
			}
			for i, w := range want {
				if i >= len(got) || !strings.Contains(got[i], w) {
					t.Errorf("%s: finding %d is missing: %q, got %q", step, i, w, got)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s: found %q", step, got)
			}
		})
	}
	check("whole")
	s.Checksums = true
	check("checksums", "true pool/device-1.tar.xz: put it back")
	s.Checksums = false
	write("pool/ubuntu-1.tar.xz", "pay")
	write("pool/device-1.tar.xz.asc", "")
	check("cut and empty", "true pool/ubuntu-1.tar.xz: put it back", "true pool/device-1.tar.xz.asc: delete it and run re-sign-indexes")
	file("pool/ubuntu-1.tar.xz", "payload")
	file("pool/device-1.tar.xz", "payload")
	for _, text := range []string{"", "{", "{}", `{"channel.ini": {}}`} {
		write(dir+"/version-3.json", text)
		check("metadata without details", "true "+dir+"/version-3.json: put it back")
	}
	write(dir+"/version-3.json", strings.Replace(detail, "ubuntu=1", "ubuntu=2", 1))
	check("metadata with others", "false "+dir+"/version-3.json: put it back")
	write(dir+"/version-3.json", detail)
	look.details[dir+"/version-4.json"] = "ubuntu=1,tag=x,version=4"
	check("no left-over")
	write(dir+"/version-4.tar.xz", "payload")
	write(dir+"/version-4.tar.xz.asc", "s")
	write(dir+"/version-4.json", `{"channel.ini": {"version_detail": "ubuntu=1,tag=old,version=4"}}`)
	check("left-over of another copy", "true "+dir+"/version-4.tar.xz: run cleanup-tree")
	write(dir+"/version-4.json", `{"channel.ini": {"version_detail": "ubuntu=1,tag=x,version=4"}}`)
	check("left-over of this copy")
	write(dir+"/version-4.tar.xz.asc", "")
	check("unsigned left-over", "true "+dir+"/version-4.tar.xz: run cleanup-tree")
	delete(look.details, dir+"/version-4.json")
	look.follow, look.indexes = []string{"alias/phone"}, []string{dir + "/index.json", "other/a/index.json", "other/b/index.json"}
	write("other/a/index.json", "")
	write("alias/phone/index.json.new.asc", "s")
	check("others", "true alias/phone/index.json.new: run cleanup-tree", "true other/a/index.json: move")
	look.follow, look.indexes = nil, nil
	write("pool/custom-9.tar.xz", "x")
	write("pool/boot-9.tar.xz", "x")
	write("pool/boot-9.tar.xz.asc", "")
	check("others in the pool", "false pool/custom-9.tar.xz: run rm", "false pool/boot-9.tar.xz: run rm")
	os.Remove(filepath.Join(root, "www/pool/custom-9.tar.xz"))
	os.Remove(filepath.Join(root, "www/pool/boot-9.tar.xz"))
	write("pool/ubuntu-1.delta-ubuntu-0.tar.xz", "not xz")
	write("pool/ubuntu-1.delta-ubuntu-0.tar.xz.asc", "")
	reused := []string{"true pool/ubuntu-1.delta-ubuntu-0.tar.xz: run rm"} // for its signature
	if _, err := exec.LookPath("xz"); err == nil {
		reused = append(reused, reused[0]) // and for its content
	}
	check("delta to be reused", reused...)
	os.Remove(filepath.Join(root, "www/pool/ubuntu-1.delta-ubuntu-0.tar.xz"))
	write(dir+"/index.json.new", "{}")
	check("left over, harmless")
	write(dir+"/index.json.new.asc", "s")
	check("left over", "true "+dir+"/index.json.new: run cleanup-tree")
	os.Remove(filepath.Join(root, "www", dir, "index.json.new.asc"))
	os.Remove(filepath.Join(root, "www", dir, "index.json"))
	check("no index", "true "+dir+"/index.json: run mv")
	os.Remove(filepath.Join(root, "www", dir, "index.json.new"))
	os.Remove(filepath.Join(root, "www", dir, "version-3.json"))
	check("nothing", "put it back from a mirror", "true "+dir+"/version-3.json: put it back")
	s.Root = root + "/missing"
	if _, err := s.inspect(t.Context(), "x", look); !errors.Is(err, systemimage.ErrBroken) {
		t.Errorf("without a tree: %v", err)
	}
}

// Preflight of a device, and the words with which a copy is refused.
func TestPreflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
		s := h.server()
		found, err := s.Preflight(t.Context(), copyRC.To, copyRC.Device)
		if err != nil || len(found) != 0 {
			t.Errorf("whole: %v, %v", found, err)
		}
		h.w.size["pool/ubuntu-28569bbec342bae4dee4088ba9057a658c7e0c11c353986dec920e552f1f8e4d.tar.xz"] = 7
		found, err = s.Preflight(t.Context(), copyRC.To, copyRC.Device)
		if err != nil || len(found) != 1 || !found[0].Blocks {
			t.Errorf("cut: %v, %v", found, err)
		}
		_, err = s.Copy(t.Context(), copyRC)
		if !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "nothing was run: pool/ubuntu-28569") || len(h.runs) != 0 {
			t.Errorf("copy: %v", err)
		}
	})
}

func TestReusedDeltas(t *testing.T) {
	files := func(names ...string) (m systemimage.Image) {
		for _, n := range names {
			m.Files = append(m.Files, systemimage.File{Path: "/pool/" + n})
		}
		return m
	}
	got := reusedDeltas(files("ubuntu-1.tar.xz", "custom-a-1.tar.xz", "keyring-1.tar.xz", "boot-1.tar.xz", "version-1.tar.xz", "device-1.tar.xz"),
		files("ubuntu-2.tar.xz", "custom-a-2.tar.xz", "keyring-2.tar.xz", "boot-2.tar.xz", "version-2.tar.xz", "device-1.tar.xz", "odd"))
	want := []string{"pool/ubuntu-2.delta-ubuntu-1.tar.xz", "pool/custom-a-2.delta-custom-a-1.tar.xz"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever a host answers, it is judged without a panic, and never as whole
// when it is cut.
func FuzzPreflightAnswer(f *testing.F) {
	f.Add([]byte("10 a/index.json\nsum x y\nunsigned pool/a.tar.xz\nend\n"), 0)
	f.Fuzz(func(t *testing.T, answer []byte, exit int) {
		s := &Server{Root: "/srv", Runner: command.Func(func(context.Context, command.Command) (command.Output, error) {
			return command.Output{Stdout: answer, Exit: exit}, nil
		})}
		look := inspection{dirs: []string{"a"}, files: []systemimage.File{{Path: "/pool/x", Size: 1}}}
		got, err := s.ask(context.Background(), "x", look)
		if err == nil && !bytes.Contains(answer, []byte("end")) {
			t.Error("a cut answer was taken for a whole one")
		}
		got.judge(look, "/srv")
	})
}
