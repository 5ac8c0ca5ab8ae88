package doctor

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/operate"
)

// imageServerChecks are about the server's programs, its crontab and its tree on the
// host.
func imageServerChecks() []check {
	return []check{
		{"root", imageServer, true, checkRoot},
		{"rights", imageServer, false, checkRights},
		{"programs", imageServer, true, checkPrograms},
		{"configuration", imageServer, false, checkConfiguration},
		{"importer", imageServer, true, checkImporter},
		{"lock", imageServer, false, checkLock},
	}
}

func checkRoot(_ context.Context, x *examination) []Result {
	f, root := x.facts[string(imageServer)], x.ImageServer.Root
	mend := "name the folder that holds bin/, etc/, state/ and www/ as root in this section"
	if !f.has["-d "+root] {
		return one(Failed, mend, "there is no folder %s on the host", root)
	}
	var missing []string
	for _, d := range []string{"/bin", "/etc", "/state", "/www"} {
		if !f.has["-d "+root+d] {
			missing = append(missing, strings.TrimPrefix(d, "/"))
		}
	}
	if len(missing) > 0 {
		return one(Failed, mend, "%s has no %s: it is no image server's root", root, strings.Join(missing, ", "))
	}
	if !f.has["-r "+root+"/etc/config"] {
		return one(Failed, "put etc/config back, or let the user read it", "%s/etc/config is not there or may not be read: the programs go on without a configuration, and delete what it named", root)
	}
	return one(OK, "", "%s", root)
}

func checkRights(_ context.Context, x *examination) []Result {
	f, root := x.facts[string(imageServer)], x.ImageServer.Root
	var found []Result
	for _, r := range []struct{ fact, text string }{
		{"-w " + root + "/www", "www may not be written: nothing can be published"},
		{"-w " + root + "/state", "state may not be written: the programs cannot take their lock"},
		{"-x " + root + "/secret/gpg/keys/image-signing", "secret/gpg/keys/image-signing is not there or closed to us: what is published would not be signed"},
	} {
		if !f.has[r.fact] {
			found = append(found, Result{State: Failed, Text: r.text, Mend: "log in as the user who owns the tree; the programs are not run by anybody else"})
		}
	}
	if !f.has["-w "+root+"/etc"] {
		found = append(found, Result{State: Warning, Text: "etc may not be written: the configuration cannot be edited from here", Mend: "let the user write it, or leave editing to whoever may"})
	}
	if len(found) > 0 {
		return found
	}
	return one(OK, "", "%s may publish, sign and edit", f.user)
}

// checkPrograms tells the two lines of the server apart by how copy-image is called.
func checkPrograms(_ context.Context, x *examination) []Result {
	f, root := x.facts[string(imageServer)], x.ImageServer.Root
	for _, p := range []string{"copy-image", "import-images", "set-phased-percentage", "tag-image"} {
		if !f.has["-x "+root+"/bin/"+p] {
			return one(Failed, "put the server's programs into bin/ below its root, executable for the user", "%s/bin/%s is not there, or may not be run", root, p)
		}
	}
	usage, _, _ := strings.Cut(f.help, " positional arguments:")
	switch {
	case !strings.HasPrefix(f.help, "usage:"):
		return one(Failed, "run it there by hand: it lacks Python, a module of Python, or is another program", "copy-image --help does not say how it is called: %.200q", f.help)
	case strings.Contains(usage, "[-r VERSION]"):
	case strings.Contains(usage, " VERSION"):
		return one(Warning, "nothing needs to be done: copies are asked for in its words; config errors are not logged, and re-sign-indexes signs the newest version only", "a server from before 2017 (copy-image SOURCE DESTINATION DEVICE VERSION)")
	default:
		return one(Failed, "run copy-image --help there by hand", "copy-image is of a kind that is not known: %.200q", usage)
	}
	var missing []string
	for _, p := range []string{"cleanup-tree", "re-sign-indexes"} {
		if !f.has["-x "+root+"/bin/"+p] {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		return one(Warning, "take them from a newer server", "there is no %s, with which a tree is mended", strings.Join(missing, ", no "))
	}
	return one(OK, "", "today's line (copy-image -r VERSION)")
}

func checkImporter(ctx context.Context, x *examination) []Result {
	if x.Importer == nil {
		return one(OK, "", "not asked for")
	}
	s, err := x.Importer.Status(ctx)
	if err != nil {
		return one(Failed, "let the user have the crontab that runs the importer, or put into order what is wrong with it", "the crontab cannot be read: %v", err)
	}
	x.importer = &s
	switch s.State {
	case operate.ImporterOn:
		return one(OK, "", "line %d of the crontab runs it", s.Lines[0])
	case operate.ImporterPaused:
		var who []string
		for _, o := range s.By {
			who = append(who, fmt.Sprintf("%s (run %s, since %s)", o.Operator, o.Run, o.Since.Format("2006-01-02 15:04 MST")))
		}
		return one(Warning, "if that run is not at work any more, start it again or give the importer back with -settle and its journal", "it is held by %s", strings.Join(who, ", "))
	case operate.ImporterOffByHand:
		return one(Warning, "ask who did it; only a person turns it on again (crontab -e)", "somebody commented line %d of the crontab out: nothing is imported", s.Lines[0])
	case operate.ImporterEdited:
		return one(Warning, "ask who did it; then take away all that stands before the line itself (crontab -e)", "somebody edited what a run wrote into line %d of the crontab: nothing is imported, and no run turns it on again", s.Lines[0])
	case operate.ImporterTwice:
		return one(Failed, "leave one: a run pauses the last of them alone, and the others go on importing", "%d lines of the crontab run it (%s)", len(s.Lines), joinInts(s.Lines))
	}
	return one(Failed, "log in as the user whose crontab runs import-images (ssh = USER@HOST), or put the line back", "no line of the crontab of %s runs it", x.facts[string(imageServer)].user)
}

func joinInts(list []int) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(list)), ", "), "[]")
}

