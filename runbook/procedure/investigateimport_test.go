package procedure_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/importlog"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func investigation(l *lab.Lab, in procedure.InvestigateImportInput) *procedure.InvestigateImport {
	return &procedure.InvestigateImport{
		Server: l.Server(), Importer: l.Importer(), HTTP: &http.Client{Transport: l.Images.Sources()}, Input: in,
	}
}

func investigate(t testing.TB, l *lab.Lab, in procedure.InvestigateImportInput) importlog.Report {
	t.Helper()
	c := investigation(l, in)
	x := &runbook.Runner{Name: "failedimport", Input: in, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	return c.Report
}

func reportText(t testing.TB, r importlog.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// edit changes a file of the lab's server.
func edit(t testing.TB, l *lab.Lab, file, old, new string) {
	t.Helper()
	path := filepath.Join(l.Images.Root(), file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), old, new, 1)
	if changed == string(text) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	bqProposed     = "ubuntu-touch/rc-proposed/bq-aquaris.en"
	krillinURL     = "http://jenkins.example.net/krillin/device_krillin.tar.xz"
	krillinMonitor = "http://jenkins.example.net/krillin/device_krillin.build"
	genericChannel = "ubuntu-touch/rc-proposed/ubuntu"
	meizuProposed  = "ubuntu-touch/rc-proposed/meizu.en"
)

func build(t testing.TB, l *lab.Lab, b systemimagetest.Build) {
	t.Helper()
	if err := l.Images.AddBuild(b); err != nil {
		t.Fatal(err)
	}
}

// What can be wrong on a server, and the cause and remedy that are found: without
// a run by hand, and with one.
func TestInvestigateImport(t *testing.T) {
	t.Parallel()
	newKrillin := systemimagetest.Build{URL: krillinURL, Monitor: krillinMonitor, Version: "20150619-6c0ffee"}
	type want struct {
		verdict              importlog.Verdict
		about, cause, remedy string
	}
	healthy := want{verdict: importlog.Healthy}
	for _, tt := range []struct {
		name            string
		broken          func(t testing.TB, l *lab.Lab)
		channel, device string
		look, run       want
	}{
		{"healthy", func(testing.TB, *lab.Lab) {}, bqProposed, "krillin", healthy, healthy},
		{"healthy, everything", func(testing.TB, *lab.Lab) {}, "", "", healthy, healthy},
		{"a new build is due", func(t testing.TB, l *lab.Lab) { build(t, l, newKrillin) }, bqProposed, "krillin",
			want{verdict: importlog.StillMissing}, healthy},
		{"device tarball 404", func(t testing.TB, l *lab.Lab) {
			b := newKrillin
			b.Fault = "404 File not found"
			build(t, l, b)
		}, bqProposed, "krillin",
			want{importlog.CauseFound, "source", "404 Not Found", "upload it, or correct the address"},
			want{importlog.CauseFound, "source", "HTTP Error 404", "upload it, or correct the address"}},
		{"misspelt type", func(t testing.TB, l *lab.Lab) {
			edit(t, l, "etc/config", "[channel_"+bqProposed+"]\ntype = auto", "[channel_"+bqProposed+"]\ntype = atuo")
		}, bqProposed, "krillin",
			want{importlog.CauseFound, "configuration", "atuo", "auto"},
			want{importlog.CauseFound, "configuration", "atuo", "auto"}},
		{"unknown generator in an earlier channel", func(t testing.TB, l *lab.Lab) {
			edit(t, l, "etc/config", "file_ubuntu = cdimage-ubuntu;", "file_ubuntu = cdimage-ubunut;")
		}, meizuProposed, "arale",
			want{importlog.CauseFound, "configuration", `no generator "cdimage-ubunut"`, "cdimage-ubuntu"},
			want{importlog.CauseFound, "configuration", `no generator "cdimage-ubunut"`, "cdimage-ubuntu"}},
		{"malformed line", func(t testing.TB, l *lab.Lab) {
			edit(t, l, "etc/config", "versionbase = 1\n", "versionbase 1\n")
		}, bqProposed, "krillin",
			want{importlog.CauseFound, "configuration", "versionbase", "etc/config"},
			want{importlog.CauseFound, "configuration", "versionbase", "etc/config"}},
		{"expired key", func(t testing.TB, l *lab.Lab) {
			build(t, l, newKrillin)
			if err := l.Images.ExpireKey("image-signing"); err != nil {
				t.Fatal(err)
			}
		}, bqProposed, "krillin",
			want{verdict: importlog.StillMissing},
			want{importlog.CauseFound, "run", "InvalidSigners", "expired"}},
		{"importer paused", func(t testing.TB, l *lab.Lab) {
			build(t, l, newKrillin)
			other := l.Importer()
			other.Owner = operate.Owner{Run: "copyrc-x", Operator: "colleague"}
			if err := other.Pause(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, bqProposed, "krillin",
			want{importlog.CauseFound, "importer", "by run copyrc-x (colleague)", "-settle"},
			want{importlog.CauseFound, "importer", "by run copyrc-x (colleague)", "-settle"}},
		{"importer commented out by hand", func(t testing.TB, l *lab.Lab) { edit(t, l, "crontab", "*/5 *", "#*/5 *") }, bqProposed, "krillin",
			want{importlog.CauseFound, "importer", "commented out by hand", "ask who"},
			want{importlog.CauseFound, "importer", "commented out by hand", "ask who"}},
		{"no importer", func(t testing.TB, l *lab.Lab) { edit(t, l, "crontab", "import-images -vv", "true") }, bqProposed, "krillin",
			want{importlog.CauseFound, "importer", "no line runs it", "crontab"},
			want{importlog.CauseFound, "importer", "no line runs it", "crontab"}},
		{"held lock", func(t testing.TB, l *lab.Lab) {
			build(t, l, newKrillin)
			release, err := l.Images.HoldLock()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = release() })
		}, bqProposed, "krillin",
			want{importlog.CauseFound, "lock", "held", "end"},
			want{importlog.CauseFound, "lock", "held", "end"}},
		{"bogus payload left in the pool", func(t testing.TB, l *lab.Lab) {
			b := newKrillin
			b.Fault = "html"
			build(t, l, b)
			if out, err := l.Images.Run(t.Context(), command.Command{Argv: []string{"import-images", "-vv"}}); err != nil || out.Exit == 0 {
				t.Fatalf("the import went well: %d, %v", out.Exit, err)
			}
			build(t, l, newKrillin) // the source is mended; the pool is not
		}, bqProposed, "krillin",
			want{verdict: importlog.StillMissing},
			want{importlog.CauseFound, "run", "ReadError", "delete it from the pool"}},
		{"a channel that is copied by hand", func(testing.TB, *lab.Lab) {}, "ubuntu-touch/rc/meizu.en", "arale",
			want{importlog.CauseFound, "configuration", "type manual", "copy-image"},
			want{importlog.CauseFound, "configuration", "type manual", "copy-image"}},
		{"a device that is not there", func(testing.TB, *lab.Lab) {}, bqProposed, "turbo",
			want{importlog.CauseFound, "tree", "turbo", "create"},
			want{importlog.CauseFound, "tree", "turbo", "create"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			tt.broken(t, l)
			crontab := readCrontab(t, l)
			for _, run := range []bool{false, true} {
				before := snapshot(t, l)
				r := investigate(t, l, procedure.InvestigateImportInput{Channel: tt.channel, Device: tt.device, RunImporter: run})
				want := tt.look
				if run {
					want = tt.run
				}
				text := reportText(t, r)
				if tt.name == "held lock" && !run && !strings.Contains(text, "global lock") {
					// Who holds a lock is not seen on every machine.
					want.verdict, want.about = importlog.StillMissing, ""
				}
				if r.Verdict != want.verdict {
					t.Fatalf("run %v: verdict %q, want %q\n%s", run, r.Verdict, want.verdict, text)
				}
				if want.about != "" && !slices.ContainsFunc(r.Findings, func(f importlog.Finding) bool {
					return string(f.About) == want.about && strings.Contains(f.Problem, want.cause) && strings.Contains(f.Remedy, want.remedy)
				}) {
					t.Errorf("run %v: no finding about %s with %q and the remedy %q\n%s", run, want.about, want.cause, want.remedy, text)
				}
				if got := readCrontab(t, l); got != crontab {
					t.Errorf("crontab (-before +after)\n%s", cmp.Diff(crontab, got))
				}
				if !run {
					if d := cmp.Diff(before, snapshot(t, l)); d != "" {
						t.Errorf("looking changed the world (-before +after)\n%s", d)
					}
				}
			}
		})
	}
}

// The importer is not run over a tree that it would begin anew, or could not write.
func TestInvestigateImportDoesNotRunOverDamage(t *testing.T) {
	t.Parallel()
	const index = "www/" + bqProposed + "/krillin/index.json"
	move := func(t testing.TB, l *lab.Lab, from, to string) {
		t.Helper()
		if err := os.Rename(filepath.Join(l.Images.Root(), from), filepath.Join(l.Images.Root(), to)); err != nil {
			t.Fatal(err)
		}
	}
	for name, broken := range map[string]func(t testing.TB, l *lab.Lab){
		"index missing": func(t testing.TB, l *lab.Lab) { move(t, l, index, "index.away") },
		"commit killed": func(t testing.TB, l *lab.Lab) { move(t, l, index, index+".new") },
		"index empty": func(t testing.TB, l *lab.Lab) {
			if err := os.Truncate(filepath.Join(l.Images.Root(), index), 0); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for channel, device := range map[string]string{bqProposed: "krillin", meizuProposed: "arale", "": ""} {
			t.Run(name+"/"+channel, virtual(func(t *testing.T) {
				l := newLab(t)
				build(t, l, systemimagetest.Build{URL: krillinURL, Monitor: krillinMonitor, Version: "20150619-6c0ffee"})
				broken(t, l)
				before := snapshot(t, l)
				r := investigate(t, l, procedure.InvestigateImportInput{Channel: channel, Device: device, RunImporter: true})
				if d := cmp.Diff(before, snapshot(t, l)); d != "" {
					t.Errorf("the importer was run (-before +after)\n%s", d)
				}
				if text := reportText(t, r); r.Verdict != importlog.CauseFound || !strings.Contains(text, "krillin/index.json") || !strings.Contains(text, "the importer was not run") {
					t.Errorf("%s\n%s", r.Verdict, text)
				}
				if importerState(t, l) != operate.ImporterOn {
					t.Error("the importer is not on")
				}
			}))
		}
	}
}

// What is told of the published tree is how it is after the run by hand.
func TestInvestigateImportLooksAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	build(t, l, systemimagetest.Build{URL: krillinURL, Monitor: krillinMonitor, Version: "20150619-6c0ffee"})
	r := investigate(t, l, procedure.InvestigateImportInput{Channel: bqProposed, Device: "krillin", RunImporter: true})
	if text := reportText(t, r); !strings.Contains(text, "the newest image for krillin is 4") || strings.Contains(text, "the newest image for krillin is 3") {
		t.Errorf("of the image that it imported itself it says\n%s", text)
	}
}

// The journal of an investigation has its report.
func TestImportReportOf(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	edit(t, l, "crontab", "*/5 *", "#*/5 *")
	c := investigation(l, procedure.InvestigateImportInput{Channel: bqProposed})
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "failedimport", Input: c.Input, Journal: j}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	s, err := runbook.StatusOf(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := procedure.ImportReportOf(s)
	if d := cmp.Diff(c.Report, got); !ok || d != "" || !got.Wrong() {
		t.Errorf("ok %v, wrong %v (-run +journal)\n%s", ok, got.Wrong(), d)
	}
	if _, ok := procedure.ImportReportOf(runbook.Status{}); ok {
		t.Error("an empty journal has a report")
	}
}

// The plan of an investigation with a run by hand looks, says what it would do,
// and changes nothing.
func TestInvestigateImportPlanChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	build(t, l, systemimagetest.Build{URL: krillinURL, Monitor: krillinMonitor, Version: "20150619-6c0ffee"})
	before := snapshot(t, l)
	c := investigation(l, procedure.InvestigateImportInput{Channel: bqProposed, Device: "krillin", RunImporter: true})
	c.Server.ReadOnly, c.Importer.ReadOnly = true, true
	x := &runbook.Runner{Name: "failedimport", Input: c.Input}
	plan, err := x.Plan(t.Context(), c.Run)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, rec := range plan {
		if rec.Kind == runbook.Planned {
			got = append(got, string(rec.Verb))
		}
	}
	if d := cmp.Diff([]string{"gate", "hold", "do"}, got); d != "" {
		t.Errorf("planned (-want +got)\n%s", d)
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("the plan changed the world (-before +after)\n%s", d)
	}
	if c.Report.Verdict != importlog.StillMissing {
		t.Errorf("verdict %q", c.Report.Verdict)
	}
}

