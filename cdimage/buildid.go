package cdimage

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A BuildID is what the image builder calls a run: the day on which it began,
// by the host's clock (UTC), and the number of the run on that day. It is
// written 20160906 for the first run and 20160906.1 for the next.
//
// IDs are used up at the start of a run, also of one that publishes nothing.
type BuildID struct {
	Day int // 20160906
	N   int // 0 for the first run of the day
}

var buildIDForm = regexp.MustCompile(`^(\d{8})(?:\.([1-9]\d{0,5}))?$`)

// ParseBuildID reads an ID such as "20160906.1".
func ParseBuildID(s string) (BuildID, error) {
	m := buildIDForm.FindStringSubmatch(s)
	if m != nil {
		if _, err := time.Parse("20060102", m[1]); err == nil {
			day, _ := strconv.Atoi(m[1])
			n, _ := strconv.Atoi(m[2])
			return BuildID{day, n}, nil
		}
	}
	return BuildID{}, &Error{Op: "parse build ID", What: strconv.Quote(s), Kind: ErrFormat, Hint: "an ID is a date and a number, 20160906.1"}
}

// String returns the ID as it is written in file names, "" for the zero ID.
func (id BuildID) String() string {
	switch {
	case id.Day == 0:
		return ""
	case id.N == 0:
		return fmt.Sprintf("%08d", id.Day)
	}
	return fmt.Sprintf("%08d.%d", id.Day, id.N)
}

// IsZero reports whether there is no ID.
func (id BuildID) IsZero() bool { return id == BuildID{} }

// Compare orders by date and number, so that .10 comes after .9.
func (id BuildID) Compare(other BuildID) int {
	return cmp.Or(cmp.Compare(id.Day, other.Day), cmp.Compare(id.N, other.N))
}

// Date returns the beginning of the ID's day, UTC.
func (id BuildID) Date() time.Time {
	return time.Date(id.Day/10000, time.Month(id.Day/100%100), id.Day%100, 0, 0, 0, 0, time.UTC)
}

// MarshalText writes the ID as [BuildID.String] does.
func (id BuildID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is the zero ID.
func (id *BuildID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*id = BuildID{}
		return nil
	}
	*id, err = ParseBuildID(string(b))
	return err
}

// An ImageSet names what is built together: the images of one type of one
// project for one series.
type ImageSet struct {
	Subtree string `json:"subtree,omitempty"` // "nvidia-tegra", mostly empty
	Project string `json:"project"`           // "ubuntu-touch-custom"
	Series  string `json:"series"`            // "vivid", "ubuntu-rtm/14.09"
	Type    string `json:"image_type"`        // "daily-preinstalled"
}

// A Build is one run for an image set.
type Build struct {
	ImageSet
	ID BuildID `json:"build_id"`
}

// Dir returns the directory of the set's logs below the root of a log tree.
func (s ImageSet) Dir() string { return path.Join(s.Subtree, s.Project, s.Series) }

// LogPath returns the path of the build's log below the root of a log tree.
func (b Build) LogPath() string { return path.Join(b.Dir(), b.Type+"-"+b.ID.String()+".log") }

// String returns the log's path without its ending.
func (b Build) String() string { return strings.TrimSuffix(b.LogPath(), ".log") }

// ImageDirs returns where the images of the build are below the root of the
// published tree: with the series, as today, and without it, as in the touch
// era for the series in development. The first that exists is right.
func (b Build) ImageDirs() []string {
	with := path.Join(b.Subtree, b.Project, b.Series, b.Type, b.ID.String())
	without := path.Join(b.Subtree, b.Project, b.Type, b.ID.String())
	return []string{with, without}
}

var (
	logName       = regexp.MustCompile(`^([a-z][a-z0-9-]*)-(\d{8}(?:\.[1-9]\d{0,5})?)\.log$`)
	imageTypeForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
)

// logRoot reports whether a directory is one of those that hold logs alone: no
// project and no series has such a name.
func logRoot(name string) bool { return name == "cd-build-logs" || name == "log" }

// parseLogName splits the name of a log file, "daily-preinstalled-20160906.1.log",
// into image type and ID; false for any other file.
func parseLogName(name string) (imageType string, id BuildID, ok bool) {
	m := logName.FindStringSubmatch(name)
	if m == nil {
		return "", BuildID{}, false
	}
	id, err := ParseBuildID(m[2])
	return m[1], id, err == nil
}

