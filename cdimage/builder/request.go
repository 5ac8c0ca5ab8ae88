package builder

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/landingteam/landing/cdimage"
)

// A PPA is an archive whose packages go into the image.
type PPA struct {
	Owner, Name string

	// Pin is apt's Pin-Priority, 0 for none. 1001 lets the archive's packages
	// win over newer ones. Understood by the image builder since 2015-04-29.
	Pin int
}

// String returns the form of EXTRA_PPAS: owner/name:PIN.
func (p PPA) String() string {
	if p.Pin == 0 {
		return p.Owner + "/" + p.Name
	}
	return fmt.Sprintf("%s/%s:%d", p.Owner, p.Name, p.Pin)
}

// A Request is one run of the image builder.
type Request struct {
	cdimage.ImageSet

	// PublishOnly takes the newest good livefs build of each architecture
	// instead of asking for new ones. See [cdimage.Republish] for when that is safe.
	PublishOnly bool

	// Reuse says how the host publishes only: with CDIMAGE_REUSE_BUILD and
	// --live, as today's image builder needs it, or without --live, as the
	// touch era's did. It is of no meaning for a full rebuild.
	Reuse bool

	Arches     []string // subset of the set's architectures, empty for all
	ExtraPPAs  []PPA    // the first is the archive that Launchpad builds from
	Proposed   bool     // build from the proposed pocket
	Subproject string
	Channel    string
	NoPublish  bool // stop before publishing
	NoPurge    bool // keep old images

	// Job names the run as a job that survives the loss of the link and can
	// be attached to again; it should be the same each time this very run is
	// meant. Empty: nobody sees the end of the run when the link is lost,
	// whether it goes on or not.
	Job string

	// Keep leaves the result of the job on the host, for [Builder.Attach], until
	// [Builder.Forget].
	Keep bool

	// Begun says that an earlier Build with this Job may still be on its way to the
	// host: a job that has ended meanwhile is then taken for ours, and not run again.
	Begun bool

	// After is the newest ID of the set before the run, to tell the run's own
	// ID. Zero: looked up before the run is started.
	After cdimage.BuildID
}

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*$`)
	seriesForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*(/[a-z0-9][a-z0-9.+-]*)?$`)
	ownerForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]*$`)
	archForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9]*(\+[a-z0-9-]+)?$`)
)

// Validate refuses a request that cannot be meant. The error is ErrInvalid and
// names the field.
func (r Request) Validate() error {
	check := func(field, value string, form *regexp.Regexp, optional bool) error {
		if optional && value == "" || form.MatchString(value) {
			return nil
		}
		return &Error{Op: "build", What: fmt.Sprintf("%s %q", field, value), Kind: ErrInvalid, Hint: "want " + form.String()}
	}
	for _, c := range []struct {
		field, value string
		form         *regexp.Regexp
		optional     bool
	}{
		{"Project", r.Project, nameForm, false}, {"Series", r.Series, seriesForm, false}, {"Type", r.Type, nameForm, false},
		{"Subtree", r.Subtree, nameForm, true}, {"Subproject", r.Subproject, nameForm, true}, {"Channel", r.Channel, nameForm, true},
	} {
		if err := check(c.field, c.value, c.form, c.optional); err != nil {
			return err
		}
	}
	for _, a := range r.Arches {
		if err := check("Arches", a, archForm, false); err != nil {
			return err
		}
	}
	for _, p := range r.ExtraPPAs {
		if err := check("ExtraPPAs owner", p.Owner, ownerForm, false); err != nil {
			return err
		}
		if err := check("ExtraPPAs name", p.Name, nameForm, false); err != nil {
			return err
		}
		if p.Pin < -32768 || p.Pin > 32767 { // apt's own range
			return &Error{Op: "build", What: fmt.Sprintf("ExtraPPAs pin %d", p.Pin), Kind: ErrInvalid, Hint: "apt knows -32768 to 32767, 0 for none"}
		}
	}
	if len(r.ExtraPPAs) > 0 && r.PublishOnly {
		return &Error{Op: "build", What: "ExtraPPAs", Kind: ErrInvalid, Hint: "publish-only builds nothing, so archives are of no effect"}
	}
	return nil
}

// Argv returns the command line: env with assignments, and the image builder's
// program. Nothing in it is read by a shell.
func (r Request) Argv() ([]string, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	argv := []string{"env", "DIST=" + r.Series}
	set := func(name, value string) {
		if value != "" {
			argv = append(argv, name+"="+value)
		}
	}
	flag := func(name string, on bool) {
		if on {
			argv = append(argv, name+"=1")
		}
	}
	set("EXTRA_PPAS", strings.Join(r.ppas(), " "))
	set("ARCHES", strings.Join(r.Arches, " "))
	set("SUBPROJECT", r.Subproject)
	set("CHANNEL", r.Channel)
	set("CDIMAGE_SUBTREE", r.Subtree)
	flag("PROPOSED", r.Proposed)
	flag("CDIMAGE_NOPUBLISH", r.NoPublish)
	flag("CDIMAGE_NOPURGE", r.NoPurge)
	flag("CDIMAGE_REUSE_BUILD", r.PublishOnly && r.Reuse)
	argv = append(argv, "for-project", r.Project, "cron."+r.Type)
	if !r.PublishOnly || r.Reuse {
		argv = append(argv, "--live")
	}
	return argv, nil
}

// ppas are the archives in the form of EXTRA_PPAS.
func (r Request) ppas() (list []string) {
	for _, p := range r.ExtraPPAs {
		list = append(list, p.String())
	}
	return list
}
