package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/term"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A World is what a procedure works on. The lab's and a site's differ in nothing
// but how the clients were made.
type World struct {
	Title    string // one line that says where this is
	Operator string // who runs the program
	Images   *systemimage.Client
	Server   *operate.Server
	Importer *operate.Importer
	Root     string // the server's folder on its host
	Journal  string // path of the journal; empty in a plan without one

	Builder    *builder.Builder   // nil when the site file names no image host
	BuildLogs  *cdimage.Client    // the mirrored logs of the builds
	LivefsLogs cdimage.LivefsLogs // those of live file systems

	where    place    // recorded with a run, which goes on nowhere else
	lab      *lab.Lab // nil on a site
	plan     bool
	attended bool         // standard input is a terminal
	log      *slog.Logger // nil is silent
	site     *Site        // nil on the lab
	file     string       // that it was read from
	name     string       // section of the site file
	ssh      sshConfig
	images   cdimage.ImageSet // what is built here, unless flags say else
	closes   []func() error
}

// A place is what a run works on, as it is recorded: a run goes on, and is settled,
// where it began.
type place struct {
	Site      string `json:"site"`
	Host      string `json:"host,omitempty"` // of the image server
	Root      string `json:"root,omitempty"`
	URL       string `json:"url,omitempty"`
	Builder   string `json:"builder,omitempty"` // the image builder's host
	Logs      string `json:"logs,omitempty"`
	Launchpad string `json:"launchpad,omitempty"`
}

// bare is a URL without what may be secret in it.
func bare(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "" // the client will say so
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// Option is what the site file says for the program; on the lab, and when the
// site file says nothing, it is def.
func (w *World) Option(key, def string) string {
	if w.site == nil {
		return def
	}
	return cmp.Or(w.site.Option(w.name, key), def)
}

// OnLab reports whether this is the lab.
func (w *World) OnLab() bool { return w.site == nil }

// Launchpad is a client of the lab's or the site's Launchpad. It cannot write in a
// plan.
func (w *World) Launchpad() (*launchpad.Client, error) {
	if w.lab != nil {
		c, err := w.lab.Launchpad()
		if err == nil {
			c.ReadOnly = w.plan
		}
		return c, err
	}
	w.where.Launchpad = bare(w.site.Launchpad.Root)
	c := &launchpad.Client{BaseURL: w.site.Launchpad.Root, ReadOnly: w.plan, Logger: w.log}
	cred := new(launchpad.Credentials)
	switch err := cred.ReadFile(w.site.Launchpad.Credentials); {
	case err == nil:
		c.Credentials = cred
	case !errors.Is(err, launchpad.ErrNoCredentials): // without any it is anonymous
		return nil, err
	}
	return c, nil
}

// Login is a client of the lab's or the site's Launchpad that has no credentials, the
// file that they belong into, and the person who is shown the page on which access is
// granted: nil when nobody is at the terminal. On the lab nobody needs to be.
func (w *World) Login() (c *launchpad.Client, path string, person func(page string) error, err error) {
	if w.lab == nil {
		c := &launchpad.Client{BaseURL: w.site.Launchpad.Root, Logger: w.log}
		if w.attended {
			person = func(string) error { return nil }
		}
		return c, w.site.Launchpad.Credentials, person, nil
	}
	srv, err := w.lab.LaunchpadServer()
	if err != nil {
		return nil, "", nil, err
	}
	c = srv.Client()
	c.Credentials = nil
	return c, filepath.Join(w.Root, "launchpad.credentials"), func(page string) error { return srv.Review(page, "operator", "WRITE_PRIVATE") }, nil
}

// isTerminal reports whether somebody may sit there.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Sources is a client of the web servers that the importer takes files from; the
// lab's are in the lab.
func (w *World) Sources() *http.Client {
	if w.lab != nil {
		return &http.Client{Transport: w.lab.Images.Sources()}
	}
	return &http.Client{Timeout: time.Minute}
}

func (w *World) close() {
	for i := len(w.closes) - 1; i >= 0; i-- {
		_ = w.closes[i]() // nothing is left to be saved
	}
}

// world makes the world that the flags ask for.
func (p Program) world(o options, stderr io.Writer) (*World, error) {
	w := &World{name: p.Name, Operator: cmp.Or(o.operator, Whoami()), Journal: o.journal, plan: o.plan, log: logger(o, stderr)}
	var err error
	if o.site != "" {
		err = w.openSite(o, p)
	} else {
		what := systemimagetest.SampleWorld
		if p.Lab != nil {
			what = p.Lab
		}
		err = w.openLab(o, what())
	}
	if err != nil {
		w.close()
		return nil, err
	}
	if w.Server != nil {
		w.Server.ReadOnly, w.Importer.ReadOnly = o.plan, o.plan
	}
	if w.Builder != nil {
		if lp, ok := w.LivefsLogs.(*launchpad.Client); ok {
			w.Builder.Livefs = procedure.LivefsBuilds(lp)
		}
		w.Builder.ReadOnly = o.plan
	}
	return w, nil
}

func (w *World) openLab(o options, what systemimagetest.World) error {
	dir := o.lab
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "landing-lab-"); err != nil {
			return fmt.Errorf("cannot make a folder for the lab: %w; name one with -lab DIR", err)
		}
		w.closes = append(w.closes, func() error { return os.RemoveAll(dir) })
	}
	l, err := lab.Open(dir, what)
	if err != nil {
		return err
	}
	w.closes = append(w.closes, l.Close)
	w.where.Site = "lab"
	if o.lab != "" { // a temporary one is another at each start, and none of them matters
		w.where.Root = resolved(o.lab)
	}
	w.Title = "The lab: a system-image server in " + dir + ", over SSH on this machine."
	if o.lab == "" {
		w.Title = "The lab: a system-image server in a temporary folder, over SSH on this machine."
	}
	w.lab = l
	w.Images, w.Server, w.Importer = l.Client(), l.Server(), l.Importer()
	w.Root = w.Server.Root
	w.Importer.Owner.Operator = w.Operator
	w.Server.Held, w.Server.Logger, w.Images.Logger = runbook.Held, w.log, w.log
	if w.Builder, err = l.Builds(); err != nil {
		return err
	}
	if w.BuildLogs, err = l.BuildLogs(); err != nil {
		return err
	}
	w.Builder.Logger, w.images = w.log, lab.FailedBuild
	w.LivefsLogs, err = l.LivefsLogs()
	return err
}

