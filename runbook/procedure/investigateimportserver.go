package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/importlog"
	"github.com/landingteam/landing/systemimage/operate"
)

// importerSeen is how the importer was found.
type importerSeen operate.ImporterStatus

// published is the newest image of a device, when the investigation began.
type published struct {
	Channel string `json:"channel"`
	Device  string `json:"device"`
	Version int    `json:"version"`
	Detail  string `json:"detail,omitempty"`
	Error   string `json:"error,omitempty"`
}

// treeSeen is what the published tree has of the channels that were asked about.
type treeSeen struct {
	Missing string              `json:"missing,omitempty"` // why the tree does not have what was asked about
	Devices map[string][]string `json:"devices,omitempty"` // of the channels that the importer makes
	Newest  []published         `json:"newest,omitempty"`
}

// lookAtImporter reads the crontab.
func (i *InvestigateImport) lookAtImporter(ctx context.Context) (importerSeen, error) {
	st, err := i.Importer.Status(ctx)
	return importerSeen(st), err
}

// judgeImporter says whether cron runs the importer.
func (i *InvestigateImport) judgeImporter(r *importlog.Report, st importerSeen) {
	r.Looked = append(r.Looked, fmt.Sprintf("the crontab: the importer is %s", st.describe()))
	if off, ok := importerOff[st.State]; ok {
		f := importlog.NewFinding(importlog.AboutImporter, off.class, strings.Replace(off.problem, "{importer}", st.describe(), 1), off.remedy)
		f.Commands = off.commands
		for _, m := range st.By {
			if st.State == operate.ImporterPaused {
				f.Quotes = append(f.Quotes, importlog.Quote{File: "crontab", Line: first(st.Lines), Text: fmt.Sprintf("paused by run %s (%s)", m.Run, m.Operator)})
			}
		}
		r.Add(f)
	}
	if st.Lock == "" {
		return
	}
	if strings.Contains(st.Lock, "import-images") {
		r.Notice("an import is at work just now: %s", st.Lock)
		return
	}
	f := importlog.NewFinding(importlog.AboutLock, "locked", "the global lock is held: "+st.Lock+": imports end at once and do nothing, with exit status 0",
		"let it end, or end it by its process id; the next import then works again")
	f.Commands = []string{"fuser -v state/global.lock"}
	r.Add(f)
}

// importerOff says what a state of the importer means that is not as it should be.
var importerOff = map[operate.ImporterState]struct {
	class, problem, remedy string
	commands               []string
}{
	operate.ImporterPaused: {"importer-paused", "the importer is {importer}: cron does not run it",
		"let the run that holds it end; a run that was killed is resumed with its journal, or gives the importer back with -settle", nil},
	operate.ImporterOffByHand: {"importer-off", "the importer is {importer}: cron does not run it",
		"ask who commented it out and why; then take the comment away", []string{"crontab -l | grep -n import-images", "crontab -e"}},
	operate.ImporterEdited: {"importer-off", "the importer is {importer}: cron does not run it, and no run gives it back",
		"ask who edited the line and why; then take away all that stands before the line itself", []string{"crontab -l | grep -n import-images", "crontab -e"}},
	operate.ImporterMissing: {"importer-missing", "the importer is {importer}: cron does not run it",
		"put the line into the crontab of the user who runs the server's programs, or look at that user's crontab", []string{"crontab -e"}},
	operate.ImporterTwice: {"importer-twice", "the crontab is not as it should be: {importer}; two runs at once meet each other's lock",
		"comment out all lines but one", []string{"crontab -l | grep -n import-images", "crontab -e"}},
}

func (st importerSeen) describe() string {
	text := string(st.State)
	if st.State == operate.ImporterTwice && len(st.By) > 0 {
		text += ", one of them is paused"
	}
	for n, m := range st.By {
		text += fmt.Sprintf("%s run %s (%s) since %s", []string{" by", ","}[min(n, 1)], m.Run, m.Operator, m.Since.UTC().Format("2006-01-02 15:04 MST"))
	}
	if len(st.Lines) > 0 {
		text += fmt.Sprintf(" (line %s)", strings.Trim(fmt.Sprint(st.Lines), "[]"))
	}
	return text
}

