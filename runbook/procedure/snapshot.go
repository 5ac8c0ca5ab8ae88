package procedure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
)

// Snapshot prepares the snapshot of a PPA, such as the overlay that images are
// built with:
//
//  1. find the snapshot PPA, or make it;
//  2. read what is published in the origin, and show how the snapshot differs;
//  3. when somebody has approved that difference, copy sources with their
//     binaries, and follow every package until each binary is published on each
//     architecture;
//  4. record what was copied as a manifest, which can be compared and replayed.
//
// A build of the origin that failed, or is not done, leaves nothing to copy on its
// architecture: plan, question and notes name it, and whoever approves decides whether
// to wait or to go on without.
//
// A package that is there already is done. One that is lost, refused, stuck,
// superseded or failed to build is named, with the reason where Launchpad gives
// one. Nothing is asked for twice: every request is written into the ledger.
type Snapshot struct {
	Launchpad *launchpad.Client
	Ledger    string // file that requests are noted in before they are sent; should be set
	Manifest  string // file that the manifest is written to; empty: only the journal has it

	Input SnapshotInput
}

// SnapshotInput is what one run of [Snapshot] is asked to do.
type SnapshotInput struct {
	From    string              `json:"from"`   // origin, such as "ppa:team/overlay"
	To      string              `json:"to"`     // snapshot
	Series  string              `json:"series"` // such as "vivid"
	Names   []string            `json:"names,omitempty"`
	Exclude []string            `json:"exclude,omitempty"`
	Create  bool                `json:"create,omitempty"` // make the snapshot PPA when there is none
	Replay  *launchpad.Manifest `json:"replay,omitempty"` // copy the versions that it records
	Not     []string            `json:"not,omitempty"`    // who may not approve the difference
}

// Run is the procedure. See [runbook.Procedure].
func (c *Snapshot) Run(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	if in.From == "" || in.To == "" || in.Series == "" {
		return errors.New("a snapshot needs an origin, a target and a series")
	}
	there, err := findPPA(ctx, r, c.Launchpad, in.To, in.Create)
	if err != nil {
		return err
	}
	if !there { // only in a plan
		what := "all that " + in.From + " has published"
		if in.Replay != nil {
			what = fmt.Sprintf("the %d packages of the manifest", len(in.Replay.Packages))
		}
		return r.Note("the rest depends on what the new PPA turns out to hold: " + what + " is copied")
	}
	m, err := copyArchive(ctx, r, c.Launchpad, launchpad.PlanRequest{
		From: in.From, To: in.To, Series: in.Series, Names: in.Names, Exclude: in.Exclude, Replay: in.Replay,
	}, c.Ledger, in.Not)
	if err != nil || c.Manifest == "" {
		return err
	}
	return writeManifest(ctx, r, c.Manifest, m)
}

// findPPA looks for an archive and makes it if that is asked for. It is false
// only in a plan in which the archive is yet to be made.
func findPPA(ctx context.Context, r *runbook.Run, lp *launchpad.Client, ref string, create bool) (bool, error) {
	there := true
	_, err := runbook.Do(ctx, r, runbook.Step[string]{
		Name:   "PPA",
		Intent: "have the PPA " + ref,
		Probe: func(ctx context.Context) (string, bool, error) {
			a, err := lp.Archive(ctx, ref)
			if errors.Is(err, launchpad.ErrNotFound) {
				there = false
				return "", false, nil
			}
			if err != nil {
				return "", false, err
			}
			return string(a.SelfLink), true, nil
		},
		Do: func(ctx context.Context) (string, error) {
			if !create {
				return "", fmt.Errorf("there is no PPA %s, and making one was not asked for", ref)
			}
			a, err := lp.CreatePPA(ctx, ref, "Snapshot that images are built from. Made by run "+r.ID()+".")
			if err != nil { // that says itself when it is in doubt
				return "", err
			}
			there = true
			return string(a.SelfLink), nil
		},
		Predict: ref,
	})
	return there, err
}

// copyArchive plans a copy, has the difference approved, carries it out and
// returns what is published then.
func copyArchive(ctx context.Context, r *runbook.Run, lp *launchpad.Client, req launchpad.PlanRequest, ledger string, not []string) (*launchpad.Manifest, error) {
	plan, err := planArchive(ctx, r, lp, req, not)
	if err != nil {
		return nil, err
	}
	return copyPlanned(ctx, r, lp, req, plan, ledger)
}

