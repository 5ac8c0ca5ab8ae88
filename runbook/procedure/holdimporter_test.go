package procedure_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

// Somebody edits the crontab while the importer is held. What a person wrote stays,
// nothing is copied while the importer is on, and the report says how it is.
func TestCopyRCCrontabEditedByHand(t *testing.T) {
	t.Parallel()
	const not = "the importer is NOT on: "
	since := regexp.MustCompile(`since=[^ ]+`)
	replace := func(old, new string) func(string, string) string {
		return func(_, now string) string { return strings.Replace(now, old, new, 1) }
	}
	mark := regexp.MustCompile(`(?m)^# paused by landing: .* :: .*\n`)
	for name, tt := range map[string]struct {
		edit  func(before, now string) string
		err   error
		stays bool // the crontab as it was edited; otherwise it is as before, if clean
		clean func(string) string
		says  string
	}{
		"nobody":               {edit: func(_, now string) string { return now }, says: "the importer is on"},
		"more before the mark": {edit: replace("# paused by", "## paused by"), stays: true, says: not + "line 3 of the crontab is commented out by a run, and edited by hand since"},
		"indented":             {edit: replace("# paused by", "\t# paused by"), stays: true, says: not + "line 3"},
		"no time":              {edit: func(_, now string) string { return since.ReplaceAllString(now, "since=today") }, stays: true, says: not + "line 3"},
		"another time": {edit: func(_, now string) string { return since.ReplaceAllString(now, "since=2020-01-01T00:00:00Z") },
			says: "the importer is on"},
		"another run": {edit: func(_, now string) string { return regexp.MustCompile(`run=[^ ]+`).ReplaceAllString(now, "run=theirs") }, stays: true, says: not + "it is held by run theirs"},
		"commented out": {edit: func(_, now string) string {
			return mark.ReplaceAllStringFunc(now, func(l string) string { return "# " + l[strings.Index(l, " :: ")+4:] })
		}, stays: true, says: not + "line 3 of the crontab is commented out by hand"},
		"line deleted": {edit: func(_, now string) string { return mark.ReplaceAllString(now, "") }, stays: true, says: not + "no line of the crontab runs it"},
		"crontab -r":   {edit: func(string, string) string { return "" }, stays: true, says: not + "no line of the crontab runs it"},
		"line ends": {edit: func(_, now string) string { return strings.ReplaceAll(now, "\n", "\r\n") },
			clean: func(now string) string { return strings.ReplaceAll(now, "\r\n", "\n") }, says: "the importer is on"},
		"put back": {edit: func(before, _ string) string { return before }, err: runbook.ErrNotHeld, says: "the importer is on"},
		"installed anew": {edit: func(before, now string) string { return now + before }, err: runbook.ErrNotHeld,
			clean: func(now string) string { return now[len(now)/2+1:] }, says: "the importer is on"},
		"written twice": {edit: func(_, now string) string { return mark.ReplaceAllString(now, "$0$0") },
			clean: func(now string) string { return regexp.MustCompile(`(?m)^# \*/5 .*\n`).ReplaceAllString(now, "") }, says: "the importer is on"},
	} {
		if tt.clean == nil {
			tt.clean = func(now string) string { return now }
		}
		t.Run(name, virtual(func(t *testing.T) {
			l := newWorld(t, only("ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc/bq-aquaris.en"))
			before := readCrontab(t, l)
			edited := ""
			var copies atomic.Int32
			l.Images.After = func(argv []string, _ int) {
				if filepath.Base(argv[0]) != "copy-image" || slices.Contains(argv, "--help") || copies.Add(1) != 1 {
					return
				}
				edited = tt.edit(before, readCrontab(t, l))
				path := filepath.Join(l.Images.Root(), "crontab")
				err := os.WriteFile(path, []byte(edited), 0o644)
				if edited == "" {
					err = os.Remove(path)
				}
				if err != nil {
					t.Error(err)
				}
			}
			j := &runbooktest.Memory{}
			x, c := copyrc(l, j)
			x.Human = runbooktest.ApproveEverything{}
			err := x.Execute(t.Context(), c.Run)
			if !errors.Is(err, tt.err) || tt.err == nil && err != nil {
				t.Fatalf("Execute: %v, want %v", err, tt.err)
			}
			if n := copies.Load(); (n == 1) != (tt.err != nil) {
				t.Errorf("%d copies", n)
			}
			now := ""
			if _, err := os.Stat(filepath.Join(l.Images.Root(), "crontab")); err == nil {
				now = readCrontab(t, l)
			}
			if tt.stays {
				if d := cmp.Diff(edited, now); d != "" {
					t.Errorf("crontab (-edited +after)\n%s", d)
				}
			} else if d := cmp.Diff(before, tt.clean(now)); d != "" {
				t.Errorf("crontab (-before +after)\n%s", d)
			}
			var report strings.Builder
			s, err := runbook.StatusOf(t.Context(), j)
			if err := errors.Join(err, s.WriteReport(&report)); err != nil {
				t.Fatal(err)
			}
			_, seen, _ := strings.Cut(report.String(), "\nSeen\n")
			if !strings.Contains(seen, ": "+tt.says) {
				t.Errorf("the report does not end with %q but with\n%s", tt.says, seen)
			}
			if !strings.HasPrefix(tt.says, not) {
				return
			}
			if !strings.Contains(report.String(), "look at what was held") {
				t.Errorf("the report does not send anybody to look:\n%s", report.String())
			}
			if err := x.Settle(t.Context(), c.Run); err != nil {
				t.Errorf("Settle: %v", err)
			}
		}))
	}
}

