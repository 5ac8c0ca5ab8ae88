package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landingteam/landing/examples/internal/doctor"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/keyring"
)

// whatThereIs is the need of a program that works on whatever the site file names.
const whatThereIs = "whatever"

// sections are the needs of a program that works on whatever is there: without an SSH
// host the image server is a tree alone.
func (s *Site) sections() (needs []string) {
	if _, ok := s.options["image-server"]; ok {
		needs = append(needs, "image-server")
	}
	if _, ok := s.options["cdimage"]; ok {
		needs = append(needs, "cdimage")
	}
	return needs
}

// Site is what the package doctor examines: the servers that the program needs, and
// for one that needs whatever there is Launchpad and the journals nearby as well.
func (w *World) Site() doctor.Site {
	s := doctor.Site{Tree: w.Images, Server: w.Server, Importer: w.Importer, BuildLogs: w.BuildLogs, Images: w.images}
	if w.Images != nil {
		if t, ok := w.Images.Trust.(*keyring.Trust); ok {
			s.Keyring = t.Root
		}
	}
	if w.lab != nil {
		host := w.lab.Host()
		s.ImageServer = &doctor.Host{Section: "image-server", Runner: host, Jobs: host, Root: w.Root}
		return s
	}
	if w.Server != nil {
		s.ImageServer = &doctor.Host{Section: "image-server", Runner: w.Server.Runner, Root: w.Root}
		s.ImageServer.Jobs = jobsOf(w.Server.Runner)
	}
	if w.Builder != nil {
		s.Builder = &doctor.Host{Section: "cdimage", Runner: w.Builder.Runner, Root: w.site.ImageBuilder.Host.Root}
		s.Builder.Jobs = jobsOf(w.Builder.Runner)
	}
	return s
}

// jobsOf is a runner that keeps jobs, as remote.Host does.
func jobsOf(r command.Runner) interface {
	Jobs(ctx context.Context) ([]command.Job, error)
} {
	j, _ := r.(interface {
		Jobs(ctx context.Context) ([]command.Job, error)
	})
	return j
}

// Around adds what no procedure's plan is about: Launchpad, where the site file or the
// environment names it, and the folders in which journals are looked for.
func (w *World) Around(s *doctor.Site) {
	s.Journals = []string{"."}
	if w.site != nil {
		s.Journals = append(s.Journals, filepath.Dir(w.file))
		_, named := w.site.options["launchpad"]
		if !named && os.Getenv("LP_CREDENTIALS_FILE") == "" {
			return
		}
	}
	s.Launchpad, s.LaunchpadError = w.Launchpad()
}

// SiteFile is the path of the site file; empty on the lab.
func (w *World) SiteFile() string { return w.file }

// planned is what -plan runs: on a site it begins with those checks without which the
// plan would mean little.
func (w *World) planned(o options, p runbook.Procedure) runbook.Procedure {
	if !o.plan {
		return p
	}
	return func(ctx context.Context, r *runbook.Run) error {
		if err := w.beforePlan(ctx); err != nil {
			return err
		}
		return p(ctx, r)
	}
}

// beforePlan makes sure that a plan on a site means something.
func (w *World) beforePlan(ctx context.Context) error {
	if w.site == nil {
		return nil
	}
	var words []string
	for _, r := range doctor.BeforePlan(ctx, w.Site()) {
		text := fmt.Sprintf("[%s] %s: %s", cmp.Or(r.Where, "here"), r.Check, r.Text)
		if r.Mend != "" {
			text += "; " + r.Mend
		}
		words = append(words, text)
	}
	if len(words) == 0 {
		return nil
	}
	return fmt.Errorf("the site is not ready, so there is no plan: %s", strings.Join(words, ". And "))
}

// didYouMean suggests the name that is meant, if one of them is near.
func didYouMean(name string, names []string) string {
	best, at := len(name)/3+2, ""
	for _, n := range slices.Sorted(slices.Values(names)) {
		if d := edits(strings.ToLower(name), n); d < best {
			best, at = d, n
		}
	}
	if at == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", at)
}

// edits counts the letters to change, add or leave out that make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := before
			if a[i] != b[j] {
				d++
			}
			before, row[j+1] = row[j+1], min(d, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
