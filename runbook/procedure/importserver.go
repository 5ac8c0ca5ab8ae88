package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
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
func (i *InvestigateImport) judgeImporter(r *ImportReport, st importerSeen) {
	r.Looked = append(r.Looked, fmt.Sprintf("the crontab: the importer is %s", st.describe()))
	f := ImportFinding{About: "importer", Cause: "the importer is " + st.describe() + ": cron does not run it"}
	switch st.State {
	case operate.ImporterPaused:
		f.Remedy = "let the run that holds it end; a run that was killed is resumed with its journal, or gives the importer back with -settle"
		for _, m := range st.By {
			f.Quotes = append(f.Quotes, ImportQuote{File: "crontab", Line: first(st.Lines), Text: fmt.Sprintf("paused by run %s (%s)", m.Run, m.Operator)})
		}
	case operate.ImporterOffByHand:
		f.Remedy = "ask who commented it out and why; then take the comment away"
		f.Commands = []string{"crontab -l | grep -n import-images", "crontab -e"}
	case operate.ImporterMissing:
		f.Remedy = "put the line into the crontab of the user who runs the server's programs, or look at that user's crontab"
		f.Commands = []string{"crontab -e"}
	case operate.ImporterTwice:
		f.Cause = "the crontab is not as it should be: " + st.describe() + "; two runs at once meet each other's lock"
		f.Remedy = "comment out all lines but one"
		f.Commands = []string{"crontab -l | grep -n import-images", "crontab -e"}
	default:
		f.Cause = ""
	}
	if f.Cause != "" {
		r.add(f)
	}
	if st.Lock == "" {
		return
	}
	if strings.Contains(st.Lock, "import-images") {
		r.notice("an import is at work just now: %s", st.Lock)
		return
	}
	r.add(ImportFinding{About: "lock", Cause: "the global lock is held: " + st.Lock + ": imports end at once and do nothing, with exit status 0",
		Remedy: "let it end, or end it by its process id; the next import then works again", Commands: []string{"fuser -v state/global.lock"}})
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

func (t treeSeen) judge(r *ImportReport) {
	what := "the published tree"
	var words []string
	for _, p := range t.Newest {
		switch {
		case p.Error != "":
			r.add(ImportFinding{About: "tree", Places: []ImportPlace{{p.Channel, p.Device}}, Cause: "its index cannot be read: " + p.Error,
				Remedy: "look at it with checktree; every import reads it"})
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
		r.add(ImportFinding{About: "tree", Places: []ImportPlace{{r.Channel, r.Device}}, Cause: t.Missing,
			Remedy: "correct the name, or create channel and device in si-shell (pub.create_channel, pub.create_device)"})
	}
}

// lookForLeftOvers looks for broken states that concern the devices.
func (i *InvestigateImport) lookForLeftOvers(ctx context.Context, newest []published) ([]systemimage.Finding, error) {
	var all []systemimage.Finding
	for _, p := range newest {
		list, err := i.Server.Preflight(ctx, p.Channel, p.Device)
		if ctx.Err() != nil {
			return nil, err
		}
		for _, f := range list {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all, nil
}

func (r *ImportReport) judgeLeftOvers(list []systemimage.Finding) {
	for _, f := range list {
		if !f.Blocks && !strings.HasPrefix(f.Place, "pool/") {
			r.notice("%s", f)
			continue
		}
		r.add(ImportFinding{About: "tree", Cause: f.Place + ": " + f.Problem, Remedy: f.Remedy})
	}
}
