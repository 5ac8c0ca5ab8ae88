package systemimagetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The importer's line works wherever the folder is: cron ends a command at a
// percent sign, and the shell splits it at blanks.
func TestCrontabInOddFolder(t *testing.T) {
	t.Parallel()
	s, err := Create(filepath.Join(t.TempDir(), "it's a lab at 100%"), SampleWorld())
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Clone(filepath.Join(t.TempDir(), "and another"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Server{s, other} {
		text, err := os.ReadFile(filepath.Join(s.Root(), "crontab"))
		if err != nil {
			t.Fatal(err)
		}
		_, line, _ := strings.Cut(string(text), "*/5 * * * * ")
		line = strings.ReplaceAll(line, `\%`, "%") // as cron does
		out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, "bin/import-images -vv", "pwd")).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v, %s", line, err, out)
		}
		log, err := os.ReadFile(filepath.Join(s.Root(), "state", "import-images.log"))
		if err != nil || string(log) != s.Root()+"\n" {
			t.Errorf("%s: ran in %q, %v", line, log, err)
		}
		if shown, err := s.Snapshot(); err != nil || !strings.Contains(shown, "*/5 * * * * cd @ROOT@ && ") {
			t.Errorf("%v, snapshot:\n%s", err, shown)
		}
	}
}