// planArchive plans a copy and has the difference approved. Nothing is copied.
func planArchive(ctx context.Context, r *runbook.Run, lp *launchpad.Client, req launchpad.PlanRequest, not []string) (*launchpad.Plan, error) {
	plan, err := runbook.Read(ctx, r, "plan", func(ctx context.Context) (*launchpad.Plan, error) {
		p, err := lp.Plan(ctx, req)
		if err != nil {
			return nil, err
		}
		return p, p.Err() // one that cannot be carried out is made anew by the next start
	})
	if err != nil {
		return nil, err
	}
	n, unbuilt := plan.Copies(), plan.Unbuilt()
	if n == 0 && len(unbuilt) == 0 {
		return plan, nil
	}
	question := fmt.Sprintf("Copy these %d packages from %s to %s?", n, req.From, req.To)
	if len(unbuilt) > 0 {
		question = fmt.Sprintf("Copy these %d packages from %s to %s, without %s?", n, req.From, req.To, strings.Join(unbuilt, ", "))
		if n == 0 {
			question = fmt.Sprintf("%s has everything that %s has, without %s. Go on?", req.To, req.From, strings.Join(unbuilt, ", "))
		}
		question += " To wait for these builds, say no, and begin a new run when they are done."
	}
	difference := strings.Split(strings.TrimSpace(plan.Text()), "\n")
	if r.Planning() { // the plan of a run names a question, and not what is shown with it
		if err := noteAll(r, difference); err != nil {
			return nil, err
		}
	}
	return plan, r.Gate(ctx, runbook.Gate{
		Name: "difference", Question: question, Evidence: shown{difference, difference}, Not: not,
	})
}

// copyPlanned carries a plan out.
func copyPlanned(ctx context.Context, r *runbook.Run, lp *launchpad.Client, req launchpad.PlanRequest, plan *launchpad.Plan, ledger string) (*launchpad.Manifest, error) {
	n := plan.Copies()
	label := "copy to " + plan.To.Name()
	options := launchpad.CopyOptions{Ledger: ledger, Progress: func(done, total int) { r.Progress(label, int64(done), int64(total)) }}
	m, err := runbook.Do(ctx, r, runbook.Step[*launchpad.Manifest]{
		Name:    "copy",
		Intent:  fmt.Sprintf("copy %d packages from %s to %s, until each binary is published", n, req.From, req.To),
		Timeout: -1, // the copy has limits of its own for every package
		Probe: func(ctx context.Context) (*launchpad.Manifest, bool, error) {
			report, err := lp.Probe(ctx, plan, options)
			if err != nil || !report.Complete {
				return nil, false, err
			}
			return report.Manifest(), true, nil
		},
		Do: func(ctx context.Context) (*launchpad.Manifest, error) {
			report, err := lp.Copy(ctx, plan, options)
			if err != nil {
				return nil, err
			}
			return report.Manifest(), nil
		},
		Predict: &launchpad.Manifest{},
	})
	if err != nil || r.Planning() {
		return m, err
	}
	for _, s := range plan.Stale {
		if err := r.Note(fmt.Sprintf("%s %s is in %s but not in %s; it was left there", s.Name, s.Version, req.To, req.From)); err != nil {
			return m, err
		}
	}
	where, unbuilt := "published on every architecture", plan.Unbuilt()
	if len(unbuilt) > 0 {
		where = "published on every architecture that it was built for"
	}
	for _, u := range unbuilt {
		if err := r.Note(fmt.Sprintf("%s was not built in %s, and is not part of what was copied to %s", u, req.From, req.To)); err != nil {
			return m, err
		}
	}
	return m, r.Note(fmt.Sprintf("%s holds all %d packages of %s for %s, %s (%d copied)", req.To, len(m.Packages), req.From, req.Series, where, n))
}

// writeManifest writes a manifest as JSON, whole or not at all.
func writeManifest(ctx context.Context, r *runbook.Run, path string, m *launchpad.Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	_, err = runbook.Do(ctx, r, runbook.Step[int]{
		Name:    "manifest",
		Intent:  "write the manifest " + path,
		Predict: len(text),
		Probe: func(context.Context) (int, bool, error) {
			b, err := os.ReadFile(path)
			if errors.Is(err, os.ErrNotExist) {
				return 0, false, nil
			}
			return len(b), string(b) == string(text), err
		},
		Do: func(context.Context) (int, error) {
			f, err := os.CreateTemp(filepath.Dir(path), ".manifest-*")
			if err != nil {
				return 0, err
			}
			_, err = f.Write(text)
			if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
				err = os.Rename(f.Name(), path)
			}
			if err != nil {
				return 0, errors.Join(err, os.Remove(f.Name()))
			}
			return len(text), nil
		},
	})
	return err
}
