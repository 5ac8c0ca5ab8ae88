package operate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// publishing returns what writes a file of the tree of the server in root.
func publishing(t *testing.T, root string) func(name, text string) {
	return func(name, text string) {
		t.Helper()
		p := filepath.Join(root, "www", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The script looks at a real folder with a real shell.
func TestPreflightScript(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := publishing(t, root)
	const dir = "ubuntu-touch/rc/a b"
	file := func(name, text string) systemimage.File {
		p := name
		write(p, text)
		write(p+".asc", "signature")
		return systemimage.File{Path: "/" + p, Size: int64(len(text)), Checksum: "0be64ae89ddd24e225434de95d501711339baeee18f009ba9b4369af27d30d60"}
	}
	write(dir+"/index.json", `{"global": {}, "images": []}`)
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
	look.follow = []string{"alias/phone"}
	for _, p := range []string{dir, "other/a", "other/b", "other/c", "other/d"} {
		look.indexes = append(look.indexes, listedIndex{path: p + "/index.json"})
	}
	for _, p := range []string{"other/c", "other/d"} {
		write(p+"/index.json", `{"global": {}, "images": []}`)
	}
	write("other/a/index.json", "")
	write("alias/phone/index.json.new.asc", "s")
	check("others", "true alias/phone/index.json.new: run cleanup-tree", "true other/c/index.json.asc: run re-sign-indexes", "true other/a/index.json: move")
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
