package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The samples of a service name flags and paths that the programs have.
func TestServiceSamples(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "release")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "./release").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	help, _ := exec.Command(program, "-help").CombinedOutput()
	samples, err := filepath.Glob("service/*")
	if err != nil || len(samples) != 5 {
		t.Fatalf("samples %v, %v", samples, err)
	}
	flag := regexp.MustCompile(`(?:^|[\s"=])-((?:site|journal|log|tag|until|status|mailbox|settle|runs|notify)[a-z-]*)\b`)
	command := regexp.MustCompile(`ExecStart=|ENTRYPOINT|args:|podman run|ARGS=|-status`)
	for _, path := range samples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for line := range strings.Lines(string(text)) {
			if !command.MatchString(line) {
				continue
			}
			for _, m := range flag.FindAllStringSubmatch(line, -1) {
				if found++; !strings.Contains(string(help), "\n  -"+m[1]+"\n") && !strings.Contains(string(help), "\n  -"+m[1]+" ") {
					t.Errorf("%s: the programs have no flag -%s", path, m[1])
				}
			}
		}
		if found == 0 && !strings.HasSuffix(path, ".timer") {
			t.Errorf("%s: no command line is found", path)
		}
	}
}
