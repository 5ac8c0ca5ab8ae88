package runbook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// looked is a hold of a crontab line, which others may edit.
func (w *world) looked(line *string) runbook.Hold {
	return runbook.Hold{Name: "importer", Intent: "take importer",
		Acquire: func(context.Context) error { *line = "held"; return w.act("take importer") },
		Release: func(context.Context) error {
			if *line == "held" {
				*line = "on"
			}
			return w.act("give importer")
		},
		Look: func(context.Context) (bool, string, error) {
			return *line != "on", "the importer is " + *line, w.fail["look"]
		},
	}
}

// Somebody changes the line at a moment of the run: what is begun after that, and
// what is said at the end.
func TestHoldIsLookedAt(t *testing.T) {
	boom := errors.New("link lost")
	for name, tc := range map[string]struct {
		edit map[string]string // the line after this act
		fail map[string]error
		acts []string
		err  error
		last runbook.Record // of the hold
		says []string       // in the report
	}{
		"nobody": {
			acts: []string{"take importer", "a", "b", "give importer"},
			last: runbook.Record{Kind: runbook.Released, Seen: "the importer is on"},
			says: []string{"nothing; all is done\n\nSeen\n  importer: the importer is on, "},
		},
		"given back before an effect": {
			edit: map[string]string{"a": "on"},
			acts: []string{"take importer", "a", "give importer"}, err: runbook.ErrNotHeld,
			last: runbook.Record{Kind: runbook.Released, Seen: "the importer is on"},
			says: []string{"not held any more: the importer is on", "start it again"},
		},
		"given back in the last effect": {
			edit: map[string]string{"b": "on"},
			acts: []string{"take importer", "a", "b", "give importer"},
			last: runbook.Record{Kind: runbook.Released, Reason: "somebody had given it back already, after the last look", Seen: "the importer is on"},
			says: []string{"somebody had given it back already"},
		},
		"edited by hand": {
			edit: map[string]string{"b": "off by hand"},
			acts: []string{"take importer", "a", "b", "give importer"},
			last: runbook.Record{Kind: runbook.Released, Seen: "the importer is off by hand",
				Error: "given back as far as this run took it, and still away: the importer is off by hand"},
			says: []string{"Next\n  look at what was held", "Seen\n  importer: the importer is off by hand, "},
		},
		"cannot be looked at": {
			fail: map[string]error{"look": boom},
			acts: []string{"take importer", "a", "give importer"}, err: boom,
			last: runbook.Record{Kind: runbook.Released, Seen: "how it is could not be seen: link lost"},
			says: []string{"Seen\n  importer: how it is could not be seen"},
		},
		"cannot be given back": {
			fail: map[string]error{"give importer": boom},
			acts: []string{"take importer", "a", "b", "give importer", "give importer", "give importer"}, err: runbook.ErrOwed,
			last: runbook.Record{Kind: runbook.Owed, Seen: "the importer is on", Error: "link lost"},
			says: []string{"STILL HELD"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := "on"
				w, j := &world{fail: tc.fail}, &runbooktest.Memory{}
				step := func(name string) runbook.Step[string] {
					s := w.step(name)
					do := s.Do
					s.Do = func(ctx context.Context) (string, error) {
						if to, ok := tc.edit[name]; ok {
							line = to
						}
						return do(ctx)
					}
					return s
				}
				p := func(ctx context.Context, r *runbook.Run) error {
					return r.Hold(ctx, w.looked(&line), func(ctx context.Context, r *runbook.Run) error {
						if err := do(ctx, r, step("a")); err != nil {
							return err
						}
						return do(ctx, r, step("b"))
					})
				}
				x := &runbook.Runner{Name: "n", Journal: j}
				is(t, x.Execute(t.Context(), p), tc.err)
				want(t, "acts", w.took(), tc.acts)
				all := records(t, j)
				i := len(all) - 2
				got := runbook.Record{Kind: all[i].Kind, Reason: all[i].Reason, Seen: all[i].Seen, Error: all[i].Error}
				want(t, "the last record", []string{got.String(), got.Reason, got.Seen, got.Error}, []string{tc.last.String(), tc.last.Reason, tc.last.Seen, tc.last.Error})
				report := reportOf(t, statusOf(t, j))
				for _, text := range tc.says {
					if !strings.Contains(report, text) {
						t.Errorf("the report does not say %q:\n%s", text, report)
					}
				}
				if !errors.Is(tc.err, runbook.ErrNotHeld) {
					return
				}
				// The next start takes it again and does the rest.
				tc.edit = nil
				is(t, x.Execute(t.Context(), p), nil)
				want(t, "acts of the next start", w.took(), []string{"take importer", "b", "give importer"})
			})
		})
	}
}
