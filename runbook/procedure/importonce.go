package procedure

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/operate"
)

// A pointing is what the channel configuration says for one import only: channels
// take builds that the importer would not take otherwise.
type pointing struct {
	file     *channelconfig.HostFile
	to, back []channelconfig.Edit // by pairs: what is written for the import, and what was there before

	written bool // with the approval of a person
	kept    bool // it stays so, as was asked for
	given   bool // it was given back
}

// hold points the channels while body works, and gives the configuration back
// however that ends. Whoever holds the importer around it does so with
// [pointing.around]: what cannot be given back must not be imported by the next run
// of the crontab.
func (p *pointing) hold(name, intent string) runbook.Hold {
	return runbook.Hold{
		Name: name, Intent: intent,
		Acquire: func(ctx context.Context) error {
			if !p.written {
				return nil
			}
			p.given = false
			_, err := rewrite(ctx, p.file, p.to...)
			return err
		},
		Release: func(ctx context.Context) error { _, err := p.giveBack(ctx); return err },
		Look:    p.look,
	}
}

// look says whether the channels are pointed as it was written.
func (p *pointing) look(ctx context.Context) (away bool, text string, err error) {
	if !p.written {
		return true, "not written yet", nil
	}
	now, err := p.file.Read(ctx)
	if now == nil {
		return false, "", err
	}
	left, err := p.left(now)
	if err != nil {
		return false, "", err
	}
	to, err := now.Edit(p.to...)
	if err != nil {
		return false, "", err
	}
	back, err := now.Edit(p.back...)
	if err != nil {
		return false, "", err
	}
	path, is := p.file.Path, now.Checksum()
	switch {
	case p.kept && is == to.Checksum():
		return false, path + " stays as it was written, as was asked for", nil
	case is == to.Checksum() && !p.given:
		return true, path + " is as it was written for one import", nil
	case is == back.Checksum():
		return false, path + " is as it was before", nil
	}
	return p.given && len(left) > 0, path + " is neither as it was before nor as this run wrote it: somebody has edited it", nil
}

// around lets the importer's hold give the configuration back first. The importer
// stays off while that fails.
func (p *pointing) around(importer runbook.Hold) runbook.Hold {
	resume := importer.Release
	importer.Release = func(ctx context.Context) error {
		if _, err := p.giveBack(ctx); err != nil {
			return fmt.Errorf("the importer stays off, because %s still points at builds for one import: %w", p.file.Path, err)
		}
		return resume(ctx)
	}
	return importer
}

// left are the edits that give back what still is as it was written. What somebody
// else has written since stays.
func (p *pointing) left(now *channelconfig.Config) (edits []channelconfig.Edit, err error) {
	if p.kept {
		return nil, nil
	}
	for n, e := range p.to {
		pointed, err := now.Edit(e)
		if err != nil {
			return nil, err
		}
		given, err := now.Edit(p.back[n])
		if err != nil {
			return nil, err
		}
		if now.Checksum() == pointed.Checksum() && now.Checksum() != given.Checksum() {
			edits = append(edits, p.back[n])
		}
	}
	return edits, nil
}

func (p *pointing) giveBack(ctx context.Context) (backup string, err error) {
	if len(p.to) == 0 || p.kept {
		return "", nil
	}
	p.given = true
	return p.file.Change(ctx, func(now *channelconfig.Config) (*channelconfig.Config, error) {
		edits, err := p.left(now)
		if err != nil || len(edits) == 0 {
			return now, err
		}
		return now.Edit(edits...)
	})
}

// rewrite makes edits in the text that is there now: what others changed elsewhere
// in it stays.
func rewrite(ctx context.Context, file *channelconfig.HostFile, edits ...channelconfig.Edit) (backup string, err error) {
	return file.Change(ctx, func(now *channelconfig.Config) (*channelconfig.Config, error) { return now.Edit(edits...) })
}

// edited is the file with edits. A text against the grammar may be what they mend.
func edited(ctx context.Context, file *channelconfig.HostFile, edits []channelconfig.Edit) (now, next *channelconfig.Config, err error) {
	if now, err = file.Read(ctx); now == nil {
		return nil, nil, err
	}
	next, err = now.Edit(edits...)
	return now, next, err
}

// imported says how far the importer is.
func imported(r *runbook.Run) func(done, total int) {
	return func(done, total int) { r.Progress("devices seen by the importer", int64(done), int64(total)) }
}

// importUntil runs the importer by hand, until no device lacks the build that it
// should have. That is seen in their indexes: a channel that is none of ours may have
// failed in the same run. Started again, it is run until it did, and once more when its
// end was not seen; importing twice publishes nothing twice. images are those that it is
// about, whatever their numbers.
func importUntil(ctx context.Context, r *runbook.Run, s *operate.Server, config *channelconfig.HostFile, intent string, images func(context.Context) ([]NamedImage, error),
	missing func(context.Context) ([]string, error)) error {
	begun := r.Last("import") != "" // what lies about may be what its killed program left
	before, err := allNewest(ctx, r, s.Client)
	if err != nil {
		return err
	}
	var others error
	_, err = runbook.Do(ctx, r, runbook.Step[bool]{
		Name: "import", Intent: intent, Predict: true,
		Probe: func(ctx context.Context) (bool, bool, error) {
			if r.Planning() { // the builds are yet to be made
				return true, false, nil
			}
			list, err := missing(ctx)
			// One whose end was not seen may have been killed behind our channel: its
			// aliases, other channels and its job on the host are seen to by the next.
			return true, err == nil && len(list) == 0 && !begun, err
		},
		Do: func(ctx context.Context) (bool, error) {
			run, err := s.Import(ctx, operate.ImportRequest{Job: jobName(r, "import"), Begun: begun, Observe: imported(r)})
			list, looked := missing(ctx)
			switch {
			case looked != nil:
				return false, errors.Join(err, looked)
			case len(list) > 0:
				return false, errors.Join(err, fmt.Errorf("the builds did not reach every device: %s; failedimport says why", strings.Join(list, ", ")))
			case err != nil && (run == nil || !run.Complete && run.Exception == "" || errors.Is(err, systemimage.ErrInDoubt)):
				return false, err // it was cut short, and is run again: others have been left behind
			}
			others = err
			if begun { // before the end is on record: whoever is killed then comes here again
				ours, err := images(ctx)
				if err != nil {
					return true, err
				}
				return true, killedImport{s.Client, config, before}.note(ctx, r, ours...)
			}
			return true, nil
		},
	})
	if err == nil && others != nil {
		err = r.Note(fmt.Sprintf("our channels have their builds, and all was not well with the import: %v", others))
	}
	return err
}

// behind lists the aliases of images that have not what their channel has.
func behind(ctx context.Context, s *operate.Server, t NamedImage, m systemimage.Image) ([]string, error) {
	_, same, err := s.CheckPhase(ctx, operate.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: m.Version, Percentage: m.Percentage})
	if err != nil || same {
		return nil, err
	}
	return []string{fmt.Sprintf("the aliases of %s, which are not what it is", t)}, nil
}