// ParseBuild says which build something belongs to, and so where its log is: the path
// or address of a log, of a published image, or of the directory of images.
//
// The last directories of a log are [<subtree>/]<project>/<series>. Whether the first of
// several directories is a subtree cannot be told: everything above the project is
// taken away up to a directory called cd-build-logs or log; without such a
// directory there is no subtree. Of a log that was saved under its name alone the error
// comes with the Type and ID of the name.
//
// Without a series in the path of an image, as for the development series of the touch
// era, the series is taken from the image's name; "pending" and "current" name no build.
func ParseBuild(s string) (Build, error) {
	parts, err := pathParts(s)
	if err == nil && len(parts) > 0 && strings.HasSuffix(strings.TrimSuffix(parts[len(parts)-1], ".gz"), ".log") {
		return buildOfLog(s, parts)
	}
	return buildOfImage(s, parts)
}

func buildOfLog(s string, parts []string) (Build, error) {
	bad := &Error{Op: "parse log path", What: s, Kind: ErrFormat, Hint: "it should end in <project>/<series>/<image type>-<ID>.log"}
	typ, id, ok := parseLogName(strings.TrimSuffix(parts[len(parts)-1], ".gz"))
	if !ok {
		return Build{}, bad
	}
	dirs := parts[:len(parts)-1]
	root := len(dirs) - 1
	for root >= 0 && !logRoot(dirs[root]) {
		root--
	}
	dirs = dirs[root+1:]
	series := 1
	if len(dirs) > 2 && otherDistribution(dirs[len(dirs)-2]) {
		series = 2
	}
	if len(dirs) < series+1 {
		return Build{ImageSet{Type: typ}, id}, bad
	}
	at := len(dirs) - series
	b := Build{ImageSet{Project: dirs[at-1], Series: path.Join(dirs[at:]...), Type: typ}, id}
	if root >= 0 {
		b.Subtree = path.Join(dirs[:at-1]...)
	}
	return b, nil
}

// otherDistribution reports whether a directory in a series' place is a
// distribution with series below it. Names of series have no dash.
func otherDistribution(name string) bool { return strings.HasPrefix(name, "ubuntu-rtm") }

func buildOfImage(s string, parts []string) (Build, error) {
	bad := &Error{Op: "parse image address", What: s, Kind: ErrFormat, Hint: "it should hold <project>/[<series>/]<image type>/<ID>/<image>, or be the path of a log, <project>/<series>/<image type>-<ID>.log"}
	for i, d := range parts { // on the host's own disk
		if d == "full" && i > 0 && parts[i-1] == "www" {
			parts = parts[i+1:]
			break
		}
	}
	at := -1
	var b Build
	for i, d := range parts {
		if id, err := ParseBuildID(d); err == nil && i > 0 {
			at, b.ID = i, id
		}
	}
	if at < 1 || !imageTypeForm.MatchString(parts[at-1]) || slices.ContainsFunc(parts, logRoot) {
		return Build{}, bad
	}
	b.Type = parts[at-1]
	dirs := parts[:at-1]
	if len(dirs) > 0 && !strings.Contains(dirs[0], "-") && !imageProject(dirs[0]) {
		// ubuntu itself has no directory of its own, only series
		dirs = append([]string{"ubuntu"}, dirs...)
	}
	if len(dirs) == 0 {
		dirs = []string{"ubuntu"}
	}
	n := len(dirs)
	switch {
	case n >= 3 && otherDistribution(dirs[n-2]):
		b.Series, dirs = path.Join(dirs[n-2:]...), dirs[:n-2]
	case n >= 2:
		b.Series, dirs = dirs[n-1], dirs[:n-1]
	default:
		if at+1 < len(parts) {
			b.Series, _, _ = strings.Cut(parts[at+1], "-")
		}
	}
	b.Project, b.Subtree = dirs[len(dirs)-1], path.Join(dirs[:len(dirs)-1]...)
	if b.Series == "" {
		return Build{}, bad
	}
	return b, nil
}

// imageProject tells the flavours without a dash in their names from series.
func imageProject(name string) bool { return strings.HasSuffix(name, "buntu") }

func pathParts(s string) ([]string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, p := range strings.Split(u.Path, "/") {
		if p == ".." {
			return nil, ErrFormat
		}
		if p != "" && p != "." {
			parts = append(parts, p)
		}
	}
	return parts, nil
}