func first(list []int) int {
	if len(list) == 0 {
		return 0
	}
	return list[0]
}

// maxPairs bounds how many devices are looked at one by one.
const maxPairs = 20

// lookAtTree reads what is published for what was asked about; without a channel,
// for the channels that the importer makes.
func (i *InvestigateImport) lookAtTree(ctx context.Context, auto []string) (treeSeen, error) {
	in := i.Input
	l, err := i.Server.Client.Channels(ctx)
	if err != nil {
		return treeSeen{Missing: err.Error()}, ctx.Err()
	}
	seen := treeSeen{Devices: map[string][]string{}}
	if in.Channel != "" {
		if _, ok := l.Channels[in.Channel]; !ok || in.Device != "" {
			if _, err := l.Lookup(in.Channel, in.Device); err != nil {
				seen.Missing = err.Error()
			}
		}
	}
	for channel, device := range l.Channels.Pairs() {
		if slices.Contains(auto, channel) {
			seen.Devices[channel] = append(seen.Devices[channel], device)
		}
		wanted := channel == in.Channel || in.Channel == "" && slices.Contains(auto, channel)
		if !wanted || in.Device != "" && device != in.Device || len(seen.Newest) == maxPairs {
			continue
		}
		p := published{Channel: channel, Device: device}
		m, err := i.Server.Client.Latest(ctx, channel, device)
		switch {
		case ctx.Err() != nil:
			return seen, err
		case errors.Is(err, systemimage.ErrNotFound):
		case err != nil:
			p.Error = err.Error()
		}
		p.Version, p.Detail = m.Version, m.VersionDetail
		seen.Newest = append(seen.Newest, p)
	}
	return seen, nil
}

func (t treeSeen) judge(r *importlog.Report) {
	what := "the published tree"
	var words []string
	for _, p := range t.Newest {
		switch {
		case p.Error != "":
			r.Add(importlog.NewFinding(importlog.AboutTree, "unreadable-index", "its index cannot be read: "+p.Error,
				"look at it with checktree; every import reads it", importlog.Place{Channel: p.Channel, Device: p.Device}))
		case r.Channel != "" && p.Version == 0:
			words = append(words, p.Device+" has no image")
		case r.Channel != "":
			words = append(words, fmt.Sprintf("the newest image for %s is %d (%s)", p.Device, p.Version, p.Detail))
		}
	}
	if len(words) > 0 {
		what += ": " + strings.Join(words, "; ")
	}
	r.Looked = append(r.Looked, what)
	if t.Missing != "" {
		r.Add(importlog.NewFinding(importlog.AboutTree, "not-in-tree", t.Missing,
			"correct the name, or create channel and device in si-shell (pub.create_channel, pub.create_device)", importlog.Place{Channel: r.Channel, Device: r.Device}))
	}
}

// lookForLeftOvers looks for broken states that concern the devices.
func (i *InvestigateImport) lookForLeftOvers(ctx context.Context, newest []published) ([]systemimage.Finding, error) {
	var all []systemimage.Finding
	for _, p := range newest {
		list, err := i.Server.Preflight(ctx, p.Channel, p.Device)
		switch {
		case ctx.Err() != nil:
			return nil, err
		case err != nil: // what cannot be seen may be anything
			list = []systemimage.Finding{{Place: strings.TrimPrefix(p.Channel+" for "+p.Device, " "), Problem: "cannot be looked at: " + err.Error(),
				Remedy: "look at it with checktree", Blocks: true}}
		}
		for _, f := range list {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all, nil
}

// judgeLeftOvers says which of them stand in the way of an import.
func judgeLeftOvers(r *importlog.Report, list []systemimage.Finding) {
	for _, f := range list {
		if !f.Blocks && !strings.HasPrefix(f.Place, "pool/") {
			r.Notice("%s", f)
			continue
		}
		r.Add(importlog.NewFinding(importlog.AboutTree, "left-over", f.Place+": "+f.Problem, f.Remedy))
	}
}
