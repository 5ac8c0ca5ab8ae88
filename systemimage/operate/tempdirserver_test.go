package operate_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Programs that are run by hand get the TMPDIR of the crontab, and what killed ones
// left over is looked for there: the folders of the user who runs them.
func TestServerTakesTempDirOver(t *testing.T) {
	t.Parallel()
	temp := filepath.Join(t.TempDir(), "big disk")
	for _, name := range []string{"tmpabcdefgh", "tmpother123", "short"} {
		if err := os.MkdirAll(filepath.Join(temp, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 { // only root can give a folder away
		if err := os.Chown(filepath.Join(temp, "tmpother123"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Remove(filepath.Join(temp, "tmpother123")); err != nil {
		t.Fatal(err)
	}
	_, s := operated(t, func(w *systemimagetest.World) { w.Crontab = "TMPDIR = \"" + temp + "\"\n" + w.Crontab })
	var seen []string
	next := s.Runner
	s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		for _, program := range []string{"import-images", "copy-image", "tag-image"} {
			if at := slices.IndexFunc(c.Argv, func(a string) bool { return strings.HasSuffix(a, "/bin/"+program) }); at > 0 && c.Argv[len(c.Argv)-1] != "--help" {
				seen = append(seen, program+" "+strings.Join(c.Argv[2:at], " "))
			}
		}
		return next.Run(ctx, c)
	})
	findings, err := s.Preflight(t.Context(), "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, f := range findings {
		left = append(left, f.Place)
	}
	if d := cmp.Diff([]string{filepath.Join(temp, "tmpabcdefgh")}, left); d != "" {
		t.Errorf("left-overs (-want +got)\n%s", d)
	}
	if _, err := s.Import(t.Context(), operate.ImportRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Copy(t.Context(), rcCopy); err != nil {
		t.Fatal(err)
	}
	root := "SYSTEM_IMAGE_ROOT=" + s.Root
	if d := cmp.Diff([]string{"import-images " + root + " TMPDIR=" + temp, "copy-image " + root + " TMPDIR=" + temp}, seen); d != "" {
		t.Errorf("commands (-want +got)\n%s", d)
	}
}
