//go:build unix

package systemimagetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestMain lets the test binary stand in for the server's programs, and for
// another process that holds the lock.
func TestMain(m *testing.M) {
	if slices.Contains(Programs(), filepath.Base(os.Args[0])) {
		signal.Ignore(syscall.SIGPIPE)
		os.Exit(Program(context.Background(), os.Getenv("SYSTEM_IMAGE_ROOT"), os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	if root := os.Getenv("SYSTEMIMAGETEST_HOLD_LOCK"); root != "" {
		holdRecordLock(root)
	}
	os.Exit(runTests(m))
}

// holdRecordLock takes the lock as the real programs do, says so, and holds it
// until its standard input ends.
func holdRecordLock(root string) {
	f, err := os.OpenFile(filepath.Join(root, "state/global.lock"), os.O_WRONLY|os.O_CREATE, 0o644)
	if err == nil {
		err = syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart})
	}
	fmt.Println("held", err)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// installed is a server whose programs are the test binary.
func installed(t *testing.T) *Server {
	t.Helper()
	s := sampleServer(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Install(exe); err != nil {
		t.Fatal(err)
	}
	return s
}

const lockLine = "Something else holds the global lock. exiting.\n"

func TestLockOfAnotherProcess(t *testing.T) {
	s := sampleServer(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "SYSTEMIMAGETEST_HOLD_LOCK="+s.Root())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held <nil>\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	before := snapshot(t, s)
	for _, argv := range [][]string{
		{"bin/copy-image", proposed, rc, "krillin"}, {"bin/copy-image", "nonsense", rc, "krillin"},
		{"bin/tag-image", rc, "krillin", "1", "x"}, {"bin/import-images"}, {"bin/cleanup-tree"},
	} {
		out := run(t, s, argv...)
		want := lockLine
		if argv[0] == "bin/import-images" {
			want = "" // a record below its verbosity
		}
		got := string(out.Stdout)
		if argv[0] == "bin/cleanup-tree" {
			_, got, _ = strings.Cut(got, " INFO ")
		}
		if out.Exit != 0 || got != want {
			t.Errorf("%q: exit %d, %q", argv, out.Exit, out.Stdout)
		}
	}
	if snapshot(t, s) != before {
		t.Error("something changed under the lock")
	}
	if _, err := s.HoldLock(); err == nil {
		t.Error("the lock can be taken twice")
	}
	if out := run(t, s, "bin/set-phased-percentage", "-v", rc, "krillin", "1", "5"); out.Exit != 0 || snapshot(t, s) == before {
		t.Error("set-phased-percentage heeds the lock")
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if out := run(t, s, "bin/copy-image", proposed, rc, "krillin"); out.Exit != 0 || strings.Contains(string(out.Stdout), lockLine) {
		t.Errorf("after the other process: %q", out.Stdout)
	}
}

// Two programs in processes of their own never publish at the same time.
func TestContention(t *testing.T) {
	s := installed(t)
	script := `bin/copy-image "$1" "$2" krillin >a 2>&1 & bin/copy-image "$1" "$2" vegetahd >b 2>&1 & wait; cat a b`
	out := run(t, s, "sh", "-c", script, "sh", proposed, rc)
	waited := strings.Count(string(out.Stdout), lockLine)
	images := 0
	for _, device := range []string{"krillin", "vegetahd"} {
		images += len(imagesOf(readObject(t, filepath.Join(s.Root(), "www", rc, device, "index.json"))))
	}
	if images != 2+2*(2-waited) || waited > 1 {
		t.Errorf("%d of two copies met the lock, %d images:\n%s", waited, images, out.Stdout)
	}
	if got := problems(t, s); got[0] != "" {
		t.Errorf("problems: %q", got)
	}
	release, err := s.HoldLock()
	if err != nil {
		t.Fatal(err)
	}
	if out := run(t, s, "sh", "-c", "cd "+s.Root()+" && bin/copy-image a b c"); string(out.Stdout) != lockLine || out.Exit != 0 {
		t.Errorf("under a lock of this process: exit %d, %q", out.Exit, out.Stdout)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

// A copy goes on when whoever reads its output goes away, and ends with 120.
func TestReaderGoesAway(t *testing.T) {
	s := installed(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	cmd := exec.Command(filepath.Join(s.Root(), "bin/copy-image"), proposed, rc, "krillin")
	cmd.Env = append(os.Environ(), "SYSTEM_IMAGE_ROOT="+s.Root())
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = writer, &stderr
	_ = cmd.Run()
	writer.Close()
	if cmd.ProcessState.ExitCode() != 120 || !strings.HasSuffix(stderr.String(), "BrokenPipeError: [Errno 32] Broken pipe\n") {
		t.Errorf("exit %d: %s", cmd.ProcessState.ExitCode(), stderr.String())
	}
	if n := len(imagesOf(readObject(t, filepath.Join(s.Root(), "www", rc, "krillin/index.json")))); n != 3 {
		t.Errorf("%d images, want 3", n)
	}
}

func TestProgramKilledInAnotherProcess(t *testing.T) {
	s := installed(t)
	if err := s.SetFaults(Faults{Kill: BeforeIndexMoved}); err != nil {
		t.Fatal(err)
	}
	out := run(t, s, "sh", "-c", "bin/set-phased-percentage -v "+rc+" krillin 1 5")
	if out.Exit != 137 {
		t.Errorf("exit %d: %s", out.Exit, out.Stderr)
	}
	want := []string{"leftover " + rc + "/krillin/index.json.new", "missing " + rc + "/krillin/index.json", "leftover " + rc + "/krillin/version-1.tar.xz"}
	got := problems(t, s)
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("no problem %q in %q", w, got)
		}
	}
	if f, err := s.Faults(); err != nil || f != (Faults{}) {
		t.Errorf("faults left: %+v, %v", f, err)
	}
}

// The lock is given back at once, also while other programs are being started: each has
// the file open for a moment.
func TestLockIsGivenBack(t *testing.T) {
	t.Parallel()
	s := sampleServer(t)
	ctx, stop := context.WithCancel(t.Context())
	var starting sync.WaitGroup
	for range 4 {
		starting.Go(func() {
			for ctx.Err() == nil {
				_ = exec.Command("true").Run()
			}
		})
	}
	for n := range 2000 {
		release, err := s.HoldLock()
		if err != nil {
			t.Errorf("after it was given back %d times: %v", n, err)
			break
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	starting.Wait()
}
