package launchpadtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad"
)

// A World is all that the fake knows. It is plain data: written with
// [World.Text] and read with [ParseWorld], a fake that was killed goes on
// where it stood.
type World struct {
	Now    time.Time
	LastID int

	// How long things take. Zero values are filled in by the first use.
	JobDelay     time.Duration // from a copy request to its job; default 1 min
	PublishEvery time.Duration // from one cycle of the publisher to the next; default 5 min
	BuildTime    time.Duration // in the queue, and again on the builder; default 10 min
	LogDelay     time.Duration // from the end of a build to its log; default 1 min
	NextPublish  time.Time

	PageSize    int // of a listing that does not ask for one; default 75
	MaxPageSize int // default 300

	People       []*Person
	Tokens       []*Token
	Requests     []*Token // request tokens waiting for a person
	Series       []*Series
	Archives     []*Archive
	Sources      []*SourceRow
	Binaries     []*BinaryRow
	Builds       []*Build
	Jobs         []*CopyJob
	Livefses     []*Livefs
	LivefsBuilds []*LivefsBuild
	Files        map[string]string // content by path on the web host

	// Faults of the parts behind the web service. Those of the service itself
	// are [Fault].
	FailCopy     map[string]string // source name: error text of its copy job, which nobody is told
	HoldCopy     map[string]bool   // source name: its copy job never runs
	HoldBinary   map[string]bool   // NAME or NAME/ARCH: stays Pending
	LoseBinary   map[string]bool   // NAME/ARCH: a copy makes no row
	ArchLag      map[string]int    // architecture: cycles a row waits before it is published
	FailBuild    map[string]bool   // NAME/ARCH, a source or a livefs: the build fails
	NoTokenCheck bool              // any token is taken for the first person's
}

// A Person is a person, or a team with members.
type Person struct {
	Name, DisplayName string
	Members           []string `json:",omitempty"` // of a team
	Private           bool     `json:",omitempty"` // strangers get 404
}

// A Token is an OAuth token.
type Token struct {
	Key, Secret, Person string
	Access              string // READ_PUBLIC to WRITE_PRIVATE; default WRITE_PRIVATE
	Consumer            string `json:",omitempty"`
	Expired             bool   `json:",omitempty"`
	Refused, Reviewed   bool   `json:",omitempty"` // of a request token
}

// A Series is a release of a distribution.
type Series struct {
	Distribution, Name, Version string
	Status                      string // Supported, Obsolete, ...
	Arches                      []*Arch
}

// An Arch is an architecture of a series. The first of a series builds the
// Architecture: all packages.
type Arch struct {
	Tag      string
	Disabled bool `json:",omitempty"`
}

// An Archive is a PPA, or a primary archive when it has no owner.
type Archive struct {
	Ref                            string // ~owner/distribution/name, or the distribution
	Owner, Distribution, Name      string
	DisplayName, Description       string
	Status                         string   // Active, Deleting, Deleted
	Private, Unpublished, Disabled bool     `json:",omitempty"`
	PermitObsolete, DebugSymbols   bool     `json:",omitempty"`
	Subscribers                    []string `json:",omitempty"`
	Processors                     []string // it builds for these
	SigningKey                     string   `json:",omitempty"`
	Score                          int      `json:",omitempty"`
}

// A Row is what source and binary publications have in common.
type Row struct {
	ID                                      int
	Archive, Series                         string
	SourceName, SourceVersion               string
	Status                                  launchpad.Status
	Created                                 time.Time
	Published, Superseded, PendingRemoval   time.Time `json:",omitzero"`
	CopiedFrom, Creator, RemovedBy, Comment string    `json:",omitempty"`
	Pocket                                  string    `json:",omitempty"` // default Release, the only one a PPA has
}

// A SourceRow is a source publication.
type SourceRow struct {
	Row
	Upload int      // equal for all publications of one upload
	Arches []string `json:",omitempty"` // built on these; the first is enough for Architecture: all
}

// A BinaryRow is a binary publication.
type BinaryRow struct {
	Row
	Name, Version, Arch string
	All, Debug          bool `json:",omitempty"`
	Build               int
	Cycles              int `json:",omitempty"` // of the publisher it has waited
}

// A Build is a package build.
type Build struct {
	ID                        int
	Archive, Series, Arch     string
	SourceName, SourceVersion string
	Upload                    int
	State                     launchpad.BuildState
	Due                       time.Time `json:",omitzero"` // of its next state
	Created, Started, Ended   time.Time `json:",omitzero"`
	Makes                     []BinaryPackage
}

