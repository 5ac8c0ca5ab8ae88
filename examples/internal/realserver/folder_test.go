package realserver_test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A folder is what LANDING_REAL names:
//
//	server/bin/    the image server's programs: copy-image, import-images,
//	               set-phased-percentage, tag-image, cleanup-tree
//	server/lib/    what they import
//	client/bin/    system-image-cli, the client of a device
//	bin/           put first in the PATH of the host, of cron and of devices: the
//	               python3 that the programs need, if it is another one
//	user           the name of an account of this machine, whose shell is dash, that
//	               has no crontab and is used for nothing else
//
// The machine has OpenSSH's sshd, Debian's cron, not running, and crontab, and gpg;
// and the test runs as root, because sshd and cron work for the account.
type folder struct {
	path    string
	account *user.User
	id      [2]uint32 // of the account and its group
}

// needFolder skips the test when no folder is named. One that is named and is not
// whole is an error: somebody wants the test to run.
func needFolder(t *testing.T) folder {
	t.Helper()
	f := folder{path: os.Getenv("LANDING_REAL")}
	if f.path == "" {
		t.Skip("LANDING_REAL is not set: it names a folder with the real server's and the real client's programs (server/bin, server/lib, client/bin, bin, user)")
	}
	if os.Getuid() != 0 {
		t.Fatal("sshd and cron must work for another account: run this as root")
	}
	for _, name := range []string{"server/lib", "server/bin/copy-image", "server/bin/import-images", "server/bin/set-phased-percentage",
		"server/bin/tag-image", "server/bin/cleanup-tree", "client/bin/system-image-cli", "user"} {
		if _, err := os.Stat(filepath.Join(f.path, name)); err != nil {
			t.Fatalf("the folder that LANDING_REAL names is not whole: %v", err)
		}
	}
	for _, program := range []string{sshd, cron, "crontab", "gpg", "gpgconf", "cp", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("a program of the machine is missing: %v", err)
		}
	}
	name, err := os.ReadFile(filepath.Join(f.path, "user"))
	if err != nil {
		t.Fatal(err)
	}
	if f.account, err = user.Lookup(strings.TrimSpace(string(name))); err != nil {
		t.Fatalf("the account that the file user names: %v", err)
	}
	uid, _ := strconv.ParseUint(f.account.Uid, 10, 32)
	gid, _ := strconv.ParseUint(f.account.Gid, 10, 32)
	f.id = [2]uint32{uint32(uid), uint32(gid)}
	if shell := loginShell(t, f.account.Username); filepath.Base(shell) != "dash" {
		t.Fatalf("the shell of %s is %s and not dash", f.account.Username, shell)
	}
	if out, err := exec.Command("crontab", "-u", f.account.Username, "-l").Output(); err == nil {
		t.Fatalf("%s has a crontab, which this test would replace:\n%s", f.account.Username, out)
	}
	return f
}

// loginShell reads the last field of an account's line.
func loginShell(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) == 7 && fields[0] == name {
			return fields[6]
		}
	}
	return ""
}
