package remote_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

// A job tells its lines while it goes on, as a plain command does.
func TestLinesOfAJob(t *testing.T) {
	t.Parallel()
	for name, jobName := range map[string]string{"plain command": "", "job": "import"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			goOn := filepath.Join(t.TempDir(), "go-on")
			var told []string
			c := command.Command{Job: jobName,
				Argv: []string{"sh", "-c", `echo one; echo not told >&2; until [ -e "$0" ]; do sleep 0.02; done; echo two; printf three`, goOn},
				Line: func(line string) {
					if told = append(told, line); line == "one" { // it ends only once this line was told
						if err := os.WriteFile(goOn, nil, 0o600); err != nil {
							t.Error(err)
						}
					}
				}}
			out, err := remotetest.New(t).Host().Run(t.Context(), c)
			if err != nil || string(out.Stdout) != "one\ntwo\nthree" {
				t.Fatalf("%q, %v", out.Stdout, err)
			}
			if diff := cmp.Diff([]string{"one", "two"}, told); diff != "" {
				t.Errorf("lines (-want +told):\n%s", diff)
			}
		})
	}
}