// checkLock goes by what the look at the importer has seen of the lock.
func checkLock(_ context.Context, x *examination) []Result {
	switch {
	case x.Importer == nil:
		return one(OK, "", "not asked for")
	case x.importer == nil:
		return one(Skipped, "", "not looked at: the crontab cannot be read")
	case x.importer.Lock != "":
		return one(Warning, "wait for it: an import may take an hour; copies wait for it too", "the server's lock is %s", x.importer.Lock)
	}
	return one(OK, "", "free, as far as the host lets its locks be seen")
}

// bothChecks are about the host and the URL together, once both are there.
func bothChecks() []check {
	return []check{
		{"one server", tree, true, checkOneServer},
		{"left-overs", imageServer, false, checkLeftOvers},
	}
}

// checkOneServer holds the host's tree against the URL's.
func checkOneServer(ctx context.Context, x *examination) []Result {
	if x.Server == nil || x.closed[imageServer] != "" || x.listing == nil {
		return one(Skipped, "", "not looked at: host or tree was not reached")
	}
	for channel, device := range x.listing.Pairs() {
		c := x.listing.Channels[channel]
		if c.Alias != "" || c.Redirect != "" || c.Devices[device].Redirect != "" {
			continue
		}
		if err := procedure.OneServer(ctx, x.Server, channel, device); err != nil {
			x.apart = true
			return one(Failed, "put url, ssh and root in [image-server] right: programs would publish where nobody looks", "%v", err)
		}
		return one(OK, "", "the host's %s:%s is what the URL shows", channel, device)
	}
	return one(Warning, "", "nothing is published yet: the two cannot be compared")
}

// checkConfiguration reads the channel configuration as the importer would, which dies of
// a line that it cannot parse.
func checkConfiguration(ctx context.Context, x *examination) []Result {
	file := channelconfig.HostFile{Runner: x.ImageServer.Runner, Path: path.Join(x.ImageServer.Root, "etc/config"), ReadOnly: true}
	now, err := file.Read(ctx)
	switch {
	case err != nil && now != nil:
		return one(Failed, "put the line right with an editor on the host: until then no program of the server runs", "%s: %v", file.Path, err)
	case err != nil:
		return one(Warning, "", "%s cannot be read: %v", file.Path, err)
	}
	return one(OK, "", "%s can be parsed", file.Path)
}

func checkLeftOvers(ctx context.Context, x *examination) []Result {
	if x.apart {
		return one(Skipped, "", "not looked at: the host and the URL are two servers")
	}
	if x.Server == nil || x.listing == nil {
		return one(Skipped, "", "not looked at: host or tree was not reached")
	}
	all, err := x.Server.PreflightImport(ctx)
	if err != nil {
		return one(Warning, "", "they cannot be looked for: %v", err)
	}
	var found []Result
	for _, f := range all {
		state := Warning
		if f.Blocks {
			state = Failed
		}
		found = append(found, Result{State: state, Text: strings.TrimSpace(f.Place + " " + f.Problem), Mend: f.Remedy})
	}
	return found
}

// errorText is an error in words for a result.
func errorText(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}
