package examples_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/web"
)

var drawPictures = flag.Bool("draw", false, "draw the pictures of the README anew")

// The pictures of the README are what the programs draw today, of a plan and a run that
// were recorded on the lab:
//
//	go run ./examples/release -lab DIR -plan -json >examples/pictures/release.plan
//	go run ./examples/release -lab DIR -yes -schedule "1% 8s, 10% 8s, 30% 8s, 60% 8s, 100%" -journal examples/pictures/release.journal
//	go test ./examples -run Pictures -draw
func TestPictures(t *testing.T) {
	t.Parallel()
	for name, draw := range map[string]func(io.Writer) error{
		"plan.svg": func(w io.Writer) error {
			plan, err := os.ReadFile("pictures/release.plan")
			if err != nil {
				return err
			}
			var records []runbook.Record
			for d := json.NewDecoder(bytes.NewReader(plan)); d.More(); {
				var rec runbook.Record
				if err := d.Decode(&rec); err != nil {
					return err
				}
				records = append(records, rec)
			}
			return web.PlanSVG(w, "release", records)
		},
		"run.svg": func(w io.Writer) error {
			s, err := runbook.ReadStatus("pictures/release.journal")
			if err != nil {
				return err
			}
			return web.ReportSVG(w, s)
		},
		"ramp.svg": func(w io.Writer) error {
			path := filepath.Join(t.TempDir(), "ramp.svg")
			if out, err := exec.Command("go", "run", "./phase", "-schedule", "1% 2h ask, 10% 6h, 30% 12h, 100%", "-svg", path).CombinedOutput(); err != nil {
				t.Errorf("%s", out)
				return err
			}
			text, err := os.ReadFile(path)
			if err == nil {
				_, err = w.Write(text)
			}
			return err
		},
	} {
		var b bytes.Buffer
		if err := draw(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("pictures", name)
		if *drawPictures {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		committed, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(linesOf(committed), linesOf(b.Bytes())); d != "" {
			t.Errorf("%s (-committed +drawn today)\n%s", path, d)
		}
	}
}

func linesOf(text []byte) (lines []string) {
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		lines = append(lines, in.Text())
	}
	return lines
}