// A CopyJob is a copy that was asked for.
type CopyJob struct {
	ID                      int
	Name, Version, From, To string
	FromSeries, ToSeries    string
	FromPocket              string `json:",omitempty"` // default any
	Binaries, Unembargo     bool
	Requester               string
	Due                     time.Time
	Done                    bool
	Error                   string `json:",omitempty"` // no answer of the web service ever shows it
}

// A Package is a source to put into an archive with its binaries.
type Package struct {
	Name, Version string
	Pocket        string          // of a primary archive; default Release
	Binaries      []BinaryPackage // nil: one of the same name on every architecture
}

// A BinaryPackage is a binary of a source.
type BinaryPackage struct {
	Name    string
	Version string   `json:",omitempty"` // default: the source's
	Arches  []string `json:",omitempty"` // default: all enabled ones
	All     bool     `json:",omitempty"` // Architecture: all
	Debug   bool     `json:",omitempty"`
}

// NewWorld is a small Launchpad: Ubuntu vivid and xenial on amd64, armhf and
// i386, and the person operator with the token "token", "secret".
func NewWorld() *World {
	w := &World{Now: time.Date(2016, 5, 10, 9, 0, 0, 0, time.UTC), LastID: 40000}
	arches := func() []*Arch { return []*Arch{{Tag: "amd64"}, {Tag: "armhf"}, {Tag: "i386"}} }
	w.Series = []*Series{
		{Distribution: "ubuntu", Name: "vivid", Version: "15.04", Status: "Supported", Arches: arches()},
		{Distribution: "ubuntu", Name: "xenial", Version: "16.04", Status: "Current Stable Release", Arches: arches()},
	}
	w.AddPerson("operator")
	w.Tokens = []*Token{{Key: "token", Secret: "secret", Person: "operator"}}
	w.Archives = append(w.Archives, &Archive{Ref: "ubuntu", Distribution: "ubuntu", Name: "primary", DisplayName: "Primary Archive for Ubuntu",
		Owner: "operator", Status: "Active", Processors: []string{"amd64", "armhf", "i386"}})
	return w
}

// ParseWorld reads what [World.Text] wrote.
func ParseWorld(text []byte) (*World, error) {
	w := new(World)
	if err := json.Unmarshal(text, w); err != nil {
		return nil, fmt.Errorf("cannot read the world: %w", err)
	}
	return w, nil
}

// Text writes the whole world.
func (w *World) Text() ([]byte, error) {
	b, err := json.MarshalIndent(w, "", " ")
	if err != nil {
		return nil, fmt.Errorf("cannot write the world: %w", err)
	}
	return append(b, '\n'), nil
}

// AddPerson adds a person, or a team if there are members. A known name is
// left as it is.
func (w *World) AddPerson(name string, members ...string) *Person {
	if p := w.person(name); p != nil {
		return p
	}
	words := strings.Fields(strings.ReplaceAll(name, "-", " "))
	for i, s := range words {
		words[i] = strings.ToUpper(s[:1]) + s[1:]
	}
	p := &Person{Name: name, DisplayName: strings.Join(words, " "), Members: members}
	w.People = append(w.People, p)
	return p
}

// AddPPA adds an empty PPA of a team the operator is in.
func (w *World) AddPPA(owner, name string) *Archive {
	w.AddPerson(owner, "operator")
	a := &Archive{Ref: "~" + owner + "/ubuntu/" + name, Owner: owner, Distribution: "ubuntu", Name: name, DisplayName: name,
		Status: "Active", Processors: []string{"amd64", "i386", "armhf"}, SigningKey: "4F1C2D9A7B6E5038A1C4D7F0B3E6925817AC40DE"}
	w.Archives = append(w.Archives, a)
	return a
}

// Publish puts packages into an archive as if they had been uploaded, built
// and published before. It panics if there is no such archive or series.
func (w *World) Publish(archive, series string, packages ...Package) {
	for _, p := range packages {
		w.upload(archive, series, p, true)
	}
}

// Upload puts packages into an archive as if they had just been uploaded and
// built: their rows are Pending.
func (w *World) Upload(archive, series string, packages ...Package) {
	for _, p := range packages {
		w.upload(archive, series, p, false)
	}
}