// resolved is a folder by the one name that it always has.
func resolved(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return dir
}

func (w *World) openSite(o options, p Program) error {
	needs := p.Needs
	if needs == nil {
		needs = []string{"image-server"}
	}
	everything := slices.Contains(needs, whatThereIs)
	if everything {
		needs = nil
	}
	site, err := LoadSite(o.site, map[string][]string{p.Name: p.Keys}, needs...)
	if err != nil {
		return err
	}
	if everything {
		needs = site.sections()
	}
	w.site, w.file, w.where.Site = site, o.site, site.Name
	w.Operator = cmp.Or(o.operator, site.Operator, Whoami())
	w.Title = fmt.Sprintf("Site %s:", cmp.Or(site.Name, o.site))
	var odd error
	if w.ssh, odd = userSSHConfig(); odd != nil {
		w.Title = odd.Error() + ".\n" + w.Title
	}
	if m := site.ImageServer; slices.Contains(needs, "tree") {
		w.Title += fmt.Sprintf(" tree %s.", bare(m.URL))
		if err := w.openTree(m); err != nil {
			return err
		}
	} else if slices.Contains(needs, "image-server") {
		w.Title += fmt.Sprintf(" image server %s, tree %s.", m.Host.SSH, bare(m.URL))
		w.where.Host, w.where.Root = m.Host.SSH, m.Host.Root
		if err := w.openTree(m); err != nil {
			return err
		}
		w.openImageServer(m)
	}
	if slices.Contains(needs, "cdimage") {
		w.Title += fmt.Sprintf(" image builder %s, logs %s.", cmp.Or(site.ImageBuilder.Host.SSH, "out of reach"), bare(site.ImageBuilder.Logs))
		w.where.Builder, w.where.Logs = site.ImageBuilder.Host.SSH, bare(site.ImageBuilder.Logs)
		w.openImageBuilder(site.ImageBuilder)
	}
	return nil
}

func (w *World) openTree(m ImageServer) error {
	w.where.URL = bare(m.URL)
	cache, err := m.cache()
	if err != nil {
		return err
	}
	w.Images = &systemimage.Client{BaseURL: m.URL, Unverified: m.Unverified, Cache: cache, Logger: w.log}
	if !m.Unverified {
		root, err := os.ReadFile(m.Keyring)
		if err != nil {
			return fmt.Errorf("section [image-server], keyring: %s cannot be read: %w", m.Keyring, why(err))
		}
		if _, err := keyring.Parse(root); err != nil {
			return fmt.Errorf("section [image-server], keyring: %s is no keyring: %w", m.Keyring, err)
		}
		w.Images.Trust = &keyring.Trust{Root: root}
	}
	return nil
}

// cache is the folder in which programs remember the newest index that they have
// seen of each device, so that the next one notices when a tree goes back in time.
func (m ImageServer) cache() (string, error) {
	if m.NoCache || m.Cache != "" {
		return m.Cache, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to remember in what was read of %s: %w; name one with cache = in [image-server], or write cache = no", bare(m.URL), err)
	}
	return filepath.Join(dir, "landing", "system-image"), nil
}

func (w *World) openImageServer(m ImageServer) {
	w.Root = m.Host.Root
	host := w.dial(m.Host)
	w.Server = &operate.Server{Runner: host, Root: m.Host.Root, Client: w.Images, LockWait: m.LockWait, Held: runbook.Held, Logger: w.log}
	w.Importer = &operate.Importer{
		Runner: host, Root: m.Host.Root, Owner: operate.Owner{Operator: w.Operator}, Logger: w.log}
}

func (w *World) openImageBuilder(m ImageBuilder) {
	w.images = m.Images
	w.BuildLogs = &cdimage.Client{BaseURL: m.Logs, HTTP: &http.Client{Timeout: 2 * time.Minute}, Logger: w.log}
	w.LivefsLogs = &launchpad.Client{BaseURL: w.site.Launchpad.Root, Logger: w.log} // the public builds, without logging in
	if m.Host.SSH == "" {
		return
	}
	w.Builder = &builder.Builder{Runner: w.dial(m.Host), Root: m.Host.Root, Logger: w.log}
}

// dial makes the client of a host; it connects at its first use.
func (w *World) dial(m Host) *remote.Host {
	host := w.ssh.host(m, m.SSH, 0)
	for h := host; h != nil; h = h.Jump {
		h.Logger = w.log
	}
	w.closes = append(w.closes, host.Close)
	return host
}