// Without an answer to its question a run by hand does nothing, and goes on when
// there is one.
func TestInvestigateImportAsksFirst(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	build(t, l, systemimagetest.Build{URL: krillinURL, Monitor: krillinMonitor, Version: "20150619-6c0ffee"})
	before := snapshot(t, l)
	j := &runbooktest.Memory{}
	c := investigation(l, procedure.InvestigateImportInput{Channel: bqProposed, Device: "krillin", RunImporter: true})
	x := &runbook.Runner{Name: "failedimport", Input: c.Input, Journal: j}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) {
		t.Fatalf("without an answer: %v, want ErrPending", err)
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("the world (-before +after)\n%s", d)
	}
	held := false
	l.Images.Before = func(argv []string) error {
		held = held || filepath.Base(argv[0]) == "import-images" && importerState(t, l) == operate.ImporterPaused
		return nil
	}
	x.Human = runbooktest.ApproveEverything{}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if !held {
		t.Error("the importer was not held while it ran by hand")
	}
	want := []importlog.Turn{{Channel: bqProposed, Device: "krillin", Outcome: importlog.Published, Version: 4, Deltas: 2,
		Detail: "ubuntu=20150611,device=20150619-6c0ffee,custom=20150612-102-29-15-vivid,keyring=archive-master,version=4"}}
	for n := range c.Report.Outcomes {
		c.Report.Outcomes[n].Line = 0
	}
	if d := cmp.Diff(want, c.Report.Outcomes); d != "" {
		t.Errorf("outcomes (-want +got)\n%s", d)
	}
	if version, _, _ := latest(t, l, bqProposed, "krillin"); version != 4 {
		t.Errorf("newest image is %d, want 4", version)
	}
}

