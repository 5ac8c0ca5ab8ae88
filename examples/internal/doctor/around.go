package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
)

func plural(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}

// builderChecks are about the image builder's host, and the logs that it mirrors.
func builderChecks() []check {
	return []check{
		{"program", builder, true, func(_ context.Context, x *examination) []Result {
			f, root := x.facts[string(builder)], x.Builder.Root
			if !f.has["-x "+root+"/bin/for-project"] && !f.has["-x for-project"] {
				return one(Failed, "name the builder's folder as root in [cdimage], or put for-project into the PATH of commands over SSH", "for-project is not found on the host: no image set can be built or published from here")
			}
			return one(OK, "", "for-project is there")
		}},
		{"logs", buildLogs, false, checkLogs},
	}
}

func checkLogs(ctx context.Context, x *examination) []Result {
	const mend = "look at logs, project and series in [cdimage]"
	if x.Images == (cdimage.ImageSet{}) {
		list, err := x.BuildLogs.Projects(ctx)
		if err != nil {
			return one(Failed, mend, "%s", errorText(err))
		}
		return one(OK, "", "%d projects have logs", len(list))
	}
	list, err := x.BuildLogs.Series(ctx, x.Images.Project)
	switch {
	case err != nil:
		return one(Failed, mend, "%s", errorText(err))
	case x.Images.Series != "" && !slices.Contains(list, x.Images.Series):
		return one(Failed, mend, "%s has no logs of the series %q; it has %s", x.Images.Project, x.Images.Series, strings.Join(list, ", "))
	}
	return one(OK, "", "%s has logs of %s", x.Images.Project, strings.Join(list, ", "))
}

// launchpadChecks are about the web service, and who we are there.
func launchpadChecks() []check {
	return []check{{"account", launchpads, false, func(ctx context.Context, x *examination) []Result {
		const login = "go run ./examples/login -site FILE makes credentials"
		if x.LaunchpadError != nil {
			return one(Failed, login+", once credentials in [launchpad] names a file", "the credentials cannot be read: %v", x.LaunchpadError)
		}
		if x.Launchpad.Credentials == nil {
			return one(Warning, login+"; without them nothing can be copied, and no build asked for", "nobody is logged in")
		}
		name, err := x.Launchpad.Me(ctx)
		switch {
		case errors.Is(err, launchpad.ErrToken):
			return one(Failed, login+" anew (-renew): these were taken back, or have expired", "Launchpad does not take the credentials: %v", err)
		case err != nil:
			return one(Failed, "look at root in [launchpad], and at the line", "%s", errorText(err))
		}
		return one(OK, "", "logged in as %s; the level of access is known to its page alone (Launchpad: your page, \"Authorized applications\")", name)
	}}}
}

// hereChecks are about this machine.
func hereChecks() []check {
	return []check{{"journals", here, false, checkJournals}}
}

// checkJournals looks for runs nearby that owe something.
func checkJournals(_ context.Context, x *examination) []Result {
	var found []Result
	count := 0
	for _, path := range journals(x.Journals) {
		s, err := runbook.ReadStatus(path)
		if err != nil {
			continue // what ends in .journal and is none is somebody else's
		}
		count++
		if owed := s.Owed(); len(owed) > 0 && s.Running == "" {
			var names []string
			for _, o := range owed {
				names = append(names, o.Step)
			}
			found = append(found, Result{State: Failed, Text: fmt.Sprintf("%s, a run of %s, has taken and not given back: %s", path, s.Procedure, strings.Join(names, ", ")),
				Mend: fmt.Sprintf("go run ./examples/%s -site FILE -journal %s -settle gives it back; without -settle the run goes on", s.Procedure, path)})
		}
	}
	if len(found) > 0 {
		return found
	}
	return one(OK, "", "%d runs nearby, nothing is owed", count)
}

func journals(folders []string) (paths []string) {
	for _, dir := range folders {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil
			case d.IsDir() && path != dir:
				return fs.SkipDir
			case strings.HasSuffix(path, ".journal"):
				paths = append(paths, path)
			}
			return nil
		})
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
