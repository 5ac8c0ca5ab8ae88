// Package examples_test asserts the import graph: the architecture is checked,
// not hoped for.
package examples_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/landingteam/landing/"

// ours says which packages of this module each package may import. A package
// that is not listed may import none; those under examples may import all.
var ours = map[string][]string{
	"systemimage/internal/host":    {"runbook/command"},
	"systemimage/internal/fixture": {"runbook/command"},
	"systemimage/keyring":          {"systemimage", "systemimage/internal/unpack"},
	"systemimage/upgrade":          {"systemimage", "phasing"},
	"systemimage/treecheck":        {"systemimage", "systemimage/keyring", "systemimage/upgrade", "systemimage/internal/host", "systemimage/internal/unpack", "runbook/command"},
	"systemimage/channelconfig":    {"systemimage", "systemimage/internal/host", "runbook/command"},
	"systemimage/importlog":        {"systemimage", "systemimage/internal/host", "systemimage/internal/serverlog", "runbook/command"},
	"systemimage/operate":          {"systemimage", "systemimage/importlog", "systemimage/internal/host", "systemimage/internal/serverlog", "runbook/command"},
	"systemimage/systemimagetest":  {"systemimage", "systemimage/keyring", "systemimage/channelconfig", "phasing", "runbook/command"},

	"cdimage":                   {"cdimage/cause"},
	"cdimage/buildmail":         {"cdimage"},
	"cdimage/builder":           {"cdimage", "cdimage/cause", "runbook/command"},
	"runbook/metrics":           {"runbook"},
	"runbook/notice":            {"runbook"},
	"runbook/terminal":          {"runbook"},
	"runbook/remote":            {"runbook/command"},
	"runbook/mailbox":           {"runbook"},
	"runbook/web":               {"runbook", "runbook/internal/linediff", "runbook/mailbox", "runbook/notice", "phasing"},
	"cdimage/cdimagetest":       {"cdimage", "cdimage/builder", "cdimage/cause"},
	"launchpad":                 {"launchpad/value", "launchpad/debversion"},
	"launchpad/launchpadtest":   {"launchpad", "launchpad/value", "launchpad/debversion"},
	"runbook/runbooktest":       {"runbook", "runbook/internal/linediff"},
	"runbook/remote/remotetest": {"runbook/remote", "runbook/command"},
	"runbook/procedure":         {"runbook", "systemimage", "systemimage/upgrade", "systemimage/channelconfig", "systemimage/importlog", "systemimage/operate", "cdimage", "cdimage/builder", "cdimage/cause", "launchpad", "launchpad/debversion", "phasing", "runbook/command"},
	"runbook/lab": {"runbook/command", "systemimage", "systemimage/channelconfig", "systemimage/operate", "systemimage/keyring", "systemimage/systemimagetest", "cdimage", "cdimage/builder", "cdimage/cdimagetest",
		"launchpad", "launchpad/launchpadtest", "runbook/remote", "runbook/remote/remotetest"},
}

// theirs says which packages may import a module of somebody else.
var theirs = map[string][]string{
	"golang.org/x/crypto":                   {"runbook/remote", "runbook/remote/remotetest"},
	"gopkg.in/ini.v1":                       {"examples/internal/cli"},
	"github.com/ProtonMail/go-crypto":       {"systemimage/keyring", "systemimage/systemimagetest"},
	"github.com/ulikunitz/xz":               {"systemimage/internal/unpack", "systemimage/systemimagetest"},
	"github.com/kevinburke/ssh_config":      {"examples/internal/cli"},
	"golang.org/x/term":                     {"examples/internal/cli"},
	"golang.org/x/sync":                     {"launchpad", "cdimage", "cdimage/builder", "systemimage", "systemimage/channelconfig", "systemimage/treecheck", "systemimage/operate"},
	"github.com/hashicorp/go-retryablehttp": {"launchpad"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestImportGraph(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			if why := forbidden(name, imp); why != "" {
				t.Errorf("%s imports %s: %s", name, imp, why)
			}
		}
	}
	if seen < 5 {
		t.Fatalf("go list named %d packages, want all of the module", seen)
	}
}

// forbidden says why a package may not import another; "" means that it may.
func forbidden(name, imp string) string {
	if own, ok := strings.CutPrefix(imp, module); ok {
		if strings.HasPrefix(name, "examples/") || slices.Contains(ours[name], own) {
			return ""
		}
		return "not in the import graph"
	}
	if !strings.Contains(strings.Split(imp, "/")[0], ".") {
		return "" // the standard library
	}
	for mod, users := range theirs {
		if imp == mod || strings.HasPrefix(imp, mod+"/") {
			if slices.Contains(users, name) {
				return ""
			}
			return "only for " + strings.Join(users, ", ")
		}
	}
	return "not a permitted dependency of code that is not a test"
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, imp string
		ok        bool
	}{
		{"runbook", "os", true},
		{"runbook", module + "systemimage", false},
		{"runbook", "golang.org/x/crypto/ssh", false},
		{"systemimage", module + "phasing", false},
		{"systemimage/upgrade", module + "phasing", true},
		{"systemimage", module + "runbook", false},
		{"runbook/procedure", module + "runbook/remote", false},
		{"phasing", "github.com/google/go-cmp/cmp", false},
		{"examples/copyrc", module + "runbook/lab", true},
	} {
		if got := forbidden(tt.name, tt.imp) == ""; got != tt.ok {
			t.Errorf("may %s import %s = %v, want %v", tt.name, tt.imp, got, tt.ok)
		}
	}
}