// newMako is a build of mako's device tarball that waits to be imported.
var newMako = systemimagetest.Build{URL: "http://jenkins.example.net/mako/device_mako.tar.xz", Monitor: "http://jenkins.example.net/mako/device_mako.build", Version: "20150619-6c0ffee"}

// Killed anywhere and started again, an investigation ends in the world of an
// undisturbed one, with the importer on.
func TestInvestigateImportKillAnywhere(t *testing.T) {
	t.Parallel()
	begin := newWorld(t, imported(genericChannel))
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		l := begin.Clone(t)
		build(t, l, newMako)
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				c := investigation(l, procedure.InvestigateImportInput{Channel: genericChannel, RunImporter: true})
				return &runbook.Runner{Name: "failedimport", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
			},
			Snapshot: func() string { return snapshot(t, l) },
		}
	})
}

// imported is the sample world with some of its imported channels, in its
// configuration too.
func imported(keep ...string) systemimagetest.World {
	w := only(keep...)
	head, rest, _ := strings.Cut(w.Config, "\nchannels = ")
	_, rest, _ = strings.Cut(rest, "\n")
	w.Config = head + "\nchannels = " + strings.Join(keep, ", ") + "\n" + rest
	return w
}

// The log that the crontab line writes tells without a run by hand.
func TestInvestigateImportReadsTheLog(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	in := procedure.InvestigateImportInput{Channel: meizuProposed, Log: "state/import-images.log"}
	if r := investigate(t, l, in); !slices.ContainsFunc(r.Looked, func(s string) bool { return strings.Contains(s, "does not exist") }) {
		t.Errorf("looked at %q, want that there is no log", r.Looked)
	}
	edit(t, l, "etc/config", "file_ubuntu = cdimage-ubuntu;", "file_ubuntu = cdimage-ubunut;")
	out, err := l.Images.Run(t.Context(), command.Command{Argv: []string{"import-images", "-vv"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.Images.Root(), in.Log), append(out.Stdout, out.Stderr...), 0o644); err != nil {
		t.Fatal(err)
	}
	r := investigate(t, l, in)
	if len(r.Findings) != 1 {
		t.Fatalf("%d findings, want one that the linter and the log share\n%s", len(r.Findings), reportText(t, r))
	}
	f := r.Findings[0]
	if f.Channel != genericChannel || !strings.Contains(f.Remedy, "cdimage-ubuntu;") {
		t.Errorf("the earlier channel is not blamed: %+v", f)
	}
	waiting := slices.ContainsFunc(f.Waiting, func(p importlog.Place) bool { return p.Channel == meizuProposed })
	proved := slices.ContainsFunc(f.Quotes, func(q importlog.Quote) bool { return strings.Contains(q.Text, "Exception: Invalid generator") })
	if !waiting || !proved {
		t.Errorf("waiting %v, proved by the log %v\n%s", waiting, proved, reportText(t, r))
	}
}

// What is secret in an address reaches neither the report nor the journal.
func TestInvestigateImportKeepsSecrets(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	edit(t, l, "etc/config", "http;http://jenkins.example.net/krillin/device_krillin.tar.xz;", "http;http://robot:hunter2@jenkins.example.net/krillin/absent.tar.xz?token=hunter2;")
	j := &runbooktest.Memory{}
	c := investigation(l, procedure.InvestigateImportInput{Channel: bqProposed, Device: "krillin", RunImporter: true})
	x := &runbook.Runner{Name: "failedimport", Input: c.Input, Journal: j, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	for line, err := range j.Lines(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(line), "hunter2") {
			t.Errorf("in the journal: %s", line)
		}
	}
	if text := reportText(t, c.Report); strings.Contains(text, "hunter2") || !strings.Contains(text, "absent.tar.xz") {
		t.Errorf("the report:\n%s", text)
	}
}