func (w *World) upload(archive, series string, p Package, published bool) {
	a, s := w.archive(archive), w.series(series)
	if a == nil || s == nil {
		panic(fmt.Sprintf("launchpadtest: no archive %q or no series %q", archive, series))
	}
	if p.Binaries == nil {
		p.Binaries = []BinaryPackage{{Name: p.Name}}
	}
	src := &SourceRow{Row: w.row(a.Ref, series, p.Name, p.Version), Upload: w.id()}
	src.Creator, src.Pocket = "operator", p.Pocket
	builds := map[string]*Build{}
	for _, b := range p.Binaries {
		for _, arch := range s.enabled() {
			if len(b.Arches) > 0 && !slices.Contains(b.Arches, arch) {
				continue
			}
			on := arch
			if b.All {
				on = s.Arches[0].Tag
			}
			if builds[on] == nil {
				builds[on] = &Build{ID: w.id(), Archive: a.Ref, Series: series, Arch: on, SourceName: p.Name, SourceVersion: p.Version, Upload: src.Upload,
					State: launchpad.Built, Created: w.Now.Add(-time.Hour), Started: w.Now.Add(-50 * time.Minute), Ended: w.Now.Add(-32 * time.Minute)}
				w.Builds = append(w.Builds, builds[on])
				src.Arches = append(src.Arches, on)
			}
			row := &BinaryRow{Row: w.row(a.Ref, series, p.Name, p.Version), Name: b.Name, Version: b.Version, Arch: arch, All: b.All, Debug: b.Debug, Build: builds[on].ID}
			row.Version, row.Pocket = orElse(b.Version, p.Version), p.Pocket
			if published {
				row.Status, row.Published = launchpad.Published, w.Now
			}
			w.Binaries = append(w.Binaries, row)
		}
	}
	for _, b := range builds {
		b.Makes = p.Binaries
	}
	if published {
		src.Status, src.Published = launchpad.Published, w.Now
	}
	w.Sources = append(w.Sources, src)
}

func (w *World) row(archive, series, name, version string) Row {
	return Row{ID: w.id(), Archive: archive, Series: series, SourceName: name, SourceVersion: version, Status: launchpad.Pending, Created: w.Now}
}

func (w *World) id() int {
	w.LastID++
	return w.LastID
}

func (w *World) person(name string) *Person {
	return find(w.People, func(p *Person) bool { return p.Name == name })
}

func (w *World) archive(ref string) *Archive {
	return find(w.Archives, func(a *Archive) bool { return a.Ref == ref })
}

func (w *World) series(name string) *Series {
	return find(w.Series, func(s *Series) bool { return s.Name == name || s.Version == name })
}

// Archive finds an archive, else nil.
func (w *World) Archive(ref string) *Archive { return w.archive(ref) }

// FindSource finds the newest publication of a version in an archive, else nil.
func (w *World) FindSource(archive, name, version string) *SourceRow {
	return last(w.Sources, func(s *SourceRow) bool {
		return s.Archive == archive && s.SourceName == name && s.SourceVersion == version
	})
}

func (s *Series) enabled() (tags []string) {
	for _, a := range s.Arches {
		if !a.Disabled {
			tags = append(tags, a.Tag)
		}
	}
	return tags
}

// memberOf reports whether the person is, or is in, the team.
func (w *World) memberOf(person, team string) bool {
	if person == "" {
		return false
	}
	if person == team {
		return true
	}
	t := w.person(team)
	return t != nil && slices.Contains(t.Members, person)
}

func find[T any](in []*T, is func(*T) bool) *T {
	for _, v := range in {
		if is(v) {
			return v
		}
	}
	return nil
}

func last[T any](in []*T, is func(*T) bool) *T {
	for _, v := range slices.Backward(in) {
		if is(v) {
			return v
		}
	}
	return nil
}

func orTime(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// EndSeries makes a series obsolete. What primary archives publish in it
// becomes Obsolete; PPAs keep theirs.
func (w *World) EndSeries(name string) {
	w.series(name).Status = "Obsolete"
	end := func(r *Row) {
		if a := w.archive(r.Archive); r.Series == name && r.Status == launchpad.Published && !strings.HasPrefix(a.Ref, "~") {
			r.Status = launchpad.Obsolete
		}
	}
	for _, s := range w.Sources {
		end(&s.Row)
	}
	for _, b := range w.Binaries {
		end(&b.Row)
	}
}