// Somebody puts the configuration back while a build is imported for it, or writes
// something else: the importer is not run, and the report says how it is.
func TestRespinConfigurationEditedByHand(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		value string
		says  string
	}{
		"put back":       {"", "/etc/config is as it was before"},
		"something else": {"file:/srv/somewhere", "/etc/config is neither as it was before nor as this run wrote it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := respinLab(t)
			before := etcConfig(t, l)
			c, h := respinOn(t, l, false)
			imports, wrote := 0, false
			h.fails = func(argv string) bool {
				if strings.Contains(argv, "import-images -vvv") {
					imports++
				}
				if wrote && strings.Contains(argv, "crontab") && etcConfig(t, l) != before { // the importer is looked at before the import
					now, err := c.Config.Read(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					next, err := channelconfig.Parse([]byte(before))
					if err == nil && tt.value != "" {
						next, err = next.Edit(channelconfig.Set(channelconfig.Section(respun), "file_ubuntu", tt.value))
					}
					other := &channelconfig.HostFile{Runner: h.Runner, Path: c.Config.Path}
					if err == nil {
						_, err = other.Replace(t.Context(), now, next)
					}
					if err != nil {
						t.Fatal(err)
					}
					wrote = false
				}
				return false
			}
			runner := c.Config.Runner
			c.Config.Runner = afterWrite{runner, &wrote}
			j := &runbooktest.Memory{}
			x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: j, Human: runbooktest.ApproveEverything{}}
			if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrNotHeld) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("Execute: %v, want ErrNotHeld that says %q", err, tt.says)
			}
			if imports > 0 {
				t.Errorf("the importer was run %d times", imports)
			}
			var seen []string
			for _, rec := range recordsOf(t, j) {
				if rec.Kind == runbook.Released {
					seen = append(seen, rec.Seen)
				}
			}
			if len(seen) != 2 || !strings.Contains(seen[0], tt.says) || seen[1] != "the importer is on" {
				t.Errorf("seen at the end: %q", seen)
			}
		})
	}
}

// afterWrite notes when a file was written.
type afterWrite struct {
	command.Runner
	wrote *bool
}

func (r afterWrite) Run(ctx context.Context, c command.Command) (command.Output, error) {
	out, err := r.Runner.Run(ctx, c)
	*r.wrote = *r.wrote || slices.Contains(c.Argv, "landing-file-replace")
	return out, err
}
